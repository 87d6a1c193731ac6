"""Looking through what an account shows. Cursors are followed by `after`; `next` holds a URL that nobody should log."""

import unicodedata
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from accounts import clock
from posts.graph import client
from posts.graph.account import Account
from posts.graph.errors import GraphError

SKEW = timedelta(seconds=60)  # between the platform's clock and ours
FURTHEST = timedelta(days=-1)  # a platform that says more of its clock is not believed: old posts have the same words
PAGES = 5


class TooMany(GraphError):
    """There is more than anybody should read through; what was looked for was not among it so far."""


class ClockMoved(GraphError):
    """Our clock was set back since then, so that no window in the platform's time can be told."""


def iter_recent(account: Account, edge: str, fields: str, *, since: datetime, stamp: str) -> Iterator[dict[str, Any]]:
    """Give the items of an edge that lists the newest first, from `since` on; `stamp` names their time.

    `since` is by our clock, or by the platform's where that was known then. Where the platform's, which its answers
    tell, is behind ours, the window reaches back further: what was written must not look absent because our clock is
    fast. It is never narrowed.
    Raises TooMany when the end is not in sight, ClockMoved when `since` is still to come by either clock.
    """
    path, oldest = f"{account.platform_id}/{edge}", since - SKEW
    params = {"fields": fields, "limit": "50", "since": str(int(oldest.timestamp()))}
    said = client.get(account, path, **params)
    if since - clock.now() > SKEW + max(client.clock_skew(), timedelta(0)):
        raise ClockMoved("The clock was set back since the post was sent")
    if client.clock_skew() < -SKEW / 2:
        oldest += max(client.clock_skew(), FURTHEST)
        params["since"] = str(int(oldest.timestamp()))
        said = client.get(account, path, **params)
    for page in range(PAGES):
        if page:
            said = client.get(account, path, **params)
        data = said.get("data")
        for item in data if isinstance(data, list) else []:
            at = parse_graph_time(item.get(stamp))
            # Times are whole seconds; one that cannot be read is left in, for the other criteria to judge.
            if at is None or at >= oldest.replace(microsecond=0):
                yield item
        paging = said.get("paging") or {}
        after = (paging.get("cursors") or {}).get("after")
        if "next" not in paging or not after:
            return
        params["after"] = str(after)
    raise TooMany("The account shows more than can be looked through")


def parse_graph_time(text: Any) -> datetime | None:
    """Read the platform's way of writing times, 2021-06-30T21:21:18+0000."""
    try:
        return datetime.strptime(str(text), "%Y-%m-%dT%H:%M:%S%z").astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def same_text(one: Any, other: str) -> bool:
    """Whether two captions are the same, but for the outer blanks and line ends that the platform changes."""
    return _plain(str(one or "")) == _plain(other)


def _plain(text: str) -> str:
    lines = unicodedata.normalize("NFC", text).replace("\r\n", "\n").replace("\r", "\n").strip().split("\n")
    return "\n".join(line.rstrip() for line in lines)
