"""A comment, the same for both platforms, and how each of them writes one.

Facebook (graph-api, section 5): message, created_time, from{id,name} (absent for people whom the app may not see),
parent{id}, like_count, comment_count, is_hidden. Instagram: text, timestamp, from{id,username} or only username,
parent_id, like_count, hidden; how many replies there are is not said.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from posts.graph.publishers.recent_posts import instant


@dataclass(frozen=True, slots=True)
class Author:
    """Who said it. Either part may be unknown; an author of whom nothing is known is None instead."""

    id: str | None
    name: str | None


@dataclass(frozen=True, slots=True)
class Comment:
    """What the platform did not tell is None, never a guess. `parent_id` is None for a comment on the post itself.

    `text` may hold a NUL and anything else that people can type, but no half of a surrogate pair. `replies` counts
    what stands below it.
    """

    id: str
    parent_id: str | None
    text: str
    created_at: datetime | None
    author: Author | None
    likes: int | None
    replies: int | None
    hidden: bool | None


def facebook(item: dict[str, Any], parent: str | None = None) -> Comment:
    """Read Facebook's way of writing a comment; `parent` is the comment that it was found below."""
    above = item.get("parent")
    return Comment(
        id=text(str(item["id"])) or "",
        parent_id=text(above.get("id")) if isinstance(above, dict) else parent,
        text=text(item.get("message")) or "",
        created_at=instant(item.get("created_time")),
        author=_author(item.get("from"), "name"),
        likes=_count(item.get("like_count")),
        replies=_count(item.get("comment_count")),
        hidden=_flag(item.get("is_hidden")),
    )


def instagram(item: dict[str, Any], parent: str | None = None) -> Comment:
    """Read Instagram's way. A comment that came without replies, although they were asked for, has none."""
    below = item.get("replies")
    known = below if isinstance(below, dict) else {}
    listed = known.get("data")
    replies = len(listed) if isinstance(listed, list) else 0
    paging = known.get("paging")
    more = isinstance(paging, dict) and "next" in paging
    author = _author(item.get("from"), "username")
    if (author is None or author.name is None) and (name := text(item.get("username"))):
        author = Author(author.id if author else None, name)
    return Comment(
        id=text(str(item["id"])) or "",
        parent_id=text(item.get("parent_id")) or parent,
        text=text(item.get("text")) or "",
        created_at=instant(item.get("timestamp")),
        author=author,
        likes=_count(item.get("like_count")),
        replies=None if more else replies,
        hidden=_flag(item.get("hidden")),
    )


def text(value: Any) -> str | None:
    """Return a text that UTF-8 can carry, None for what is no text or empty."""
    if not isinstance(value, str) or not value:
        return None
    if value.isascii():
        return value
    # JSON can carry half of a surrogate pair; nothing behind us can.
    return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _author(given: Any, name: str) -> Author | None:
    if not isinstance(given, dict):
        return None
    author = Author(text(given.get("id")), text(given.get(name)))
    return author if author.id or author.name else None


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _flag(value: Any) -> bool | None:
    return value if isinstance(value, bool) else None
