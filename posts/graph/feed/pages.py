"""One page of an account's posts. Every edge is newest first; cursors are opaque and may become invalid."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, NamedTuple

from posts.graph import client
from posts.graph.account import Account
from posts.graph.errors import GraphError, InvalidRequest, PermissionDenied, Transient
from posts.graph.feed import facebook, instagram
from posts.graph.feed.fields import Before, FieldGroup, fields_param, get_node, groups_to_drop
from posts.graph.parsing import ImportedPost, count, dig, items, parse_graph_time

TOO_MUCH = 1  # the code of "Please reduce the amount of data you're asking for"
SMALLEST = 5


class Edge(NamedTuple):
    """`size` is the largest page; `stamp` is the field with an item's time."""

    size: int
    stamp: str
    groups: tuple[FieldGroup, ...]
    parse: Callable[[Account, Mapping[str, Any], Collection[str], Before], ImportedPost | None]
    separate: tuple[str, ...] = ()  # groups that `parse` requests by a call of its own


_COUNTERS = tuple(group.name for group in facebook.COUNTERS)
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
    """Where a listing continues: after a cursor, or at a time (inclusive) and before. Empty: at its start."""

    after: str = ""
    until: datetime | None = None


@dataclass(frozen=True)
class Page:
    """`oldest` is the time of the last item, whichever account made it; `then` None: this was the last page.

    `without` and `size` are the dropped field groups and the page size for the following requests.
    """

    posts: list[ImportedPost]
    oldest: datetime | None
    then: FeedPosition | None
    without: frozenset[str]
    size: int


def read_page(
    account: Account,
    name: str,
    position: FeedPosition,
    *,
    reached: datetime | None = None,
    without: Collection[str] = (),
    size: int | None = None,
    before: Before = lambda: None,
) -> Page:
    """Return the page at `position` of the edge `name`. `before` is called ahead of each call. Raises GraphErrors.

    A refused request is repeated without the unknown field, with fewer items, or, after an invalid cursor, from the
    time `reached` so far.
    """
    edge, dropped = EDGES[account.type][name], set(without)
    size = min(size or edge.size, edge.size)
    while True:
        before()
        try:
            response = _request(account, name, edge, position, dropped, size)
        except Transient as error:
            if error.code != TOO_MUCH or size <= SMALLEST:
                raise
            size = max(SMALLEST, size // 2)
        except (InvalidRequest, PermissionDenied) as error:
            suspect = position.after and reached is not None and isinstance(error, InvalidRequest)
            if more := groups_to_drop(error, edge.groups, dropped | set(edge.separate), guess=not suspect):
                dropped |= more
            elif suspect:
                position = FeedPosition(until=reached)
            else:
                raise
        else:
            if items(response) or not position.after or reached is None:
                return _page(account, edge, response, position, dropped, size, before)
            # An invalid cursor can return an empty page, as at the end. Only a request by time confirms the end.
            position = FeedPosition(until=reached)


def _request(
    account: Account, name: str, edge: Edge, position: FeedPosition, without: set[str], size: int
) -> dict[str, Any]:
    params = {"fields": fields_param(edge.groups, without | set(edge.separate)), "limit": str(size)}
    if position.until is not None:
        params["until"] = str(int(position.until.timestamp()) + 1)
    if position.after:
        params["after"] = position.after
    return client.get(account, f"{account.platform_id}/{name}", **params)


def _page(
    account: Account,
    edge: Edge,
    response: dict[str, Any],
    position: FeedPosition,
    without: set[str],
    size: int,
    before: Before,
) -> Page:
    nodes = items(response)
    times = [at for at in (parse_graph_time(node.get(edge.stamp)) for node in nodes) if at is not None]
    posts = [post for post in (edge.parse(account, node, without, before) for node in nodes) if post is not None]
    after = dig(response, "paging", "cursors", "after")
    is_new = isinstance(after, str) and after not in {"", position.after}
    more = is_new and isinstance(dig(response, "paging", "next"), str)
    return Page(
        posts,
        oldest=times[-1] if times else None,
        then=replace(position, after=after) if more else None,
        without=frozenset(without),
        size=size,
    )


def fetch_post(account: Account, platform_id: str, *, without: Collection[str] = ()) -> ImportedPost | None:
    """Return the post as it is now, None for one that exists and is not visible. Raises NotFound and other GraphErrors.

    NotFound does not mean that the post was deleted: see `errors.UNSEEN`.
    """
    edge = next(iter(EDGES[account.type].values()))
    response, dropped = get_node(account, platform_id, edge.groups, without, guess=True)
    return edge.parse(account, response, dropped, lambda: None)


def is_reachable(account: Account, node: str) -> bool:
    """Whether the platform returns this node now. False for an existing node: NotFound is not reliable now."""
    try:
        return bool(client.get(account, node, fields="id").get("id"))
    except GraphError:
        return False


def total(account: Account) -> int | None:
    """Return the number of the account's posts: known for Instagram only, without stories."""
    if account.type == "FB_PAGE":
        return None
    try:
        return count(client.get(account, account.platform_id, fields="media_count").get("media_count"))
    except GraphError:
        return None
