"""Reads the permalinks of published posts, separately from publishing; a failure has no consequence."""

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


def missing_permalinks() -> QuerySet[Delivery]:
    """Return the recently published deliveries without a permalink that are to be read now."""
    now = clock.now()
    rows = Delivery.objects.filter(state=DeliveryState.PUBLISHED, permalink="", published_at__gte=now - WINDOW)
    return rows.exclude(platform_post_id="").exclude(retry_at__gt=now).order_by("published_at")


def fetch_missing() -> int:
    """Read missing permalinks; return how many were found. The others are read again after a minute.

    `retry_at` of the batch is set first, so that a task that runs at the same time reads other rows.
    """
    found = 0
    deliveries = list(missing_permalinks().select_related("channel")[:BATCH])
    Delivery.objects.filter(pk__in=[delivery.pk for delivery in deliveries]).update(
        retry_at=payload.seconds_from_now(60)
    )
    asked: set[int] = set()
    for delivery in deliveries:
        try:
            account = payload.delivery_account(delivery)
        except GraphError:
            continue
        pace = rate_limits.background_pace(account)
        if pace is rate_limits.Pace.STOP or (pace is rate_limits.Pace.SLOW and delivery.channel_id in asked):
            continue
        asked.add(delivery.channel_id)
        link = payload.delivery_publisher(delivery).permalink(account, delivery.platform_post_id)
        if not link:
            continue
        outcomes.update_delivery(delivery, permalink=link, retry_at=None)
        published = PublishedPost.objects.filter(channel=delivery.channel_id, platform_id=delivery.platform_post_id)
        published.update(permalink=link)
        found += 1
    return found
