"""Pages of comments, as Facebook and Instagram divide them."""

import base64
import binascii
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice, takewhile
from typing import Any
from urllib.parse import urlencode

from dynamo.sandbox import errors
from dynamo.sandbox.comment_threads import CHRONOLOGICAL, RANKED, REVERSE, STREAM, TOP, Key, Place, Thread
from dynamo.sandbox.errors import Refusal
from dynamo.sandbox.models import Comment
from dynamo.sandbox.request_parsing import Params
from dynamo.sandbox.state import SandboxContext

USUAL_LIMIT, INSTAGRAM_LIMIT = 25, 50


@dataclass
class Cut:
    """The parameters of one call. `level` is toplevel, stream or a comment's id; `link` is the call's URL."""

    level: str
    order: str
    limit: int
    params: Params
    link: str
    keep: dict[str, str]

    def next_link(self, **cursor: str) -> str:
        return f"{self.link}?{urlencode(self.keep | {'limit': str(self.limit)} | cursor)}"


def facebook_cut(params: Params, link: str, keep: dict[str, str], parent: str = "") -> Cut:
    """Read filter, order and limit. By default the comments of a post are ranked, and a stream is chronological."""
    level = params.text("filter") or TOP
    if level not in {TOP, STREAM}:
        raise errors.invalid(f"Param filter must be one of {{{TOP}, {STREAM}}}")
    order = params.text("order") or (CHRONOLOGICAL if level == STREAM or parent else RANKED)
    if order not in {CHRONOLOGICAL, REVERSE, RANKED}:
        raise errors.invalid(f"Param order must be one of {{{CHRONOLOGICAL}, {REVERSE}}}")
    if order == RANKED and (level == STREAM or parent):
        order = CHRONOLOGICAL
    return Cut(parent or level, order, _limit(params), params, link, keep)


def instagram_cut(params: Params, link: str, keep: dict[str, str], parent: str = "") -> Cut:
    """Ignore the requested order and allow at most 50: comments come newest first, replies oldest first."""
    return Cut(
        parent or TOP, CHRONOLOGICAL if parent else REVERSE, min(_limit(params), INSTAGRAM_LIMIT), params, link, keep
    )


def _limit(params: Params) -> int:
    limit = params.whole("limit", USUAL_LIMIT)
    if limit < 0:
        raise errors.invalid("Param limit must be a non-negative integer")
    return limit


def check_weight(context: SandboxContext, comments: int) -> None:
    """Raise code 1 for a response with too many comments; smaller pages avoid it."""
    if comments > context.settings.heaviest_page:
        text = "Please reduce the amount of data you're asking for, then retry your request"
        raise Refusal(1, text, status=500)


def facebook_page(context: SandboxContext, thread: Thread, cut: Cut) -> tuple[list[Comment], dict[str, Any]]:
    """Return the comments, and the paging with both cursors and the links that exist."""
    before = cut.params.text("before")
    after = _decode_cursor(context, thread, cut, before or cut.params.text("after"))
    if after is _LOST:
        return [], {}
    places = _since(thread, cut, after, backwards=bool(before))
    page = list(islice(places, cut.limit + 1))
    more, page = len(page) > cut.limit, page[: cut.limit]
    if before:
        page.reverse()
    if not page:
        return [], {}
    first, last = _encode_cursor(cut, page[0]), _encode_cursor(cut, page[-1])
    paging: dict[str, Any] = {"cursors": {"before": first, "after": last}}
    if before or more:
        paging["next"] = cut.next_link(after=last)
    if more if before else after is not None:
        paging["previous"] = cut.next_link(before=first)
    return [comment for _, comment in page if comment], paging


def instagram_page(context: SandboxContext, thread: Thread, cut: Cut) -> tuple[list[Comment], dict[str, Any]]:
    """Return the comments, and the paging with `after` only; on the last page the paging is empty."""
    after = _decode_cursor(context, thread, cut, cut.params.text("after"))
    if after is _LOST:
        return [], {}
    page = list(islice(thread.walk(cut.level, cut.order, after), cut.limit + 1))
    paging: dict[str, Any] = {}
    if len(page) > cut.limit > 0:
        last = _encode_cursor(cut, page[cut.limit - 1])
        paging = {"cursors": {"after": last}, "next": cut.next_link(after=last)}
    return [comment for _, comment in page[: cut.limit] if comment], paging


def _since(thread: Thread, cut: Cut, after: Key | None, *, backwards: bool) -> Iterator[Place]:
    """Walk the thread, without comments older than `since`."""
    since = cut.params.timestamp("since")
    if since is None:
        return thread.walk(cut.level, cut.order, after, backwards=backwards)
    if cut.order == RANKED:
        places = thread.walk(cut.level, cut.order, after, backwards=backwards)
        return (place for place in places if place[1] is None or place[1].created_at >= since)
    if (cut.order == CHRONOLOGICAL) != backwards:
        return thread.walk(cut.level, cut.order, max(after or NEVER, (since, -1.0, -1)), backwards=backwards)
    return takewhile(lambda place: place[0][0] >= since, thread.walk(cut.level, cut.order, after, backwards=backwards))


NEVER: Key = (0.0, 0.0, -1)
_LOST: Key = (0.0, 0.0, -2)


def _encode_cursor(cut: Cut, place: Place) -> str:
    (first, second, third), comment = place
    text = f"{cut.order}|{first!r}|{second!r}|{third}|{comment.id if comment else ''}"
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _decode_cursor(context: SandboxContext, thread: Thread, cut: Cut, cursor: str) -> Key | None:
    """Return the key of a cursor; _LOST when its comment is deleted and the setting asks for an empty page."""
    if not cursor:
        return None
    try:
        order, first, second, third, comment_id = (
            base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode().split("|")
        )
        key = (float(first), float(second), int(third))
    except (ValueError, binascii.Error):
        raise errors.invalid("Invalid cursors values") from None
    dead = comment_id in thread.audience.deleted
    if order != cut.order or (dead and context.settings.dead_cursors == "refuse"):
        raise errors.invalid("Invalid cursors values")
    return _LOST if dead and context.settings.dead_cursors == "empty" else key
