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


def fetch_missing() -> int:
    """Read the addresses that are missing; return how many were found. What has none is asked for again later.

    The batch is put aside first, so that another round, which may begin meanwhile, reads others.
    """
    found = 0
    batch = list(_missing().select_related("channel")[:BATCH])
    Delivery.objects.filter(pk__in=[item.pk for item in batch]).update(retry_at=payload.seconds_from_now(60))
    asked: set[int] = set()
    for item in batch:
        try:
            account = payload.delivery_account(item)
        except GraphError:
            continue
        pace = rate_limits.background_pace(account)
        if pace is rate_limits.Pace.STOP or (pace is rate_limits.Pace.SLOW and item.channel_id in asked):
            continue
        asked.add(item.channel_id)
        link = payload.delivery_publisher(item).permalink(account, item.platform_post_id)
        if not link:
            continue
        outcomes.update_delivery(item, permalink=link, retry_at=None)
        PublishedPost.objects.filter(channel=item.channel_id, platform_id=item.platform_post_id).update(permalink=link)
        found += 1
    return found


def _missing() -> QuerySet[Delivery]:
    now = clock.now()
    rows = Delivery.objects.filter(state=DeliveryState.PUBLISHED, permalink="", published_at__gte=now - WINDOW)
    return rows.exclude(platform_post_id="").exclude(retry_at__gt=now).order_by("published_at")
