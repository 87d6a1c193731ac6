"""Published posts: recording those of our worker, and reading insights from the platform."""

from typing import Any

from posts.domain.channels import graph_account
from posts.graph import insights
from posts.models import Channel, PublishedPost


def record_published(*, channel: Channel, **columns: Any) -> None:
    """Insert a post that our worker published, in one query; a second call changes nothing.

    If the post was imported before, only `superpower` and `scheduled_post_id` are written.
    """
    PublishedPost.objects.bulk_create(
        [PublishedPost(organization_id=channel.organization_id, channel=channel, **columns)],
        update_conflicts=True,
        unique_fields=["channel", "platform_id"],
        update_fields=["superpower", "scheduled_post_id"],
    )


def read_insights(post: PublishedPost, *, seconds: float = insights.SECONDS) -> insights.Insights:
    """Request every metric of a post with its channel, within `seconds`, never from a copy.

    A metric that is refused or has no data is unavailable. Raises GraphErrors when the post or the channel cannot be
    read at all.
    """
    account = graph_account(post.channel)
    return insights.read_insights(account, post.platform_id, post.type, post.media_type, seconds)
