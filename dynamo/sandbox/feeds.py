"""The edges that list posts: newest first, opaque cursors, `since` and `until`, `next` only when there is more."""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any
from urllib.parse import urlencode

from dynamo.sandbox import errors
from dynamo.sandbox.field_parser import parse
from dynamo.sandbox.fields import USUAL, node_type, select
from dynamo.sandbox.http import Request, decode_cursor, encode_cursor
from dynamo.sandbox.instagram import is_current_story
from dynamo.sandbox.models import Post, Video
from dynamo.sandbox.state import SandboxContext, now

LARGEST_LIMIT = 100
INSTAGRAM_REACH = 10_000
VIDEO_EDGES = ("/videos", "/video_reels")


Wanted = Callable[[Post], bool]


def published_posts(context: SandboxContext, request: Request) -> dict[str, Any]:
    """Return a Page's published posts, without reels and visitors' posts; hidden ones only with include_hidden."""
    hidden = request.params.flag("include_hidden", default=False)
    at = now()

    def wanted(post: Post) -> bool:
        own = post.kind != "reel" and post.origin not in {"visitor", "expired"}
        return own and post.is_visible(at) and (hidden or not post.is_hidden)

    return _page(context, request, wanted)


def feed(context: SandboxContext, request: Request) -> dict[str, Any]:
    """Return the same with visitors' and unpublished posts: clients must filter by is_published and from."""
    return _page(context, request, lambda post: post.kind != "reel" and post.origin != "expired")


def scheduled_posts(context: SandboxContext, request: Request) -> dict[str, Any]:
    at = now()
    return _page(context, request, lambda post: post.scheduled_for is not None and not post.is_visible(at))


def media(context: SandboxContext, request: Request) -> dict[str, Any]:
    """Return the newest 10,000 media of an Instagram account, without stories."""
    at = now()
    return _page(context, request, lambda post: post.kind != "story" and post.is_visible(at), reach=INSTAGRAM_REACH)


def stories(context: SandboxContext, request: Request) -> dict[str, Any]:
    at = now()
    return _page(context, request, lambda post: is_current_story(post) and post.is_visible(at))


def videos(context: SandboxContext, request: Request) -> dict[str, Any]:
    """Return a Page's videos, or on the edge of reels its reels, that have a post."""
    at, kind = now(), "reel" if request.path.endswith("/video_reels") else "video"
    return _page(context, request, lambda post: post.kind == kind and post.is_visible(at))


def _sort_key(post: Post) -> tuple[float, str]:
    return (post.timestamp, post.id)


def _page(context: SandboxContext, request: Request, wanted: Wanted, *, reach: int | None = None) -> dict[str, Any]:
    """Return one page of the timeline without reading the rest."""
    params = request.params
    if request.account.is_page and params.whole("limit") > LARGEST_LIMIT:
        raise errors.invalid(f"The limit must not be greater than {LARGEST_LIMIT}")
    limit = min(params.limit(), LARGEST_LIMIT)
    line = context.state.timeline(request.account_id)
    low, high = 0, len(line)
    since, until = params.timestamp("since"), params.timestamp("until")
    if since is not None:  # in whole seconds, and inclusive
        low = bisect_left(line, float(int(since)), key=lambda post: post.timestamp)
    if until is not None:
        high = bisect_right(line, until, key=lambda post: post.timestamp)
    if reach is not None and high - low > reach:
        newest = list(islice(_falling(line, low, high, wanted), reach))
        low = newest[-1] if newest else low
    after, before = params.text("after"), params.text("before")
    if after and _is_dead(context, after):
        return {"data": []}
    if before and not after:
        first = max(low, bisect_right(line, _decode_cursor(before), key=_sort_key))
        rising = (at for at in range(first, high) if wanted(line[at]))
        positions = list(islice(rising, limit))[::-1]
    else:
        top = min(high, bisect_left(line, _decode_cursor(after), key=_sort_key)) if after else high
        positions = list(islice(_falling(line, low, top, wanted), limit))
    page: dict[str, Any] = {"data": _nodes(context, request, [line[at] for at in positions])}
    if positions:
        first, last = positions[0], positions[-1]
        cursors = {"before": _cursor(line[first]), "after": _cursor(line[last])}
        page["paging"] = {"cursors": cursors}
        if next(_falling(line, low, last, wanted), None) is not None:
            page["paging"]["next"] = _link(context, request, limit, after=cursors["after"])
        if any(wanted(line[at]) for at in range(first + 1, high)):
            page["paging"]["previous"] = _link(context, request, limit, before=cursors["before"])
    return page


def _falling(line: list[Post], low: int, high: int, wanted: Wanted) -> Iterator[int]:
    """Yield the positions of the wanted posts below `high`, newest first."""
    return (at for at in range(high - 1, low - 1, -1) if wanted(line[at]))


def _nodes(context: SandboxContext, request: Request, posts: list[Post]) -> list[dict[str, Any]]:
    """Return the posts, or on an edge of videos their videos, as JSON."""
    fields = parse(request.params.text("fields")) if request.params.text("fields") else None
    nodes = [context.state.find(post.video) if request.path.endswith(VIDEO_EDGES) else post for post in posts]
    return [
        select(context, node, fields or parse(USUAL[node_type(node)]))
        for node in nodes
        if isinstance(node, Post | Video)
    ]


def _link(context: SandboxContext, request: Request, limit: int, **cursor: str) -> str:
    """Return the URL of another page; as on the platform it contains the token when the call's query did."""
    kept = {name: value for name, value in request.query.items() if name not in {"after", "before", "limit"}}
    return f"{context.url}/{request.version}{request.path}?{urlencode(kept | {'limit': str(limit)} | cursor)}"


def _cursor(post: Post) -> str:
    return encode_cursor(f"{post.timestamp!r}|{post.id}")


def _decode_cursor(cursor: str) -> tuple[float, str]:
    try:
        timestamp, _, node_id = decode_cursor(cursor).partition("|")
        return float(timestamp), node_id
    except ValueError:
        raise errors.invalid("Invalid cursors values") from None


def _is_dead(context: SandboxContext, cursor: str) -> bool:
    """Return whether the cursor's post is deleted and the setting asks for an empty page. Raises 100 if it refuses."""
    post_id = _decode_cursor(cursor)[1]
    dead = post_id in context.state.nodes and context.state.find(post_id) is None
    if dead and context.settings.dead_cursors == "refuse":
        raise errors.invalid("Invalid cursors values")
    return dead and context.settings.dead_cursors == "empty"
