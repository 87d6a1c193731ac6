"""What became of posts after their approval: live where, with which numbers; not live why, and what a person can do."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from posts.models import PublishedPost
from scheduling.admin.failure_help import Advice, failure_help
from scheduling.lifecycle import Status
from scheduling.models import Delivery, DeliveryState, ScheduledPost

OVER = {Status.PUBLISHED, Status.FAILED}


@dataclass(frozen=True)
class ChannelResult:
    """One channel of a post that is over. `numbers` are words such as `48 likes`, none until they were imported."""

    delivery: Delivery
    live: bool
    numbers: str = ""
    advice: Advice | None = None

    @property
    def words(self) -> str:
        """What happened there, in two or three words."""
        if self.live:
            return "Live"
        unknown = self.delivery.state == DeliveryState.UNKNOWN
        return "Not known whether it is live" if unknown else "Did not go live"


def channel_results(posts: Sequence[ScheduledPost]) -> dict[UUID, list[ChannelResult]]:
    """Return what became of each post that is over, channel by channel, in one query however many they are.

    Needs the posts loaded by `for_wire`.
    """
    over = [post for post in posts if post.status in OVER]
    numbers = engagement_counts(over)
    return {post.pk: [_fate(post, delivery, numbers) for delivery in post.deliveries.all()] for post in over}


def engagement_counts(posts: Sequence[ScheduledPost]) -> dict[tuple[int, str], str]:
    """Return what the platform counts, in words, by channel and live id. One query, none when nothing is live."""
    live = [delivery for post in posts for delivery in post.deliveries.all() if delivery.platform_post_id]
    rows = PublishedPost.objects.filter(
        channel__in={item.channel_id for item in live},
        platform_id__in={item.platform_post_id for item in live},
        deleted_at=None,
    )
    told = rows.values_list("channel_id", "platform_id", "likes", "comments", "shares") if live else []
    return {
        (channel, platform_post_id): _words(likes=likes, comments=comments, shares=shares)
        for channel, platform_post_id, likes, comments, shares in told
    }


def _words(**counts: int | None) -> str:
    named = ((name if count != 1 else name[:-1], count) for name, count in counts.items() if count is not None)
    return " · ".join(f"{count:,} {name}" for name, count in named)


def _fate(post: ScheduledPost, delivery: Delivery, numbers: dict[tuple[int, str], str]) -> ChannelResult:
    if delivery.state == DeliveryState.PUBLISHED:
        return ChannelResult(
            delivery, live=True, numbers=numbers.get((delivery.channel_id, delivery.platform_post_id), "")
        )
    elsewhere = any(
        delivery.state in {DeliveryState.PUBLISHED, DeliveryState.UNKNOWN} for delivery in post.deliveries.all()
    )
    return ChannelResult(delivery, live=False, advice=failure_help(delivery, revertible=not elsewhere))
