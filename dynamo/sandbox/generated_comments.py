"""Comments that are not stored: each is a function of its crowd's seed and its own number.

The n comments of a crowd are numbered by time, in blocks: first the block's comments on the post, then all replies to
them. So there are comments between a reply and its parent.
"""

from dynamo.sandbox.models import Audience, Comment

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
    """The generated comments of one post."""

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

    def name(self, number: int) -> str:
        """Return the comment's id."""
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
        key = self.name(number)
        replies = len(self.replies_to(top)) if is_top else 0
        if is_top and self._of.more_replies:
            replies += self._of.more_replies.get(key, 0)
        return Comment(
            key,
            self._of.post,
            self._of.account,
            self._texts[(draw >> 20) % len(self._texts)]
            if not self._of.texts
            else self._texts[number % len(self._texts)],
            self.timestamp(number),
            "" if is_top else self.name(self.at_top(top)),
            f"6{who * 7_919 + 10**14:015d}",
            f"{FIRST[who % len(FIRST)]} {LAST[who // 16 % len(LAST)]}",
            who * 31 % 1000 < self._strangers,
            max(0, (draw >> 40) % 23 - 17),
            replies,
        )


def number_in(comment_id: str) -> tuple[int, int]:
    """Return (slot, number) of a generated comment's id; for any other id a pair that no comment has."""
    scrambled = int(comment_id[-14:])
    return divmod(scrambled * UNSCRAMBLE % SPACE, LARGEST)
