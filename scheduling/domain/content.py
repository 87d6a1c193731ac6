"""The content of a post in canonical form, and its SHA-256 digest. An approval covers exactly one digest."""

import hashlib
import unicodedata
from collections.abc import Iterable
from datetime import UTC
from typing import Any

from accounts.domain.audit_log import canonical_sha256
from scheduling.models import Delivery, DeliveryState, ScheduledPost

Content = dict[str, Any]


def approved_content(post: ScheduledPost, rows: Iterable[Delivery]) -> Content:
    """Return all that will be published: type, media with the hash of its bytes, time, and the text per channel.

    `rows` are deliveries with their channel loaded. `mediaSha256` is empty until the bytes have been fetched.
    `mediaItems`, `altText` and `isAiGenerated` are keys only where the post has them: the digests of other posts are
    those of before these fields existed.
    """
    return {
        **_optional_content(post),
        "type": post.type,
        "media": post.media,
        "mediaType": post.media_type,
        "mediaSha256": post.media_sha256,
        "scheduledFor": post.scheduled_for.astimezone(UTC).isoformat() if post.scheduled_for else None,
        "channels": {
            row.channel.public_id: {
                "mediumType": row.channel.type,
                "caption": row.caption,
                "superpower": row.superpower,
            }
            for row in rows
        },
    }


def _optional_content(post: ScheduledPost) -> Content:
    content: Content = {}
    if post.items:
        content["mediaItems"] = [
            {
                "media": item.media,
                "mediaType": item.media_type,
                "mediaSha256": item.media_sha256,
                "altText": item.alt_text,
            }
            for item in post.items
        ]
    if post.alt_text:
        content["altText"] = post.alt_text
    if post.is_ai_generated:
        content["isAiGenerated"] = True
    return content


def deliveries(post: ScheduledPost) -> list[Delivery]:
    return list(post.deliveries.select_related("channel"))


def unpublished_deliveries(post: ScheduledPost) -> list[Delivery]:
    """Return the unpublished deliveries by channel id: those that an approval given now would send."""
    rows = [delivery for delivery in deliveries(post) if delivery.state != DeliveryState.PUBLISHED]
    return sorted(rows, key=lambda row: row.channel.public_id)


def current_content(post: ScheduledPost) -> tuple[Content, str]:
    """Return the content that an approval given now would cover, and its digest."""
    content = approved_content(post, unpublished_deliveries(post))
    return content, canonical_sha256(content)


def diff_content(before: Content, after: Content) -> list[dict[str, Any]]:
    """Return `[{"path", "before", "after"}]` for each leaf that differs.

    Channels are compared field by field, the items of carousels by position and field by field.
    """
    return list(_differences([], before, after))


def is_from_known_content(differences: Iterable[dict[str, Any]]) -> bool:
    """Whether the content before is known: each content has a type, and an unknown one has nothing."""
    return not any(item["path"] == ["type"] and item["before"] is None for item in differences)


def _differences(path: list[str], before: Any, after: Any) -> Iterable[dict[str, Any]]:
    if path == ["mediaItems"]:
        before, after = (dict(enumerate(items or [])) for items in (before, after))
        for number in sorted(before.keys() | after.keys()):
            yield from _differences([*path, str(number)], before.get(number), after.get(number))
    elif isinstance(before, dict) and isinstance(after, dict) and len(path) < 3:
        for key in sorted(before.keys() | after.keys()):
            yield from _differences([*path, key], before.get(key), after.get(key))
    elif before != after:
        yield {"path": path, "before": before, "after": after}


def caption_hash(caption: str) -> str:
    """Return a hash that ignores case, white space and Unicode form; empty for a blank caption."""
    plain = " ".join(unicodedata.normalize("NFKC", caption).casefold().split())
    return hashlib.sha256(plain.encode("utf-8", "surrogatepass")).hexdigest() if plain else ""
