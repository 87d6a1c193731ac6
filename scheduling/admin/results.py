"""Results of published and failed posts, by channel."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from posts.models import PublishedPost
from scheduling.admin.failure_help import Advice, failure_help
from scheduling.lifecycle import Status
from scheduling.models import Delivery, DeliveryState, ScheduledPost

FINISHED = {Status.PUBLISHED, Status.FAILED}


@dataclass(frozen=True)
class ChannelResult:
    """Result of a finished post on one channel. `counts`: `48 likes · 3 comments`, blank before they are synced."""

    delivery: Delivery
    published: bool
    counts: str = ""
    advice: Advice | None = None

    @property
    def label(self) -> str:
        """The result in one or two words."""
        if self.published:
            return "Published"
        return "Outcome unknown" if self.delivery.state == DeliveryState.UNKNOWN else "Failed"


def channel_results(posts: Sequence[ScheduledPost]) -> dict[UUID, list[ChannelResult]]:
    """Return the results of the finished posts by post id, in one query.

    Needs the posts loaded by `for_wire`.
    """
    finished = [post for post in posts if post.status in FINISHED]
    counts = engagement_counts(finished)
    return {post.pk: [_result(post, delivery, counts) for delivery in post.deliveries.all()] for post in finished}


def engagement_counts(posts: Sequence[ScheduledPost]) -> dict[tuple[int, str], str]:
    """Return likes, comments and shares as text by channel id and platform post id.

    One query, none without published deliveries.
    """
    published = [delivery for post in posts for delivery in post.deliveries.all() if delivery.platform_post_id]
    if not published:
        return {}
    rows = PublishedPost.objects.filter(
        channel__in={delivery.channel_id for delivery in published},
        platform_id__in={delivery.platform_post_id for delivery in published},
        deleted_at=None,
    )
    return {
        (channel, platform_post_id): _format_counts(likes=likes, comments=comments, shares=shares)
        for channel, platform_post_id, likes, comments, shares in rows.values_list(
            "channel_id", "platform_id", "likes", "comments", "shares"
        )
    }


def _format_counts(**counts: int | None) -> str:
    named = ((name if count != 1 else name[:-1], count) for name, count in counts.items() if count is not None)
    return " · ".join(f"{count:,} {name}" for name, count in named)


def _result(post: ScheduledPost, delivery: Delivery, counts: dict[tuple[int, str], str]) -> ChannelResult:
    if delivery.state == DeliveryState.PUBLISHED:
        return ChannelResult(
            delivery, published=True, counts=counts.get((delivery.channel_id, delivery.platform_post_id), "")
        )
    maybe_published = any(
        delivery.state in {DeliveryState.PUBLISHED, DeliveryState.UNKNOWN} for delivery in post.deliveries.all()
    )
    return ChannelResult(delivery, published=False, advice=failure_help(delivery, revertible=not maybe_published))
