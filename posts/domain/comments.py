"""A published post's comments, read from the platform at each call and never from a copy.

Order, on both platforms: comments on the post, newest first, each followed by its replies, oldest first.
"""

import hashlib
import json
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass

from accounts import encryption
from posts.domain.channels import graph_account
from posts.graph import comments
from posts.graph.comments import Comment, CommentPosition
from posts.graph.cursor_reader import EdgePosition
from posts.models import Channel

REMEMBERED = 50_000
SECONDS = 20.0  # after which a page is given as it is


class UnknownCursor(ValueError):
    """The cursor is not ours, was tampered with, or was made for another post, channel or organization."""


@dataclass(frozen=True)
class CommentPage:
    """Some comments. `may_have_more`: the end is not known to be reached; then `next_cursor` goes on from here."""

    items: list[Comment]
    may_have_more: bool
    next_cursor: str | None


def page(channel: Channel, post_id: str, *, limit: int, cursor: str | None = None) -> CommentPage:
    """Return up to `limit` comments behind `cursor`, with as few calls to the platform as that takes.

    A page that takes too long is given with fewer. Comments that are written or deleted between two pages let none of
    the others be left out; one may come twice. Raises UnknownCursor, and GraphErrors.
    """
    place = _opened(cursor, channel, post_id) if cursor else None
    found: dict[str, Comment] = {}
    behind: CommentPosition | None = None
    until = time.monotonic() + SECONDS
    for comment, behind in comments.threads(graph_account(channel), post_id, place, size=limit):  # noqa: B007
        found.setdefault(comment.id, comment)
        if len(found) == limit or time.monotonic() > until:
            break
    else:
        behind = None
    sealed = _sealed(behind, channel, post_id) if behind else None
    return CommentPage(list(found.values()), behind is not None, sealed)


def iter_comments(channel: Channel, post_id: str) -> Iterator[Comment]:
    """Yield all comments and replies, each once: on Facebook oldest first, on Instagram in the order of the pages.

    A comment that the platform repeats within the last 50,000 is left out; its pages overlap by a few when comments are
    deleted meanwhile, and a reading that goes in circles is ended by an error. Memory does not grow with the number
    of comments. Raises GraphErrors, also part-way: what came before is then not all.
    """
    seen = RecentIds(REMEMBERED)
    return (comment for comment in comments.every(graph_account(channel), post_id) if seen.is_new(comment.id))


class RecentIds:
    """Remembers at least the last `many` ids, and at most twice as many."""

    def __init__(self, many: int) -> None:
        self._many = many
        self._now: set[int] = set()
        self._before: set[int] = set()

    def is_new(self, name: str) -> bool:
        """Whether the id is not among those remembered; it is from now on."""
        # Of the 64 bits of a hash: two of a hundred thousand ids are alike once in billions of exports.
        key = hash(name)
        if key in self._now or key in self._before:
            return False
        self._now.add(key)
        if len(self._now) == self._many:
            self._now, self._before = set(), self._now
        return True


def _sealed(place: CommentPosition, channel: Channel, post_id: str) -> str:
    # Encrypted rather than signed: the platform's own cursors are in there, and what they hold is for it to know.
    return encryption.encrypt(json.dumps([_bound_to(channel, post_id), asdict(place)]))


def _opened(cursor: str, channel: Channel, post_id: str) -> CommentPosition:
    try:
        bound_to, given = json.loads(encryption.decrypt(cursor))
    except (encryption.InvalidToken, ValueError):
        raise UnknownCursor from None
    if bound_to != _bound_to(channel, post_id):
        raise UnknownCursor
    inside = given["inside"]
    return CommentPosition(_spot(given["top"]), _spot(inside) if inside else None)


def _spot(given: dict[str, object]) -> EdgePosition:
    return EdgePosition(**{**given, "trail": tuple(given["trail"]), "same": tuple(given["same"])})  # type: ignore[arg-type]


def _bound_to(channel: Channel, post_id: str) -> str:
    whose = json.dumps(["comments", channel.organization_id, channel.public_id, post_id], default=str)
    return hashlib.sha256(whose.encode()).hexdigest()[:32]
