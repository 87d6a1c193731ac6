"""The comments of a post in one order, generated and stored ones, from any position without reading those before it."""

import heapq
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import gcd

from dynamo.sandbox.models import Audience, Comment, Post
from dynamo.sandbox.state import SandboxContext

Key = tuple[float, float, int]
Place = tuple[Key, Comment | None]
TOP, STREAM = "toplevel", "stream"
CHRONOLOGICAL, REVERSE, RANKED = "chronological", "reverse_chronological", "ranked"
LARGEST = 1 << 21
BLOCK = 8
# Multiplication by it modulo a power of ten scrambles ids and is reversible.
SCRAMBLE, SPACE = 61_803_398_873, 10**14
UNSCRAMBLE = pow(SCRAMBLE, -1, SPACE)
WORD = (1 << 64) - 1
PEOPLE = 50_000
FIRST = (
    "Ana", "Bruno", "Chiara", "Dilek", "Emeka", "Farida", "Goran", "Hana",
    "Inês", "Jonas", "Keiko", "Liam", "Mara", "Noor", "Olu", "Petra",
)  # fmt: skip
LAST = ("Almeida", "Bauer", "Costa", "Dimitrov", "Eriksen", "Ferreira", "Gupta", "Haddad", "Ito", "Jensen", "Kaya")
TEXTS = (
    "Que lindo! 😍",
    "We were here last summer, wonderful place",
    "Wann habt ihr wieder frei?",
    "Preço por noite?",
    "👏👏👏",
    "Is the terrace open in October?",
    "Saudades…",
    "جميل جداً",
    "家族で行きたいです",
    "Best breakfast in town",
    "Amei ❤️",
    "Parabéns à equipa!",
    "C'est magnifique",
    "Where exactly is this?",
)


class Crowd:
    """The generated comments of one post, which are not stored: each is a function of the seed and its own number.

    The comments are numbered by time, in blocks: first the block's comments on the post, then all replies to them. So
    there are comments between a reply and its parent.
    """

    def __init__(self, audience: Audience, *, is_page: bool) -> None:
        self._of = audience
        self.size, self.tops = audience.crowd, audience.tops
        self.replies = self.size - self.tops
        self._texts = audience.texts or TEXTS
        self._prefix = f"{audience.post.rpartition('_')[2]}_1" if is_page else "178"
        self._salt = audience.seed * 0x9E3779B97F4A7C15 & WORD
        self._strangers = int(audience.strangers * 1000)
        self._unreadable = int(audience.unreadable * 1000)

    # Numbers: of a comment on the post among these (top), of a reply among all replies, and by time.

    def _first_reply(self, top: int) -> int:
        return top * self.replies // self.tops

    def at_top(self, top: int) -> int:
        """Return the number by time of the top-th comment on the post."""
        return top + self._first_reply(top // BLOCK * BLOCK)

    def replies_to(self, top: int) -> range:
        """Return the numbers by time of its replies."""
        before = min((top // BLOCK + 1) * BLOCK, self.tops)
        return range(before + self._first_reply(top), before + self._first_reply(top + 1))

    def place(self, number: int) -> tuple[int, bool]:
        """Return (top, True) for a comment on the post, (the parent's top, False) for a reply."""
        block = ((number + 1) * self.tops - 1) // self.size // BLOCK * BLOCK
        end = min(block + BLOCK, self.tops)
        inside = number - block - self._first_reply(block)
        if inside < end - block:
            return block + inside, True
        return ((number - end + 1) * self.tops - 1) // self.replies, False

    def timestamp(self, number: int) -> float:
        return self._of.began + self._of.step * number

    def comment_id(self, number: int) -> str:
        return f"{self._prefix}{((self._of.slot << 21 | number) * SCRAMBLE) % SPACE:014d}"

    def draw(self, number: int) -> int:
        """Return 64 pseudo-random bits, the same at each call."""
        bits = (number + 1) * 0xBF58476D1CE4E5B9 + self._salt & WORD
        bits = (bits ^ bits >> 31) * 0x94D049BB133111EB & WORD
        return bits ^ bits >> 29

    def is_readable(self, number: int) -> bool:
        return not self._unreadable or self.draw(number) // 7 % 1000 >= self._unreadable

    def comment(self, number: int) -> Comment:
        top, is_top = self.place(number)
        draw = self.draw(number)
        who = draw % PEOPLE
        comment_id = self.comment_id(number)
        replies = len(self.replies_to(top)) + self._of.more_replies.get(comment_id, 0) if is_top else 0
        text = number if self._of.texts else draw >> 20
        return Comment(
            comment_id,
            self._of.post,
            self._of.account,
            self._texts[text % len(self._texts)],
            self.timestamp(number),
            parent="" if is_top else self.comment_id(self.at_top(top)),
            author_id=f"6{who * 7_919 + 10**14:015d}",
            author_name=f"{FIRST[who % len(FIRST)]} {LAST[who // 16 % len(LAST)]}",
            stranger=who * 31 % 1000 < self._strangers,
            like_count=max(0, (draw >> 40) % 23 - 17),
            replies=replies,
        )


def number_in(comment_id: str) -> tuple[int, int]:
    """Return (slot, number) of a generated comment's id; for any other id a pair that no comment has."""
    scrambled = int(comment_id[-14:])
    return divmod(scrambled * UNSCRAMBLE % SPACE, LARGEST)


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
        if slot != self.audience.slot or number >= self.crowd.size or self.crowd.comment_id(number) != comment_id:
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
        """Return the generated comments of the level, oldest first."""
        crowd = self.crowd
        if level == TOP:
            return self._lane(crowd.tops, crowd.at_top)
        numbers: Sequence[int] = range(crowd.size if level == STREAM else 0)
        if level != STREAM:
            slot, number = number_in(level)
            if slot == self.audience.slot and number < crowd.size:
                top, is_top = crowd.place(number)
                numbers = crowd.replies_to(top) if is_top else numbers
        return self._lane(len(numbers), numbers.__getitem__)

    def _lane(self, size: int, number: Callable[[int], int]) -> Lane:
        return Lane(
            size,
            lambda at: (self.crowd.timestamp(number(at)), 0.0, number(at)),
            lambda at: self._readable(number(at)),
        )

    def _ranked(self) -> Lane:
        """Return the post's comments in an order that is independent of time."""
        crowd, size = self.crowd, max(1, self.crowd.tops)
        stride = next(step for step in range(size * 5 // 8 + 1, size * 2 + 2) if gcd(step, size) == 1)
        return Lane(
            crowd.tops,
            lambda at: (1.0, float(at), 0),
            lambda at: self._readable(crowd.at_top((at * stride + crowd.draw(0)) % size)),
        )

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
