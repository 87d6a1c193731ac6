"""A post's comments from the platform: by threads, or all of them.

By threads the order is the same on both: comments on the post, newest first, each followed by its replies, oldest
first. Both platforms know two levels only. Instagram gives 50 comments at most, Facebook names no maximum.

Facebook (graph-api, section 5): message, created_time, from{id,name} (absent for people whom the app may not see),
parent{id}, like_count, comment_count, is_hidden. Instagram: text, timestamp, from{id,username} or only username,
parent_id, like_count, hidden; how many replies there are is not said.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any

from accounts import clock
from posts.graph import rate_limits
from posts.graph.account import Account
from posts.graph.cursor_reader import EdgePosition, EdgeReader, Item
from posts.graph.errors import NotFound, Throttled
from posts.graph.publishers.recent_posts import parse_graph_time

PAGE_SECONDS, EXPORT_SECONDS = 20.0, 60.0
REPLIES = 5  # that come along with their comment; more are asked for when they are wanted
LARGEST = 50
STREAM = 200
REST = 60.0  # seconds after which a reading that gave way to publishing may be tried again
SLOWLY = 1.0  # seconds between pages when three quarters of the calls are used up
FACEBOOK = "id,message,created_time,from{id,name},parent{id},like_count,comment_count,is_hidden"
INSTAGRAM = "id,text,timestamp,username,from{id,username},like_count,hidden,parent_id"


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
        created_at=parse_graph_time(item.get("created_time")),
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
        created_at=parse_graph_time(item.get("timestamp")),
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


@dataclass(frozen=True)
class CommentPosition:
    """Behind which comment a reading stands: among those on the post, with `inside` among the last one's replies."""

    top: EdgePosition
    inside: EdgePosition | None = None


@dataclass(frozen=True)
class _Book:
    """How one platform lists comments."""

    write: Callable[[Item, str | None], Comment]
    stamp: str
    fields: str
    nested: str  # the field that holds a comment's replies, and the edge that lists them
    edge: str
    top: dict[str, str]
    below: dict[str, str]
    expansion: str


BOOKS = {
    "FB_PAGE": _Book(
        write=facebook,
        stamp="created_time",
        fields=FACEBOOK,
        nested="comments",
        edge="comments",
        top={"filter": "toplevel", "order": "reverse_chronological"},
        below={"order": "chronological"},
        expansion=".order(chronological)",
    ),
    "INSTAGRAM_ACCOUNT": _Book(
        write=instagram,
        stamp="timestamp",
        fields=INSTAGRAM,
        nested="replies",
        edge="replies",
        top={},
        below={},
        expansion="",
    ),
}


def threads(
    account: Account, post_id: str, place: CommentPosition | None = None, *, size: int = LARGEST
) -> Iterator[tuple[Comment, CommentPosition | None]]:
    """Yield comments from `place` on, each with the place behind it, None when that is known to be the end.

    `size` is how many threads one call asks for. A comment may come twice when others are deleted meanwhile. Raises
    GraphErrors.
    """
    reading = _Threads(account, post_id, PAGE_SECONDS, lambda: None)
    return reading.read(place or CommentPosition(EdgePosition(size=min(size, LARGEST))))


def every(account: Account, post_id: str) -> Iterator[Comment]:
    """Yield all comments and replies: on Facebook oldest first, on Instagram by threads. One may come twice.

    Gives way when publishing needs what is left of the account's calls: raises Throttled, besides other GraphErrors.
    """
    give_way = partial(_give_way, account)
    give_way()
    if account.type == "INSTAGRAM_ACCOUNT":
        reading = _Threads(account, post_id, EXPORT_SECONDS, give_way)
        yield from (comment for comment, _ in reading.read(CommentPosition(EdgePosition(size=LARGEST))))
        return
    book = BOOKS[account.type]
    params = {"fields": book.fields, "filter": "stream", "order": "chronological"}
    edge = EdgeReader(
        account, f"{post_id}/comments", params, book.stamp,
        newest_first=False, seconds=EXPORT_SECONDS, between=give_way,
    )  # fmt: skip
    for item, _, _ in edge.read(EdgePosition(size=STREAM)):
        yield book.write(item, None)


class _Threads:
    """The comments below one post, thread by thread."""

    def __init__(self, account: Account, post_id: str, seconds: float, between: Callable[[], None]) -> None:
        self.book = book = BOOKS[account.type]
        nested = f"{book.nested}.limit({REPLIES}){book.expansion}{{{book.fields}}}"
        params = {**book.top, "fields": f"{book.fields},{nested}"}
        self.top = EdgeReader(
            account, f"{post_id}/comments", params, book.stamp, newest_first=True, seconds=seconds, between=between
        )

    def read(self, place: CommentPosition) -> Iterator[tuple[Comment, CommentPosition | None]]:
        """Yield what comes behind `place`, each with the place behind it."""
        if place.inside is not None:
            for reply, behind in self._below(place.top, place.inside):
                yield reply, replace(place, inside=behind)
        for item, here, beyond in self.top.read(place.top):
            comment, onward = self.book.write(item, None), CommentPosition(beyond) if beyond else None
            nested = item.get(self.book.nested)
            if _is_empty(nested, comment):
                yield comment, onward
                continue
            beginning = EdgePosition(size=LARGEST)
            yield comment, CommentPosition(here, beginning)
            for reply, behind in self._below(here, beginning, _whole(nested)):
                yield reply, CommentPosition(here, behind) if behind else onward

    def _below(
        self, here: EdgePosition, spot: EdgePosition, first: Item | None = None
    ) -> Iterator[tuple[Comment, EdgePosition | None]]:
        params = {**self.book.below, "fields": self.book.fields}
        edge = replace(self.top, path=f"{here.done}/{self.book.edge}", params=params, newest_first=False)
        try:
            for item, _, behind in edge.read(spot, first):
                yield self.book.write(item, here.done), behind
        except NotFound:
            # Deleted, with its replies, or not: 100/33 does not tell, but the list that it stood in does.
            if self.top.shows(here):
                raise


def _is_empty(nested: Any, comment: Comment) -> bool:
    """Whether there are no replies to read: none came along and none are promised, or none of them may be seen."""
    if isinstance(nested, dict) and not nested.get("paging"):
        return not nested.get("data")
    return not nested and not comment.replies


def _whole(nested: Any) -> Item | None:
    """Return the replies that came along when they say how they go on. Instagram was recorded not to (section 5)."""
    if not isinstance(nested, dict) or not isinstance(nested.get("data"), list):
        return None
    return nested if nested.get("paging") or len(nested["data"]) < REPLIES else None


def _give_way(account: Account) -> None:
    """What is left of the calls belongs to publishing (section 8): read slowly, or not at all."""
    match rate_limits.background_pace(account):
        case rate_limits.Pace.STOP:
            until = rate_limits.blocked_until(account)
            wait = (until - clock.now()).total_seconds() if until else REST
            raise Throttled("What is left of the account's calls is kept for publishing", retry_after=max(wait, 1.0))
        case rate_limits.Pace.SLOW:
            time.sleep(SLOWLY)
