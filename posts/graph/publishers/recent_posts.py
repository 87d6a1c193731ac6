"""Iterates over an account's newest posts. Pages are requested by the `after` cursor: `next` may contain the token."""

import unicodedata
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from accounts import clock
from posts.graph import client
from posts.graph.account import Account
from posts.graph.errors import GraphError
from posts.graph.parsing import dig, items, parse_graph_time

SKEW = timedelta(seconds=60)  # between the platform's clock and ours
MAX_SKEW = timedelta(days=-1)  # more is not believed: older posts may have the same text
PAGES = 5


class TooMany(GraphError):
    """The post is not on the first PAGES pages, and there are more."""


class ClockMoved(GraphError):
    """Our clock was set back since then: the window cannot be expressed in the platform's time."""


def iter_recent(account: Account, edge: str, fields: str, *, since: datetime, stamp: str) -> Iterator[dict[str, Any]]:
    """Yield the nodes of an edge, newest first, from `since` on; `stamp` is the field with their time.

    `since` is by our clock, or by the platform's where that was known then. If the platform's clock is behind ours, the
    window is extended by the difference, so that a fast clock of ours does not hide a post. It is never narrowed.
    Raises TooMany when there are more than PAGES pages, ClockMoved when `since` is in the future by both clocks.
    """
    path, oldest = f"{account.platform_id}/{edge}", since - SKEW
    params = {"fields": fields, "limit": "50", "since": str(int(oldest.timestamp()))}
    response = client.get(account, path, **params)
    if since - clock.now() > SKEW + max(client.clock_skew(), timedelta(0)):
        raise ClockMoved("The clock was set back since the post was sent")
    if client.clock_skew() < -SKEW / 2:
        oldest += max(client.clock_skew(), MAX_SKEW)
        params["since"] = str(int(oldest.timestamp()))
        response = client.get(account, path, **params)
    for page in range(PAGES):
        if page:
            response = client.get(account, path, **params)
        for node in items(response):
            at = parse_graph_time(node.get(stamp))
            # Times are whole seconds. A node without a readable time is yielded: callers compare other fields too.
            if at is None or at >= oldest.replace(microsecond=0):
                yield node
        after = dig(response, "paging", "cursors", "after")
        if "next" not in (response.get("paging") or {}) or not after:
            return
        params["after"] = str(after)
    raise TooMany("The account has too many recent posts to search")


def same_text(caption: Any, other: str) -> bool:
    """Whether two captions are equal except for outer white space and line ends, which the platform changes."""
    return _normalize(str(caption or "")) == _normalize(other)


def _normalize(text: str) -> str:
    lines = unicodedata.normalize("NFC", text).replace("\r\n", "\n").replace("\r", "\n").strip().split("\n")
    return "\n".join(line.rstrip() for line in lines)
