"""The comments of a post in one order, generated and stored ones, from any position without reading those before it."""

import heapq
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import gcd

from dynamo.sandbox.generated_comments import Crowd, number_in
from dynamo.sandbox.models import Audience, Comment, Post
from dynamo.sandbox.state import SandboxContext

Key = tuple[float, float, int]
Place = tuple[Key, Comment | None]
TOP, STREAM = "toplevel", "stream"
CHRONOLOGICAL, REVERSE, RANKED = "chronological", "reverse_chronological", "ranked"


@dataclass
class Lane:
    """A sequence of comments with ascending keys."""

    size: int
    key: Callable[[int], Key]
    comment: Callable[[int], Comment | None]


class Thread:
    """The comments of one post. The caller holds the state's lock."""

    def __init__(self, context: SandboxContext, post: Post) -> None:
        self.audience: Audience = context.state.audience(post)
        self.kept = context.state.comments.get(post.id, [])
        self.crowd = Crowd(self.audience, is_page=context.state.account(post.account).is_page)

    def total(self, level: str) -> int:
        """Count all comments, deleted and unreadable ones too: the platform's totals exceed what can be read."""
        if self.audience.comments is not None:
            return self.audience.comments
        if level == TOP:
            return self.crowd.tops + sum(1 for comment in self.kept if not comment.parent)
        return self.crowd.size + len(self.kept)

    def find(self, comment_id: str) -> Comment | None:
        """Return a generated comment by its id."""
        slot, number = number_in(comment_id)
        if slot != self.audience.slot or number >= self.crowd.size or self.crowd.name(number) != comment_id:
            return None
        return self._readable(number)

    def walk(self, level: str, order: str, after: Key | None, *, backwards: bool = False) -> Iterator[Place]:
        """Yield the comments after the key `after`, in this order or backwards; None for one that is hidden.

        `level` is toplevel, stream or the id of a comment, for its replies.
        """
        falling = (order == REVERSE) != backwards
        runs = [_run(lane, after, falling=falling) for lane in self._lanes(level, order)]
        merged = heapq.merge(*runs, key=lambda entry: entry[0], reverse=falling) if len(runs) > 1 else runs[0]
        gone = self.audience.deleted
        for key, comment in merged:
            if comment is None or not gone or (comment.id not in gone and comment.parent not in gone):
                yield key, comment

    def _lanes(self, level: str, order: str) -> list[Lane]:
        computed = self._ranked() if order == RANKED else self._in_time(level)
        if not self.kept:
            return [computed]
        wanted = [
            (serial, comment)
            for serial, comment in enumerate(self.kept)
            if level == STREAM or comment.parent == ("" if level == TOP else level)
        ]
        if order == RANKED:
            keyed = [((0.0, float(-comment.like_count), serial), comment) for serial, comment in wanted]
        else:
            keyed = [((comment.created_at, 1.0, serial), comment) for serial, comment in wanted]
        keyed.sort(key=lambda entry: entry[0])
        return [computed, Lane(len(keyed), lambda at: keyed[at][0], lambda at: keyed[at][1])]

    def _in_time(self, level: str) -> Lane:
        crowd = self.crowd
        if level == STREAM:
            return Lane(crowd.size, lambda at: (crowd.timestamp(at), 0.0, at), self._readable)
        if level == TOP:
            return Lane(
                crowd.tops, lambda at: self._key_of(crowd.at_top(at)), lambda at: self._readable(crowd.at_top(at))
            )
        slot, number = number_in(level)
        below = range(0)
        if slot == self.audience.slot and number < crowd.size:
            top, is_top = crowd.place(number)
            below = crowd.replies_to(top) if is_top else below
        return Lane(len(below), lambda at: self._key_of(below[at]), lambda at: self._readable(below[at]))

    def _ranked(self) -> Lane:
        """Return the post's comments in an order that is independent of time."""
        crowd, size = self.crowd, max(1, self.crowd.tops)
        stride = next(step for step in range(size * 5 // 8 + 1, size * 2 + 2) if gcd(step, size) == 1)
        return Lane(
            crowd.tops,
            lambda at: (1.0, float(at), 0),
            lambda at: self._readable(crowd.at_top((at * stride + crowd.draw(0)) % size)),
        )

    def _key_of(self, number: int) -> Key:
        return (self.crowd.timestamp(number), 0.0, number)

    def _readable(self, number: int) -> Comment | None:
        return self.crowd.comment(number) if self.crowd.is_readable(number) else None


def _run(lane: Lane, after: Key | None, *, falling: bool) -> Iterator[Place]:
    every = range(lane.size)
    if falling:
        last = lane.size if after is None else bisect_left(every, after, key=lane.key)
        positions = range(last - 1, -1, -1)
    else:
        positions = range(0 if after is None else bisect_right(every, after, key=lane.key), lane.size)
    for at in positions:
        yield lane.key(at), lane.comment(at)
