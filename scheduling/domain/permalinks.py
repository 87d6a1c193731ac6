"""The address of what has just gone live: read off the critical path, and nobody minds when it fails."""

from datetime import timedelta

from django.db.models import QuerySet

from accounts import clock
from posts.graph import rate_limits
from posts.graph.errors import GraphError
from posts.models import PublishedPost
from scheduling.domain.publishing import outcomes, payload
from scheduling.models import Delivery, DeliveryState

WINDOW = timedelta(minutes=30)
BATCH = 50


def missing() -> bool:
    """Whether something that went live lately has no address yet."""
    return _missing().exists()


def fill() -> int:
    """Read the addresses that are missing; return how many were found. What has none is asked for again later.

    The batch is put aside first, so that another round, which may begin meanwhile, reads others.
    """
    found = 0
    batch = list(_missing().select_related("channel")[:BATCH])
    Delivery.objects.filter(pk__in=[one.pk for one in batch]).update(next_try_at=payload.later(60))
    asked: set[int] = set()
    for one in batch:
        try:
            account = payload.account(one)
        except GraphError:
            continue
        pace = rate_limits.background(account)
        if pace is rate_limits.Pace.STOP or (pace is rate_limits.Pace.SLOW and one.channel_id in asked):
            continue
        asked.add(one.channel_id)
        link = payload.platform(one).permalink(account, one.live_id)
        if not link:
            continue
        outcomes.note(one, permalink=link, next_try_at=None)
        PublishedPost.objects.filter(channel=one.channel_id, platform_id=one.live_id).update(permalink=link)
        found += 1
    return found


def _missing() -> QuerySet[Delivery]:
    now = clock.now()
    rows = Delivery.objects.filter(state=DeliveryState.PUBLISHED, permalink="", published_at__gte=now - WINDOW)
    return rows.exclude(live_id="").exclude(next_try_at__gt=now).order_by("published_at")
