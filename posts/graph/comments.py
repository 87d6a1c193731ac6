"""A post's comments from the platform: thread by thread, or all of them.

`ThreadReader` has one order on both platforms: comments on the post, newest first, each followed by its replies, oldest
first. There are two levels. Instagram returns at most 50 comments per page, Facebook documents no maximum.

Facebook (graph-api, section 5): message, created_time, from{id,name} (absent for people hidden from the app),
parent{id}, like_count, comment_count, is_hidden. Instagram: text, timestamp, from{id,username} or only username,
parent_id, like_count, hidden; it returns no number of replies.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import Any

from accounts import clock
from posts.graph import rate_limits
from posts.graph.account import Account
from posts.graph.cursor_reader import EdgePosition, EdgeReader, Item
from posts.graph.errors import NotFound, Throttled
from posts.graph.parsing import count, dig, items, parse_graph_time

PAGE_SECONDS, EXPORT_SECONDS = 20.0, 60.0
REPLIES = 5  # that are requested with their comment
LARGEST = 50
STREAM = 200
RETRY_AFTER = 60.0  # seconds, for an export that was refused in favour of publishing
SLOW_PAUSE = 1.0  # seconds between pages at Pace.SLOW


@dataclass(frozen=True, slots=True)
class Author:
    """At least one of the two is known; an unknown author is None instead."""

    id: str | None
    name: str | None


@dataclass(frozen=True, slots=True)
class Comment:
    """A value that the platform did not return is None. `parent_id` is None for a comment on the post itself.

    `text` may contain a NUL, but no lone surrogate. `replies` is the number of replies.
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
    """Parse a comment of Facebook; `parent` is the comment whose replies were requested."""
    parent_node = item.get("parent")
    return Comment(
        id=text(str(item["id"])) or "",
        parent_id=text(parent_node.get("id")) if isinstance(parent_node, dict) else parent,
        text=text(item.get("message")) or "",
        created_at=parse_graph_time(item.get("created_time")),
        author=_author(item.get("from"), "name"),
        likes=count(item.get("like_count")),
        replies=count(item.get("comment_count")),
        hidden=_bool(item.get("is_hidden")),
    )


def instagram(item: dict[str, Any], parent: str | None = None) -> Comment:
    """Parse a comment of Instagram. One without `replies`, although they were requested, has none."""
    returned, paging = items(item.get("replies")), dig(item, "replies", "paging")
    has_more = isinstance(paging, dict) and "next" in paging
    author = _author(item.get("from"), "username")
    if (author is None or author.name is None) and (name := text(item.get("username"))):
        author = Author(author.id if author else None, name)
    return Comment(
        id=text(str(item["id"])) or "",
        parent_id=text(item.get("parent_id")) or parent,
        text=text(item.get("text")) or "",
        created_at=parse_graph_time(item.get("timestamp")),
        author=author,
        likes=count(item.get("like_count")),
        replies=None if has_more else len(returned),
        hidden=_bool(item.get("hidden")),
    )


def text(value: Any) -> str | None:
    """Return a text that UTF-8 can encode, None for another type and an empty text."""
    if not isinstance(value, str) or not value:
        return None
    if value.isascii():
        return value
    # JSON can contain a lone surrogate; the encoders of our responses fail on one.
    return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _author(value: Any, name: str) -> Author | None:
    author = Author(text(dig(value, "id")), text(dig(value, name)))
    return author if author.id or author.name else None


def _bool(value: Any) -> bool | None:
    return value if isinstance(value, bool) else None


@dataclass(frozen=True)
class CommentPosition:
    """The position after a comment on the post, or with `inside` after one of that comment's replies."""

    top: EdgePosition
    inside: EdgePosition | None = None


@dataclass(frozen=True)
class _Listing:
    """How one platform lists comments. `replies` is both the field with a comment's replies and their edge."""

    parse: Callable[[Item, str | None], Comment]
    time_field: str
    fields: str
    replies: str
    comment_params: dict[str, str] = field(default_factory=dict)
    reply_params: dict[str, str] = field(default_factory=dict)
    reply_order: str = ""


LISTINGS = {
    "FB_PAGE": _Listing(
        parse=facebook,
        time_field="created_time",
        fields="id,message,created_time,from{id,name},parent{id},like_count,comment_count,is_hidden",
        replies="comments",
        comment_params={"filter": "toplevel", "order": "reverse_chronological"},
        reply_params={"order": "chronological"},
        reply_order=".order(chronological)",
    ),
    "INSTAGRAM_ACCOUNT": _Listing(
        parse=instagram,
        time_field="timestamp",
        fields="id,text,timestamp,username,from{id,username},like_count,hidden,parent_id",
        replies="replies",
    ),
}


def every(account: Account, post_id: str) -> Iterator[list[Comment]]:
    """Yield all comments and replies: on Facebook oldest first, on Instagram by threads. One may be yielded twice.

    Each list has the comments that are known without another call to the platform. Raises Throttled when the rest of
    the account's rate limit is reserved for publishing, and other GraphErrors.
    """
    yield_to_publishing = partial(_yield_to_publishing, account)
    yield_to_publishing()
    known: list[Comment] = []
    for comment, needs_call in _every(account, post_id, yield_to_publishing):
        known.append(comment)
        if needs_call:
            yield known
            known = []
    if known:
        yield known


def _every(account: Account, post_id: str, between: Callable[[], None]) -> Iterator[tuple[Comment, bool]]:
    """Yield all comments, each with whether the next one takes another call."""
    if account.type == "INSTAGRAM_ACCOUNT":
        reader = ThreadReader(account, post_id, EXPORT_SECONDS, between)
        for comment, position in reader.read(CommentPosition(EdgePosition(size=LARGEST))):
            yield comment, position is None or not (position.inside or position.top).begun
        return
    listing = LISTINGS[account.type]
    params = {"fields": listing.fields, "filter": "stream", "order": "chronological"}
    edge = EdgeReader(
        account, f"{post_id}/comments", params, listing.time_field,
        newest_first=False, seconds=EXPORT_SECONDS, between=between,
    )  # fmt: skip
    for item, _, after in edge.read(EdgePosition(size=STREAM)):
        yield listing.parse(item, None), after is None or not after.begun


class ThreadReader:
    def __init__(
        self, account: Account, post_id: str, seconds: float = PAGE_SECONDS, between: Callable[[], None] = lambda: None
    ) -> None:
        self.listing = listing = LISTINGS[account.type]
        replies = f"{listing.replies}.limit({REPLIES}){listing.reply_order}{{{listing.fields}}}"
        params = {**listing.comment_params, "fields": f"{listing.fields},{replies}"}
        self.top = EdgeReader(
            account, f"{post_id}/comments", params, listing.time_field,
            newest_first=True, seconds=seconds, between=between,
        )  # fmt: skip

    def read(self, position: CommentPosition) -> Iterator[tuple[Comment, CommentPosition | None]]:
        if position.inside is not None:
            for reply, after in self._replies(position.top, position.inside):
                yield reply, replace(position, inside=after)
        for item, here, after_thread in self.top.read(position.top):
            comment = self.listing.parse(item, None)
            next_thread = CommentPosition(after_thread) if after_thread else None
            replies = item.get(self.listing.replies)
            if _is_empty(replies, comment):
                yield comment, next_thread
                continue
            first = _first_page(replies)
            start = EdgePosition(size=LARGEST, begun=first is not None)
            yield comment, CommentPosition(here, start)
            for reply, after in self._replies(here, start, first):
                yield reply, CommentPosition(here, after) if after else next_thread

    def _replies(
        self, comment: EdgePosition, position: EdgePosition, first: Item | None = None
    ) -> Iterator[tuple[Comment, EdgePosition | None]]:
        params = {**self.listing.reply_params, "fields": self.listing.fields}
        edge = replace(self.top, path=f"{comment.done}/{self.listing.replies}", params=params, newest_first=False)
        try:
            for item, _, after in edge.read(position, first):
                yield self.listing.parse(item, comment.done), after
        except NotFound:
            # 100/33 does not mean that the comment was deleted; its absence from the list of comments does.
            if self.top.shows(comment):
                raise


def _is_empty(replies: Any, comment: Comment) -> bool:
    """Whether there are no replies to read: none were returned and none are counted, or all of them are hidden."""
    if isinstance(replies, dict) and not replies.get("paging"):
        return not replies.get("data")
    return not replies and not comment.replies


def _first_page(replies: Any) -> Item | None:
    """Return the replies that came with their comment, None if incomplete without a cursor (Instagram: section 5)."""
    if not isinstance(replies, dict) or not isinstance(replies.get("data"), list):
        return None
    return replies if replies.get("paging") or len(replies["data"]) < REPLIES else None


def _yield_to_publishing(account: Account) -> None:
    """Pause, or raise Throttled, when the rest of the rate limit is reserved for publishing (section 8)."""
    match rate_limits.background_pace(account):
        case rate_limits.Pace.STOP:
            until = rate_limits.blocked_until(account)
            wait = (until - clock.now()).total_seconds() if until else RETRY_AFTER
            raise Throttled(
                "The rest of the account's rate limit is reserved for publishing", retry_after=max(wait, 1.0)
            )
        case rate_limits.Pace.SLOW:
            time.sleep(SLOW_PAUSE)
