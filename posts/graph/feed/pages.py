"""One page of what an account shows. Newest first on every edge; cursors are opaque, and may die between two pages."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, NamedTuple

from posts.graph import client
from posts.graph.account import Account
from posts.graph.errors import GraphError, InvalidRequest, NotFound, PermissionDenied, Transient
from posts.graph.feed import facebook, instagram
from posts.graph.feed.fields import FieldGroup, fields_param, groups_to_drop, optional
from posts.graph.parsing import ImportedPost, count, dig, items
from posts.graph.publishers.recent_posts import parse_graph_time

TOO_MUCH = 1  # the code of "Please reduce the amount of data you're asking for"
SMALLEST = 5
Before = Callable[[], None]


class Edge(NamedTuple):
    """`size` of a page at the most; `stamp` is the field with the item's time."""

    size: int
    stamp: str
    parts: tuple[FieldGroup, ...]
    read: Callable[[Account, Mapping[str, Any], Collection[str], Before], ImportedPost | None]
    own: tuple[str, ...] = ()  # parts that are no fields of what the edge lists


_COUNTERS = tuple(part.name for part in facebook.COUNTERS)
EDGES: dict[str, dict[str, Edge]] = {
    "FB_PAGE": {
        "published_posts": Edge(100, "created_time", facebook.POST, facebook.post),
        "video_reels": Edge(10, "created_time", facebook.REEL, facebook.reel, _COUNTERS),
    },
    "INSTAGRAM_ACCOUNT": {
        "media": Edge(100, "timestamp", instagram.MEDIA, instagram.media),
        "stories": Edge(100, "timestamp", instagram.MEDIA, instagram.media),
    },
}


@dataclass(frozen=True)
class FeedPosition:
    """Where a listing goes on: behind a cursor, or from an instant (inclusive) downwards. Empty: at its top."""

    after: str = ""
    until: datetime | None = None


@dataclass(frozen=True)
class Page:
    """`oldest` is the time of the last item, whoever made it; `then` None: this was the last page.

    `without` and `size`: what is left out of what is asked, and how much is asked at once, from now on.
    """

    found: list[ImportedPost]
    oldest: datetime | None
    then: FeedPosition | None
    without: frozenset[str]
    size: int


def page(
    account: Account,
    name: str,
    spot: FeedPosition,
    *,
    reached: datetime | None = None,
    without: Collection[str] = (),
    size: int | None = None,
    before: Before = lambda: None,
) -> Page:
    """Return the page at `spot` of the edge `name`. `before` is called ahead of each call. Raises GraphErrors.

    What the platform refuses is asked for differently: without the field it does not know, with fewer items, and
    behind a cursor that died by the time `reached` so far.
    """
    edge, left_out = EDGES[account.type][name], set(without)
    size = min(size or edge.size, edge.size)
    while True:
        before()
        try:
            said = _ask(account, name, edge, spot, left_out, size)
        except Transient as error:
            if error.code != TOO_MUCH or size <= SMALLEST:
                raise
            size = max(SMALLEST, size // 2)
        except (InvalidRequest, PermissionDenied) as error:
            worse = groups_to_drop(error, edge.parts, left_out | set(edge.own))
            if not worse and spot.after and reached is not None and isinstance(error, InvalidRequest):
                spot = FeedPosition(until=reached)
                continue
            if not worse and isinstance(error, InvalidRequest):
                worse = optional(edge.parts, left_out | set(edge.own))
            if not worse:
                raise
            left_out |= worse
        else:
            if spot.after and reached is not None and not items(said):
                # A dead cursor can look like the end. Asked by time the platform has to say it again.
                spot = FeedPosition(until=reached)
                continue
            return _read(account, edge, said, spot, left_out, size, before)


def _ask(account: Account, name: str, edge: Edge, spot: FeedPosition, without: set[str], size: int) -> dict[str, Any]:
    params = {"fields": fields_param(edge.parts, without | set(edge.own)), "limit": str(size)}
    if spot.until is not None:
        params["until"] = str(int(spot.until.timestamp()) + 1)
    if spot.after:
        params["after"] = spot.after
    return client.get(account, f"{account.platform_id}/{name}", **params)


def _read(
    account: Account, edge: Edge, said: dict[str, Any], spot: FeedPosition, without: set[str], size: int, before: Before
) -> Page:
    listed = items(said)
    times = [at for at in (parse_graph_time(item.get(edge.stamp)) for item in listed) if at is not None]
    found = [entry for entry in (edge.read(account, item, without, before) for item in listed) if entry is not None]
    after = dig(said, "paging", "cursors", "after")
    more = isinstance(dig(said, "paging", "next"), str) and isinstance(after, str) and after not in {"", spot.after}
    return Page(
        found,
        oldest=times[-1] if times else None,
        then=replace(spot, after=after) if more else None,
        without=frozenset(without),
        size=size,
    )


def fetch_post(account: Account, platform_id: str, *, without: Collection[str] = ()) -> ImportedPost | None:
    """Return the post as it is now, None for one that is there and is not shown. Raises NotFound and other GraphErrors.

    NotFound does not prove that it is gone: the platform says the same when it is confused.
    """
    edge = next(iter(EDGES[account.type].values()))
    parts = edge.parts
    left_out = set(without)
    for _ in range(len(parts) + 1):
        try:
            said = client.get(account, platform_id, fields=fields_param(parts, left_out))
        except NotFound:
            raise
        except (InvalidRequest, PermissionDenied) as error:
            worse = groups_to_drop(error, parts, left_out)
            if not worse and isinstance(error, InvalidRequest):
                worse = optional(parts, left_out)
            if not worse:
                raise
            left_out |= worse
        else:
            return edge.read(account, said, left_out, lambda: None)
    raise InvalidRequest("The platform takes none of the fields")


def is_reachable(account: Account, node: str) -> bool:
    """Whether the platform shows this node now. Of one that is known to be there: whether it can be believed."""
    try:
        return bool(client.get(account, node, fields="id").get("id"))
    except GraphError:
        return False


def total(account: Account) -> int | None:
    """Return how many posts the account has, where the platform tells: on Instagram, stories left out."""
    if account.type == "FB_PAGE":
        return None
    try:
        return count(client.get(account, account.platform_id, fields="media_count").get("media_count"))
    except GraphError:
        return None
