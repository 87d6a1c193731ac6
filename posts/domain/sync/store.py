"""Writing what was read: a page at once, the same however often. What Dynamo itself knows of a post is not touched."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from posts.graph.feed import ImportedPost
from posts.models import Channel, PublishedPost

# Addresses and kinds that the platform leaves out now and then do not go away for that; numbers do.
LASTING = {"media_url", "thumbnail_url", "permalink", "media_type"}
TOLD = [
    "type", "caption", "media_url", "media_type", "thumbnail_url", "permalink", "likes", "comments", "shares",
    "reactions",
]  # fmt: skip
SAME = timedelta(minutes=1)  # the worker notes milliseconds, the platform whole seconds; the order of lists stays
WRITTEN = [*TOLD, "published_at", "imported_at", "missing_since", "deleted_at"]


def upsert_posts(channel: Channel, found: Iterable[ImportedPost], at: datetime) -> int:
    """Insert or update the posts, in two queries; return how many are new.

    `superpower` and `scheduled_post_id` are never written. A column that was not asked for keeps what it has.
    """
    by_id = {item.platform_id: item for item in found}
    if not by_id:
        return 0
    rows = PublishedPost.objects.filter(channel=channel, platform_id__in=by_id)
    known = {row.platform_id: row for row in rows.only("platform_id", "published_at", *TOLD)}
    PublishedPost.objects.bulk_create(
        [_row(channel, by_id[name], known.get(name), at) for name in sorted(by_id)],
        update_conflicts=True,
        unique_fields=["channel", "platform_id"],
        update_fields=WRITTEN,
    )
    return len(by_id) - len(known)


def _row(channel: Channel, one: ImportedPost, known: PublishedPost | None, at: datetime) -> PublishedPost:
    row = PublishedPost(
        organization_id=channel.organization_id,
        channel=channel,
        platform_id=one.platform_id,
        published_at=_instant(one, known),
        imported_at=at,
    )
    for column in TOLD:
        value = one.values.get(column)
        if known is not None and (column not in one.values or (value is None and column in LASTING)):
            value = getattr(known, column)
        if value is not None or column != "type":
            setattr(row, column, value)
    return row


def _instant(one: ImportedPost, known: PublishedPost | None) -> datetime:
    if known is not None and abs(known.published_at - one.published_at) < SAME:
        return known.published_at
    return one.published_at
