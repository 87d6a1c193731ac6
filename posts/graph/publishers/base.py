"""The interface of publishing, the same for both platforms, and the approved media."""

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import IO, Any, Protocol

from posts.graph.account import Account
from posts.graph.errors import InvalidRequest, MediaChanged, Transient
from posts.graph.media import MediaFacts, MediaUnavailable, open_remote_media

Staged = dict[str, Any]
Save = Callable[[Staged], None]


@dataclass(frozen=True)
class PostPayload:
    """A post to publish. `type` is POST, REEL or STORY; `media_type` IMAGE, VIDEO, or None: on Facebook a link.

    `media_sha256` is the hex hash of the approved bytes, empty when they could not be fetched.
    """

    type: str
    caption: str
    media: str | None
    media_type: str | None
    media_sha256: str


class LookupStatus(StrEnum):
    """Result of a look-up: published, not published, still processing on the platform, or unknown."""

    PUBLISHED = "LIVE"
    NOT_FOUND = "ABSENT"
    PROCESSING = "PENDING"
    UNKNOWN = "UNCLEAR"


@dataclass(frozen=True)
class LookupResult:
    """PUBLISHED without a `post_id`: the post is certainly published, under an unknown id."""

    verdict: LookupStatus
    post_id: str = ""


class PublishMethod(Protocol):
    """Stages ahead, commits at the scheduled time, looks up afterwards. `stage` and `commit` raise GraphErrors."""

    def stage(self, account: Account, post: PostPayload, staged: Staged, save: Save) -> Staged:
        """Upload what is not visible yet and return it with "ready": True. Continues from the state in `staged`.

        Calls `save` with the new state after every id that the platform returns, before the next call. Exceptions of
        `save` pass through.
        Raises NotReady while the platform is processing (call again later), RestageRequired when `staged` must be
        discarded, MediaChanged when the bytes are not the approved ones.
        """

    def commit(self, account: Account, post: PostPayload, staged: Staged) -> str:
        """Publish, with exactly one outward write. Return the post's id, empty when the platform returns none.

        Empty means accepted: `find` returns the id, and whether the processing succeeded.
        """

    def find(
        self, account: Account, post: PostPayload, staged: Staged, *, since: datetime, claimed: Collection[str]
    ) -> LookupResult:
        """Look up whether a commit since `since` succeeded; `claimed` ids belong to other deliveries. Reads only.

        Never raises a GraphError: what cannot be read is UNKNOWN.
        """

    def discard(self, account: Account, staged: Staged) -> None:
        """Delete what was staged if possible, and never a published post. Never raises a GraphError."""


class Publisher(PublishMethod, Protocol):
    def permalink(self, account: Account, post_id: str) -> str | None:
        """Return the post's URL, None when it cannot be read. Never raises a GraphError."""


def get_id(response: dict[str, Any], name: str = "id") -> str:
    """Return the id in the field `name`, empty without one."""
    value = response.get(name)
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) and value else ""


@contextmanager
def open_approved_media(post: PostPayload) -> Iterator[tuple[IO[bytes], MediaFacts]]:
    """Open the post's media as a file with its facts. Raises MediaChanged, Transient or InvalidRequest."""
    if not post.media:
        raise InvalidRequest("There is no media to publish")
    try:
        with open_remote_media(post.media) as (file, facts):
            if post.media_sha256 and facts.sha256 != post.media_sha256:
                raise MediaChanged("The media is no longer what was approved; nothing was sent")
            yield file, facts
    except MediaUnavailable as error:
        raise (Transient if error.passing else InvalidRequest)(str(error)) from None


def verify_media_hash(post: PostPayload) -> None:
    """Raise MediaChanged when the URL returns other bytes than the approved ones; errors as `open_approved_media`."""
    if post.media_sha256:
        with open_approved_media(post):
            return
