"""Published posts: recording those of our worker, storing imported ones, reading insights from the platform."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from posts.domain.channels import graph_account
from posts.graph import insights
from posts.graph.parsing import ImportedPost
from posts.models import Channel, PublishedPost

# The platform sometimes omits these: null does not overwrite a value. It does overwrite counters.
LASTING = {"media_url", "thumbnail_url", "permalink", "media_type"}
PLATFORM_COLUMNS = [
    "type", "caption", "media_url", "media_type", "thumbnail_url", "permalink", "likes", "comments", "shares",
    "reactions", "reactions_total",
]  # fmt: skip
# The worker stores milliseconds, the platform returns whole seconds: a time this close keeps the order of lists.
SAME_TIME = timedelta(minutes=1)


def record_published(*, channel: Channel, **columns: Any) -> None:
    """Insert a post that our worker published, in one query; a second call changes nothing.

    If the post was imported before, only `superpower`, `scheduled_post_id` and `media_sha256` are written.
    """
    PublishedPost.objects.bulk_create(
        [PublishedPost(organization_id=channel.organization_id, channel=channel, **columns)],
        update_conflicts=True,
        unique_fields=["channel", "platform_id"],
        update_fields=["superpower", "scheduled_post_id", "media_sha256"],
    )


def upsert_posts(channel: Channel, posts: Iterable[ImportedPost], imported_at: datetime) -> int:
    """Insert or update the posts, in two queries; return how many are new. Repeating it changes nothing.

    Columns that `record_published` writes are left as they are, and so is a column that was not requested.
    """
    by_id = {post.platform_id: post for post in posts}
    if not by_id:
        return 0
    existing = {
        row.platform_id: row
        for row in PublishedPost.objects.filter(channel=channel, platform_id__in=by_id).only(
            "platform_id", "published_at", *PLATFORM_COLUMNS
        )
    }
    PublishedPost.objects.bulk_create(
        # Sorted: two writers lock the rows in the same order.
        [_row(channel, by_id[post_id], existing.get(post_id), imported_at) for post_id in sorted(by_id)],
        update_conflicts=True,
        unique_fields=["channel", "platform_id"],
        update_fields=[*PLATFORM_COLUMNS, "published_at", "imported_at", "missing_since", "deleted_at"],
    )
    return len(by_id) - len(existing)


def _row(channel: Channel, post: ImportedPost, existing: PublishedPost | None, imported_at: datetime) -> PublishedPost:
    row = PublishedPost(
        organization_id=channel.organization_id,
        channel=channel,
        platform_id=post.platform_id,
        published_at=post.published_at,
        imported_at=imported_at,
    )
    if existing is not None and abs(existing.published_at - post.published_at) < SAME_TIME:
        row.published_at = existing.published_at
    for column in PLATFORM_COLUMNS:
        value = post.values.get(column)
        if existing is not None and (column not in post.values or (value is None and column in LASTING)):
            value = getattr(existing, column)
        if value is not None or column != "type":
            setattr(row, column, value)
    return row


def read_insights(post: PublishedPost, *, seconds: float = insights.SECONDS) -> insights.Insights:
    """Request every metric of a post within `seconds`. Raises GraphErrors when the post or channel cannot be read."""
    account = graph_account(post.channel)
    return insights.read_insights(account, post.platform_id, post.type, post.media_type, seconds)
