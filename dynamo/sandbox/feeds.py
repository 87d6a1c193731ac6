"""The edges that list posts: newest first, opaque cursors, `since` and `until`, `next` only when there is more."""

import base64
import binascii
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any
from urllib.parse import urlencode

from dynamo.sandbox import errors
from dynamo.sandbox.field_parser import parse
from dynamo.sandbox.fields import USUAL, node_type, select
from dynamo.sandbox.http import Request
from dynamo.sandbox.instagram import is_current_story
from dynamo.sandbox.models import Post, Video
from dynamo.sandbox.state import SandboxContext, now

PAGE_LIMIT, INSTAGRAM_LIMIT, USUAL_LIMIT = 100, 100, 25
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


def videos_of(kind: str) -> Callable[[SandboxContext, Request], dict[str, Any]]:
    """Return the handler that lists a Page's videos or reels with a post."""

    def listing(context: SandboxContext, request: Request) -> dict[str, Any]:
        at = now()
        return _page(context, request, lambda post: post.kind == kind and post.is_visible(at))

    return listing


def _sort_key(post: Post) -> tuple[float, str]:
    return (post.timestamp, post.id)


def _page(context: SandboxContext, request: Request, wanted: Wanted, *, reach: int | None = None) -> dict[str, Any]:
    """Return one page of the timeline without reading the rest."""
    params, limit = request.params, _limit(request)
    line = context.state.timeline(request.account_id)
    low, high = _bounds(request, line)
    if reach is not None and high - low > reach:
        newest = list(islice(_falling(line, low, high, wanted), reach))
        low = newest[-1] if newest else low
    after, before = params.text("after"), params.text("before")
    if after and _is_dead(context, after):
        return {"data": []}
    if before and not after:
        rising = (
            at
            for at in range(max(low, bisect_right(line, _decode_cursor(before), key=_sort_key)), high)
            if wanted(line[at])
        )
        positions = list(islice(rising, limit))[::-1]
    else:
        top = min(high, bisect_left(line, _decode_cursor(after), key=_sort_key)) if after else high
        positions = list(islice(_falling(line, low, top, wanted), limit))
    return _respond(context, request, [line[at] for at in positions], limit, more=(
        any(True for _ in _falling(line, low, positions[-1], wanted)) if positions else False,
        any(wanted(line[at]) for at in range(positions[0] + 1, high)) if positions else False,
    ))  # fmt: skip


def _bounds(request: Request, line: list[Post]) -> tuple[int, int]:
    """Return the positions of `since` and `until`, in whole seconds; `since` is inclusive."""
    since, until = request.params.timestamp("since"), request.params.timestamp("until")
    low = bisect_left(line, float(int(since)), key=lambda post: post.timestamp) if since is not None else 0
    high = bisect_right(line, until, key=lambda post: post.timestamp) if until is not None else len(line)
    return low, high


def _falling(line: list[Post], low: int, high: int, wanted: Wanted) -> Iterator[int]:
    """Yield the positions of the wanted posts below `high`, newest first."""
    return (at for at in range(high - 1, low - 1, -1) if wanted(line[at]))


def _respond(
    context: SandboxContext, request: Request, posts: list[Post], limit: int, *, more: tuple[bool, bool]
) -> dict[str, Any]:
    """Return the page as JSON; `more` is whether there are older and newer posts."""
    fields = parse(request.params.text("fields")) if request.params.text("fields") else None
    answer: dict[str, Any] = {"data": []}
    for post in posts:
        node = context.state.find(post.video) if request.path.endswith(VIDEO_EDGES) else post
        if isinstance(node, Post | Video):
            answer["data"].append(select(context, node, fields or parse(USUAL[node_type(node)])))
    if posts:
        cursors = {"before": _encode_cursor(posts[0]), "after": _encode_cursor(posts[-1])}
        answer["paging"] = {"cursors": cursors}
        if more[0]:
            answer["paging"]["next"] = _link(context, request, limit, after=cursors["after"])
        if more[1]:
            answer["paging"]["previous"] = _link(context, request, limit, before=cursors["before"])
    return answer


def _limit(request: Request) -> int:
    limit = request.params.whole("limit", USUAL_LIMIT)
    if request.account.is_page and limit > PAGE_LIMIT:
        raise errors.invalid(f"The limit must not be greater than {PAGE_LIMIT}")
    if limit < 0:
        raise errors.invalid("Param limit must be a non-negative integer")
    return min(limit, INSTAGRAM_LIMIT)


def _link(context: SandboxContext, request: Request, limit: int, **cursor: str) -> str:
    """Return the URL of another page; as on the platform it contains the token when the call's query did."""
    kept = {name: value for name, value in request.query.items() if name not in {"after", "before", "limit"}}
    return f"{context.url}/{request.version}{request.path}?{urlencode(kept | {'limit': str(limit)} | cursor)}"


def _encode_cursor(post: Post) -> str:
    return base64.urlsafe_b64encode(f"{post.timestamp!r}|{post.id}".encode()).decode().rstrip("=")


def _decode_cursor(cursor: str) -> tuple[float, str]:
    try:
        timestamp, _, node_id = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode().partition("|")
        return float(timestamp), node_id
    except (ValueError, binascii.Error):
        raise errors.invalid("Invalid cursors values") from None


def _is_dead(context: SandboxContext, cursor: str) -> bool:
    """Return whether the cursor's post is deleted and the setting asks for an empty page. Raises 100 if it refuses."""
    post_id = _decode_cursor(cursor)[1]
    dead = post_id in context.state.nodes and context.state.find(post_id) is None
    if dead and context.settings.dead_cursors == "refuse":
        raise errors.invalid("Invalid cursors values")
    return dead and context.settings.dead_cursors == "empty"
