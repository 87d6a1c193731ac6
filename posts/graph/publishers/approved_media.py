"""Fetches the media of a post and compares its hash with the approved one."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from posts.graph.errors import InvalidRequest, MediaChanged, Transient
from posts.graph.media import MediaFacts, MediaUnavailable, open_remote_media
from posts.graph.publishers.base import PostPayload


@contextmanager
def open_approved_media(post: PostPayload) -> Iterator[tuple[IO[bytes], MediaFacts]]:
    """Open the post's media as a file with its facts. Raises MediaChanged, Transient or InvalidRequest."""
    if not post.media:
        raise InvalidRequest("There is no media to publish")
    failure: Transient | InvalidRequest | None = None
    try:
        with open_remote_media(post.media) as (file, facts):
            if post.media_sha256 and facts.sha256 != post.media_sha256:
                raise MediaChanged("The media is no longer what was approved; nothing was sent")
            yield file, facts
    except MediaUnavailable as error:
        failure = (Transient if error.passing else InvalidRequest)(str(error))
    if failure is not None:
        raise failure


def verify_media_hash(post: PostPayload) -> None:
    """Raise MediaChanged when the URL returns other bytes than the approved ones; errors as `open_approved_media`."""
    if post.media_sha256:
        with open_approved_media(post):
            return
