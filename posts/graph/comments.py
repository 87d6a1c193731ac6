"""A post's comments from the platform: by threads, or all of them.

By threads the order is the same on both: comments on the post, newest first, each followed by its replies, oldest
first. Both platforms know two levels only. Instagram gives 50 comments at most, Facebook names no maximum.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from accounts import clock
from posts.graph import rate_limits
from posts.graph.account import Account
from posts.graph.cursor_reader import Edge, Item, Spot
from posts.graph.errors import NotFound, Throttled
from posts.graph.reading import shape
from posts.graph.reading.shape import Comment

PAGE_SECONDS, EXPORT_SECONDS = 20.0, 60.0
REPLIES = 5  # that come along with their comment; more are asked for when they are wanted
LARGEST = 50
STREAM = 200
REST = 60.0  # seconds after which a reading that gave way to publishing may be tried again
SLOWLY = 1.0  # seconds between pages when three quarters of the calls are used up
FACEBOOK = "id,message,created_time,from{id,name},parent{id},like_count,comment_count,is_hidden"
INSTAGRAM = "id,text,timestamp,username,from{id,username},like_count,hidden,parent_id"


@dataclass(frozen=True)
class Place:
    """Behind which comment a reading stands: among those on the post, with `inside` among the last one's replies."""

    top: Spot
    inside: Spot | None = None


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
        write=shape.facebook,
        stamp="created_time",
        fields=FACEBOOK,
        nested="comments",
        edge="comments",
        top={"filter": "toplevel", "order": "reverse_chronological"},
        below={"order": "chronological"},
        expansion=".order(chronological)",
    ),
    "INSTAGRAM_ACCOUNT": _Book(
        write=shape.instagram,
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
    account: Account, post_id: str, place: Place | None = None, *, size: int = LARGEST
) -> Iterator[tuple[Comment, Place | None]]:
    """Yield comments from `place` on, each with the place behind it, None when that is known to be the end.

    `size` is how many threads one call asks for. A comment may come twice when others are deleted meanwhile. Raises
    GraphErrors.
    """
    reading = _Threads(account, post_id, PAGE_SECONDS, lambda: None)
    return reading.read(place or Place(Spot(size=min(size, LARGEST))))


def every(account: Account, post_id: str) -> Iterator[Comment]:
    """Yield all comments and replies: on Facebook oldest first, on Instagram by threads. One may come twice.

    Gives way when publishing needs what is left of the account's calls: raises Throttled, besides other GraphErrors.
    """
    give_way = partial(_give_way, account)
    give_way()
    if account.type == "INSTAGRAM_ACCOUNT":
        reading = _Threads(account, post_id, EXPORT_SECONDS, give_way)
        yield from (comment for comment, _ in reading.read(Place(Spot(size=LARGEST))))
        return
    book = BOOKS[account.type]
    params = {"fields": book.fields, "filter": "stream", "order": "chronological"}
    edge = Edge(
        account, f"{post_id}/comments", params, book.stamp,
        newest_first=False, seconds=EXPORT_SECONDS, between=give_way,
    )  # fmt: skip
    for item, _, _ in edge.read(Spot(size=STREAM)):
        yield book.write(item, None)


class _Threads:
    """The comments below one post, thread by thread."""

    def __init__(self, account: Account, post_id: str, seconds: float, between: Callable[[], None]) -> None:
        self.book = book = BOOKS[account.type]
        nested = f"{book.nested}.limit({REPLIES}){book.expansion}{{{book.fields}}}"
        params = {**book.top, "fields": f"{book.fields},{nested}"}
        self.top = Edge(
            account, f"{post_id}/comments", params, book.stamp, newest_first=True, seconds=seconds, between=between
        )

    def read(self, place: Place) -> Iterator[tuple[Comment, Place | None]]:
        """Yield what comes behind `place`, each with the place behind it."""
        if place.inside is not None:
            for reply, behind in self._below(place.top, place.inside):
                yield reply, replace(place, inside=behind)
        for item, here, beyond in self.top.read(place.top):
            comment, onward = self.book.write(item, None), Place(beyond) if beyond else None
            nested = item.get(self.book.nested)
            if _is_empty(nested, comment):
                yield comment, onward
                continue
            beginning = Spot(size=LARGEST)
            yield comment, Place(here, beginning)
            for reply, behind in self._below(here, beginning, _whole(nested)):
                yield reply, Place(here, behind) if behind else onward

    def _below(self, here: Spot, spot: Spot, first: Item | None = None) -> Iterator[tuple[Comment, Spot | None]]:
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
    match rate_limits.background(account):
        case rate_limits.Pace.STOP:
            until = rate_limits.blocked_until(account)
            wait = (until - clock.now()).total_seconds() if until else REST
            raise Throttled("What is left of the account's calls is kept for publishing", retry_after=max(wait, 1.0))
        case rate_limits.Pace.SLOW:
            time.sleep(SLOWLY)
