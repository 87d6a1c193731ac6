"""The approved bytes: fetched, and compared with the hash that was approved."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from posts.graph.errors import InvalidRequest, MediaChanged, Transient
from posts.graph.media import MediaFacts, MediaUnavailable, open_remote_media
from posts.graph.publishers.base import PostPayload


@contextmanager
def open_approved_media(item: PostPayload) -> Iterator[tuple[IO[bytes], MediaFacts]]:
    """Give the item's media as a file with its facts. Raises MediaChanged, Transient or InvalidRequest."""
    if not item.media:
        raise InvalidRequest("There is no media to publish")
    failure: Transient | InvalidRequest | None = None
    try:
        with open_remote_media(item.media) as (file, facts):
            if item.media_sha256 and facts.sha256 != item.media_sha256:
                raise MediaChanged("The media is no longer what was approved; nothing was sent")
            yield file, facts
    except MediaUnavailable as error:
        failure = (Transient if error.passing else InvalidRequest)(str(error))
    if failure is not None:
        raise failure


def verify_media_hash(item: PostPayload) -> None:
    """Raise MediaChanged when the URL gives other bytes than were approved; the same errors as `approved`."""
    if item.media_sha256:
        with open_approved_media(item):
            return
