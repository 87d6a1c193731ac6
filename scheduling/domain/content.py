"""What goes out, in canonical form, and its SHA-256. An approval stands for exactly one digest."""

import hashlib
import unicodedata
from collections.abc import Iterable
from datetime import UTC
from typing import Any

from accounts.hashing import digest
from scheduling.models import Delivery, DeliveryState, ScheduledPost

__all__ = ["Content", "content", "current", "deliveries", "difference", "digest", "outstanding"]

Content = dict[str, Any]


def content(post: ScheduledPost, rows: Iterable[Delivery]) -> Content:
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
            one.channel.wire_id: {
                "mediumType": one.channel.type,
                "caption": one.caption,
                "superpower": one.superpower,
            }
            for one in rows
        },
    }


def deliveries(post: ScheduledPost) -> list[Delivery]:
    """Return the post's deliveries, their channels loaded."""
    return list(post.deliveries.select_related("channel"))


def outstanding(post: ScheduledPost) -> list[Delivery]:
    """Return the deliveries that are not live, by channel id: what an approval given now would send."""
    rows = [one for one in deliveries(post) if one.state != DeliveryState.PUBLISHED]
    return sorted(rows, key=lambda one: one.channel.wire_id)


def current(post: ScheduledPost) -> tuple[Content, str]:
    """Return the content that an approval given now would cover, and its digest. The desk shows both."""
    now = content(post, outstanding(post))
    return now, digest(now)


def difference(before: Content, after: Content) -> list[dict[str, Any]]:
    """Return `[{"path", "before", "after"}]` for each leaf that differs; channels are compared field by field."""
    return list(_differences([], before, after))


def _differences(path: list[str], before: Any, after: Any) -> Iterable[dict[str, Any]]:
    if isinstance(before, dict) and isinstance(after, dict) and len(path) < 3:
        for key in sorted(before.keys() | after.keys()):
            yield from _differences([*path, key], before.get(key), after.get(key))
    elif before != after:
        yield {"path": path, "before": before, "after": after}


def caption_key(caption: str) -> str:
    """Return what captions share that differ only in case, white space and ways to write a letter; empty for none."""
    plain = " ".join(unicodedata.normalize("NFKC", caption).casefold().split())
    return hashlib.sha256(plain.encode("utf-8", "surrogatepass")).hexdigest() if plain else ""
