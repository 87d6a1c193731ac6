"""The interface of publishing, the same for both platforms, and the approved media."""

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import IO, Any, Protocol

from django.core.files.storage import default_storage

from posts.graph.account import Account
from posts.graph.errors import InvalidRequest, MediaChanged, Transient
from posts.graph.media import file_sha256

Staged = dict[str, Any]
Save = Callable[[Staged], None]


@dataclass(frozen=True)
class StoredMedia:
    """Our copy of the media: `name` in Django's default storage, `size` in bytes; platforms can fetch it at `url`."""

    name: str
    content_type: str
    size: int
    url: str


@dataclass(frozen=True)
class PayloadItem:
    """One of several media: an image or a video with the hash of its approved bytes. `alt_text` is for images."""

    media_type: str | None
    media_sha256: str
    alt_text: str = ""
    stored: StoredMedia | None = None


@dataclass(frozen=True)
class PostPayload:
    """A post to publish. `type` is POST, REEL or STORY; `media_type` IMAGE, VIDEO, or None: on Facebook a link.

    `media_sha256` is the hex hash of the approved bytes, empty for a link. An image or a video is published from
    `stored`; `media`, the address that the client named, is sent for a link only. With `items`, two to ten, these are
    published instead of the one medium; `alt_text` is that of a single image.
    """

    type: str
    caption: str
    media: str | None
    media_type: str | None
    media_sha256: str
    stored: StoredMedia | None = None
    alt_text: str = ""
    is_ai_generated: bool = False
    items: tuple[PayloadItem, ...] = ()

    @property
    def listed_type(self) -> str | None:
        """The `media_type` of the published post: CAROUSEL for several media."""
        return "CAROUSEL" if self.items else self.media_type


class LookupStatus(StrEnum):
    """Result of a look-up: published, not published, still processing on the platform, or unknown."""

    PUBLISHED = "LIVE"
    NOT_FOUND = "ABSENT"
    PROCESSING = "PENDING"
    UNKNOWN = "UNCLEAR"


@dataclass(frozen=True)
class LookupResult:
    """PUBLISHED without a `post_id`: the post is certainly published, under an unknown id, one of `candidates`.

    `candidates`, oldest first, are equal posts that no delivery has claimed.
    `note`: what a person has to do while it is UNKNOWN, a sentence without its full stop.
    """

    verdict: LookupStatus
    post_id: str = ""
    note: str = ""
    candidates: tuple[str, ...] = ()

    @classmethod
    def published(cls, newest_first: Sequence[str]) -> "LookupResult":
        """The result for the unclaimed posts that are certainly the one looked for."""
        if len(newest_first) == 1:
            return cls(LookupStatus.PUBLISHED, newest_first[0])
        return cls(LookupStatus.PUBLISHED, candidates=tuple(reversed(newest_first)))


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

    def find_unpublished(self, account: Account, staged: Staged) -> str:
        """Return the id of what was staged, if it can be deleted and the platform shows that it is not published.

        Empty otherwise. Reads only. Raises GraphErrors when that cannot be read now.
        """


class Publisher(PublishMethod, Protocol):
    def find_by_content(
        self, account: Account, post: PostPayload, staged: Staged, *, since: datetime, claimed: Collection[str]
    ) -> LookupResult:
        """Look up what another copy of the database may have published under ids that `staged` does not have.

        Called after `find` found nothing; compares what `find` did not. PUBLISHED for the same text in an unclaimed
        post of the same kind, UNKNOWN for one that may be ours. Reads only; never raises a GraphError.
        """

    def find_lost(
        self, account: Account, post: PostPayload, *, since: datetime, until: datetime, claimed: Collection[str]
    ) -> LookupResult:
        """Look up a commit of which nothing is known: if there was one, it was before `until`, and its ids are lost.

        As `find_by_content`, but a post by our app with another text is no reason for UNKNOWN.
        """

    def delete_unpublished(self, account: Account, object_id: str) -> None:
        """Delete what `find_unpublished` returned. Raises GraphErrors."""

    def permalink(self, account: Account, post_id: str) -> str | None:
        """Return the post's URL, None when it cannot be read. Never raises a GraphError."""


def get_id(response: dict[str, Any], name: str = "id") -> str:
    """Return the id in the field `name`, empty without one."""
    value = response.get(name)
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) and value else ""


@contextmanager
def open_approved_media(medium: PostPayload | PayloadItem) -> Iterator[IO[bytes]]:
    """Open the stored copy at its first byte, after comparing its hash with the approved one.

    Raises InvalidRequest without a copy, Transient when the storage fails, MediaChanged for other bytes.
    """
    if medium.stored is None:
        raise InvalidRequest("There is no stored media to publish")
    try:
        file = default_storage.open(medium.stored.name)
    except FileNotFoundError:
        raise InvalidRequest("The stored media is missing") from None
    except OSError as error:
        raise Transient(f"The stored media cannot be read ({type(error).__name__})") from None
    with file:
        if file_sha256(file)[0] != medium.media_sha256:
            raise MediaChanged("The stored media is no longer what was approved; nothing was sent")
        yield file


def verify_media_hash(medium: PostPayload | PayloadItem) -> None:
    """Raise MediaChanged when the stored bytes are not the approved ones; errors as `open_approved_media`."""
    with open_approved_media(medium):
        return
