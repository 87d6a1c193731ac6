"""The reels of a Page that the platform takes through its API within 24 hours."""

from datetime import datetime, timedelta

from accounts import clock
from posts.graph.errors import QuotaReached
from posts.models import ChannelType, PostType, PublishedPost
from scheduling.models import Delivery

REELS_PER_DAY = 30  # Meta's reels guide: graph-api, section 11a
DAY = timedelta(days=1)


def ensure_reels_left(delivery: Delivery) -> None:
    """Raise QuotaReached for a reel of a Page that has REELS_PER_DAY of ours. Runs no query for other deliveries."""
    if _is_page_reel(delivery) and len(times := _reel_times(delivery)) >= REELS_PER_DAY:
        raise QuotaReached(f"The Page has used up its reels of the day: {len(times)} of {REELS_PER_DAY}", code=9)


def next_reel_at(delivery: Delivery) -> datetime | None:
    """Return when the Page takes a reel again; None when it does now, and for other deliveries."""
    times = _reel_times(delivery) if _is_page_reel(delivery) else []
    return times[REELS_PER_DAY - 1] + DAY if len(times) >= REELS_PER_DAY else None


def _is_page_reel(delivery: Delivery) -> bool:
    return delivery.channel.type == ChannelType.FB_PAGE and delivery.post.type == PostType.REEL


def _reel_times(delivery: Delivery) -> list[datetime]:
    """Return when our reels of the last day were published on the Page, the newest first.

    They count for the Page, whichever organization connected it, and also after they are deleted.
    """
    rows = PublishedPost.objects.filter(
        channel__type=ChannelType.FB_PAGE,
        channel__platform_id=delivery.channel.platform_id,
        type=PostType.REEL,
        scheduled_post_id__isnull=False,
        published_at__gt=clock.now() - DAY,
    )
    return list(rows.order_by("-published_at").values_list("published_at", flat=True))
