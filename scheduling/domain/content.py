"""What goes out, in canonical form, and its SHA-256. An approval stands for exactly one digest."""

import hashlib
import unicodedata
from collections.abc import Iterable
from datetime import UTC
from typing import Any

from accounts.hashing import canonical_sha256
from scheduling.models import Delivery, DeliveryState, ScheduledPost

__all__ = [
    "Content",
    "approved_content",
    "canonical_sha256",
    "current_content",
    "deliveries",
    "diff_content",
    "unpublished_deliveries",
]

Content = dict[str, Any]


def approved_content(post: ScheduledPost, rows: Iterable[Delivery]) -> Content:
    """Return everything that will go out: type, media with the hash of its bytes, instant, and per channel the text.

    The rows, deliveries, must have their channel loaded. `mediaSha256` is empty while the bytes could not be fetched.
    """
    return {
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


def deliveries(post: ScheduledPost) -> list[Delivery]:
    """Return the post's deliveries, their channels loaded."""
    return list(post.deliveries.select_related("channel"))


def unpublished_deliveries(post: ScheduledPost) -> list[Delivery]:
    """Return the deliveries that are not live, by channel id: what an approval given now would send."""
    rows = [delivery for delivery in deliveries(post) if delivery.state != DeliveryState.PUBLISHED]
    return sorted(rows, key=lambda one: one.channel.public_id)


def current_content(post: ScheduledPost) -> tuple[Content, str]:
    """Return the content that an approval given now would cover, and its digest. The desk shows both."""
    now = approved_content(post, unpublished_deliveries(post))
    return now, canonical_sha256(now)


def diff_content(before: Content, after: Content) -> list[dict[str, Any]]:
    """Return `[{"path", "before", "after"}]` for each leaf that differs; channels are compared field by field."""
    return list(_differences([], before, after))


def _differences(path: list[str], before: Any, after: Any) -> Iterable[dict[str, Any]]:
    if isinstance(before, dict) and isinstance(after, dict) and len(path) < 3:
        for key in sorted(before.keys() | after.keys()):
            yield from _differences([*path, key], before.get(key), after.get(key))
    elif before != after:
        yield {"path": path, "before": before, "after": after}


def caption_hash(caption: str) -> str:
    """Return what captions share that differ only in case, white space and ways to write a letter; empty for none."""
    plain = " ".join(unicodedata.normalize("NFKC", caption).casefold().split())
    return hashlib.sha256(plain.encode("utf-8", "surrogatepass")).hexdigest() if plain else ""
