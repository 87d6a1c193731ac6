"""How many liked, commented and shared: the counters in listings, and what insights are made of."""

import zlib
from dataclasses import dataclass
from typing import Any, cast

from dynamo.sandbox import errors
from dynamo.sandbox.auth import require
from dynamo.sandbox.comment_threads import STREAM, Thread
from dynamo.sandbox.comments import READ_PEOPLE
from dynamo.sandbox.field_parser import Field
from dynamo.sandbox.http import Request
from dynamo.sandbox.models import Photo, Post
from dynamo.sandbox.state import SandboxContext

REACTIONS = ("LIKE", "LOVE", "WOW", "HAHA", "SAD", "ANGRY", "CARE", "THANKFUL", "PRIDE", "NONE")
REMEMBERED = 1000


@dataclass
class Tally:
    """`reactions` has no zeros. `chance` is a number of the post's own, the same each time."""

    likes: int
    comments: int
    shares: int
    reactions: dict[str, int]
    chance: int

    @property
    def reacted(self) -> int:
        return sum(self.reactions.values())

    @property
    def views(self) -> int:
        return self.chance % 400 + 60 + 31 * (self.reacted + self.comments + self.shares)


def tally(world: SandboxContext, post: Post) -> Tally:
    """Count once for all the counters that one listing asks for."""
    counted = world.state.counted
    known = counted.get(post.id)
    if known is None:
        if len(counted) > REMEMBERED:
            counted.clear()
        known = counted[post.id] = _count(world, post)
    return cast("Tally", known)


def _count(world: SandboxContext, post: Post) -> Tally:
    thread = Thread(world, post)
    audience, chance = thread.audience, zlib.crc32(post.id.encode())
    reactions = {name: count for name, count in audience.reactions.items() if count}
    likes = audience.likes
    if likes is None:
        likes = reactions.get("LIKE", 0)
    elif likes and "LIKE" not in audience.reactions:
        reactions["LIKE"] = likes
    return Tally(likes, thread.total(STREAM), audience.shares or 0, reactions, chance)


def shares(world: SandboxContext, post: Post, _field: Field) -> dict[str, int] | None:
    """Return {"count"}; nothing at all while nobody shared."""
    count = tally(world, post).shares
    return {"count": count} if count else None


def reactions(world: SandboxContext, post: Post, field: Field) -> dict[str, Any]:
    """Return the edge of reactions, or of likes alone: nobody's names, and the summary when it is asked for."""
    require(world.state.account(post.account), READ_PEOPLE)
    kind = "LIKE" if field.name == "likes" else field.modifiers.get("type", "").upper()
    if kind and kind not in REACTIONS:
        raise errors.invalid(f"Param type must be one of {{{', '.join(REACTIONS)}}}")
    counted = tally(world, post)
    answer: dict[str, Any] = {"data": []}
    asked = field.modifiers.get("summary", "").strip("[]")
    if asked and asked not in {"false", "0"}:
        answer["summary"] = {"total_count": counted.reactions.get(kind, 0) if kind else counted.reacted}
        if asked in {"true", "1"} and field.name == "reactions":
            answer["summary"]["viewer_reaction"] = "NONE"
        elif asked in {"true", "1"}:
            answer["summary"] |= {"can_like": True, "has_liked": False}
    return answer


def edge(world: SandboxContext, request: Request) -> dict[str, Any]:
    """GET /{post}/reactions and /{post}/likes."""
    node = request.node
    assert isinstance(node, Post)  # noqa: S101  routing knows the types that have this edge
    given = {name: request.params.text(name) for name in request.params.values}
    return reactions(world, node, Field(request.path.rpartition("/")[2], given))


def nobody(_world: SandboxContext, _node: Photo, _field: Field) -> dict[str, Any]:
    """Return an edge of a photo, whose audience gathers at its post."""
    return {"data": []}
