"""When an account's daily quota of posts is used up: the post waits for a free slot, unless it would then be late.

The platform counts a rolling day and does not report when it began; our own published posts show it.
"""

from datetime import datetime, timedelta

from django.conf import settings

from accounts import clock
from scheduling.models import Delivery

DAY = timedelta(days=1)
SOONEST, LATEST = 5.0, 60.0  # seconds until the quota is read again: other apps publish through the account as well


def quota_delay(delivery: Delivery) -> float | None:
    """Return in how many seconds to try again; None when that is past the late limit of its post."""
    now, scheduled_for = clock.now(), delivery.post.scheduled_for
    free = quota_resets_at(delivery)
    seconds = max(SOONEST, min(LATEST, (free - now).total_seconds())) if free else LATEST
    limit = timedelta(seconds=settings.MAX_LATENESS_SECONDS)
    if scheduled_for is None or now + timedelta(seconds=seconds) > scheduled_for + limit:
        return None
    return seconds


def quota_resets_at(delivery: Delivery) -> datetime | None:
    """Return when our oldest post of the last day on the channel is a day old; None without any."""
    ours = Delivery.objects.filter(channel=delivery.channel_id, published_at__gt=clock.now() - DAY)
    oldest = ours.order_by("published_at").values_list("published_at", flat=True).first()
    return oldest + DAY if oldest else None


def describe_reset(delivery: Delivery) -> str:
    """Return a sentence that states when the next post is possible."""
    free = quota_resets_at(delivery)
    if free is None:
        return "The next one is possible within a day at the latest."
    return f"The next one is possible from {free:%-d %B, %H:%M} UTC on."
