"""What publishing on a platform means, the same for all of them."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from posts.graph.account import Account

Staged = dict[str, Any]
Save = Callable[[Staged], None]


@dataclass(frozen=True)
class PostPayload:
    """What is to go live. `type` is POST, REEL or STORY; `media_type` IMAGE, VIDEO, or None: on Facebook a link.

    `media_sha256` is the hex hash of the bytes that were approved, empty when nobody could fetch them.
    """

    type: str
    caption: str
    media: str | None
    media_type: str | None
    media_sha256: str


class LookupStatus(StrEnum):
    """What a reading back found: it is live, it is not, the platform is still at it, or nobody can tell."""

    PUBLISHED = "LIVE"
    NOT_FOUND = "ABSENT"
    PROCESSING = "PENDING"
    UNKNOWN = "UNCLEAR"


@dataclass(frozen=True)
class LookupResult:
    """LIVE may come without a `post_id`: live for certain, under an id that is not known."""

    verdict: LookupStatus
    post_id: str = ""


class Publisher(Protocol):
    """Stage ahead, commit at the instant, find out afterwards. Methods raise GraphErrors unless they say otherwise."""

    def stage(self, account: Account, item: PostPayload, staged: Staged, save: Save) -> Staged:
        """Prepare what nobody can see yet and return it with "ready": True; goes on from what `staged` holds.

        Calls `save` after every id that the platform gives, before the next call; what `save` raises passes through.
        Raises NotReady while the platform is at work (call again later), StageAgain when `staged` has to be thrown
        away, MediaChanged when the bytes are not the approved ones.
        """

    def commit(self, account: Account, item: PostPayload, staged: Staged) -> str:
        """Make it live: exactly one outward write. Return the post's id, empty when the platform does not tell.

        Empty means accepted: the id, and whether it got through the processing, is for `find` to say.
        """

    def find(
        self, account: Account, item: PostPayload, staged: Staged, *, since: datetime, claimed: Collection[str]
    ) -> LookupResult:
        """Read back whether a commit since `since` has landed; `claimed` ids belong to others. Reads only.

        Never raises a GraphError: what cannot be read is UNCLEAR.
        """

    def discard(self, account: Account, staged: Staged) -> None:
        """Remove what was staged, as far as that is possible, and never what is live. Never raises a GraphError."""

    def permalink(self, account: Account, post_id: str) -> str | None:
        """Return the post's address, None when it cannot be read. Never raises a GraphError."""


def get_id(said: dict[str, Any], name: str = "id") -> str:
    """Return an id out of an answer, empty when it is not there."""
    value = said.get(name)
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) and value else ""
