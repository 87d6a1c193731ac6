"""Control calls that give posts an audience: comments, numbers, insights."""

from datetime import datetime
from typing import Any

from dynamo.sandbox.comment_threads import Thread
from dynamo.sandbox.comments import find, remove
from dynamo.sandbox.generated_comments import LARGEST
from dynamo.sandbox.insights import REACTIONS
from dynamo.sandbox.models import Comment, Post
from dynamo.sandbox.state import SandboxContext, now

CROWD = {"count", "replies", "seed", "text", "strangers", "unreadable", "began"}
ITEM = {"id", "text", "created_at", "parent", "author", "stranger", "likes", "hidden", "attachment"}


class BadOrder(ValueError):
    """The order cannot be taken; the text says why."""


def check(given: dict[str, Any], allowed: set[str]) -> None:
    if unknown := set(given) - allowed:
        raise BadOrder(f"unknown: {', '.join(sorted(unknown))}; known: {', '.join(sorted(allowed))}")


def post_of(world: SandboxContext, given: dict[str, Any]) -> Post:
    post = world.state.find(str(given.get("post")))
    if not isinstance(post, Post):
        raise BadOrder("post is not the id of a post")
    return post


def moment(given: Any) -> float:
    """Read seconds since the epoch or ISO-8601 with a zone."""
    if isinstance(given, str):
        read = datetime.fromisoformat(given)
        if read.tzinfo is None:
            raise BadOrder("an instant needs a zone")
        return read.timestamp()
    return float(given)


def comments(world: SandboxContext, given: dict[str, Any]) -> dict[str, Any]:
    """Give a post a crowd (`count`), exact comments (`items`), or take comments away (`delete`, a list of ids)."""
    check(given, CROWD | {"post", "items", "delete"})
    with world.state.lock:
        post = post_of(world, given)
        if "count" in given:
            _crowd(world, post, given)
        added = [_keep(world, post, item) for item in given.get("items", [])]
        for comment_id in given.get("delete", []):
            remove(world, _known(world, post, str(comment_id)))
        thread = Thread(world, post)
        return {"post": post.id, "comments": thread.total("stream"), "ids": added}


def _crowd(world: SandboxContext, post: Post, given: dict[str, Any]) -> None:
    count, share = int(given["count"]), float(given.get("replies", 0.2))
    if not 0 <= count < LARGEST or not 0 <= share < 1:
        raise BadOrder(f"count is below {LARGEST}, replies a share below 1")
    began = moment(given.get("began", post.moment))
    audience = world.state.audience(post)
    audience.crowd, audience.tops = count, max(1, round(count * (1 - share))) if count else 0
    audience.seed, audience.texts = int(given.get("seed", 1)), [str(one) for one in given.get("text", [])]
    audience.strangers, audience.unreadable = float(given.get("strangers", 0.2)), float(given.get("unreadable", 0))
    audience.began, audience.step = began, max(0.0, now() - began) / max(1, count)
    audience.deleted.clear()
    world.state.put(audience)


def _keep(world: SandboxContext, post: Post, item: dict[str, Any]) -> str:
    check(item, ITEM)
    account, audience = world.state.account(post.account), world.state.audience(post)
    parent = _known(world, post, str(item["parent"])) if item.get("parent") else None
    if parent and parent.parent:
        raise BadOrder("a reply stands below a comment, never below a reply")
    author = item.get("author", {"id": "6900000000000001", "name": "Maria Silva"}) or {}
    minted = (
        f"{post.id.rpartition('_')[2]}_{world.state.mint('2', 14)}" if account.is_page else world.state.mint("180", 14)
    )
    comment = Comment(
        id=str(item.get("id", minted)),
        post=post.id,
        account=post.account,
        text=str(item.get("text", "")),
        created_at=moment(item.get("created_at", now())),
        parent=parent.id if parent else "",
        author_id=str(author.get("id", "")),
        author_name=str(author.get("name", author.get("username", ""))),
        stranger=bool(item.get("stranger", False)),
        like_count=int(item.get("likes", 0)),
        hidden=bool(item.get("hidden", False)),
        attachment=item.get("attachment"),
    )
    if comment.id in world.state.nodes or not comment.id.replace("_", "").isdecimal():
        raise BadOrder("a comment's id is of digits and its own")
    world.state.put(audience)
    if parent and parent.id in world.state.nodes:
        parent.replies += 1
        world.state.put(parent)
    elif parent:
        audience.more_replies[parent.id] = audience.more_replies.get(parent.id, 0) + 1
        world.state.put(audience)
    return world.state.put(comment).id


def _known(world: SandboxContext, post: Post, comment_id: str) -> Comment:
    found = world.state.find(comment_id) or find(world, world.state.account(post.account), comment_id)
    if not isinstance(found, Comment) or found.post != post.id:
        raise BadOrder(f"{comment_id} is no comment on this post")
    return found


def metrics(world: SandboxContext, given: dict[str, Any]) -> dict[str, Any]:
    """Set a post's counters: likes, comments, shares, reactions by name; null goes back to counting."""
    check(given, {"post", "likes", "comments", "shares", "reactions"})
    with world.state.lock:
        audience = world.state.audience(post_of(world, given))
        for name in ("likes", "comments", "shares"):
            if name in given:
                setattr(audience, name, None if given[name] is None else int(given[name]))
        if "reactions" in given:
            read = {str(name).upper(): int(count) for name, count in (given["reactions"] or {}).items()}
            if unknown := set(read) - set(REACTIONS):
                raise BadOrder(f"no reactions: {', '.join(sorted(unknown))}")
            audience.reactions = read
        world.state.put(audience)
    return {"post": audience.post}


def insights(world: SandboxContext, given: dict[str, Any]) -> dict[str, Any]:
    """Say what a post's insights answer: `values` by metric (null: no data), `empty`, `refused` codes by metric."""
    check(given, {"post", "values", "empty", "refused"})
    with world.state.lock:
        audience = world.state.audience(post_of(world, given))
        audience.insights.update(given.get("values") or {})
        audience.insights_empty = bool(given.get("empty", audience.insights_empty))
        audience.refused.update({str(name): int(code) for name, code in (given.get("refused") or {}).items()})
        world.state.put(audience)
    return {"post": audience.post}
