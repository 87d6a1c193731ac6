"""All comments of a post as a file: sent as they are read, or kept for a while under a link.

What was not read to the end never passes for a whole file: a stream raises in the middle, and nothing is kept.
"""

import logging
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import chain
from threading import BoundedSemaphore
from typing import IO, Self

from django.core import signing
from django.core.files.base import File
from django.core.files.storage import default_storage

from accounts import clock
from posts.domain.comments import every
from posts.domain.spreadsheet import pieces
from posts.graph.comments import Comment
from posts.graph.errors import GraphError, Throttled
from posts.models import Channel

log = logging.getLogger(__name__)
FOLDER, SALT = "exports", "dynamo.export"
LIFETIME = 24 * 3600  # seconds that a link works
AT_ONCE = 4  # exports per process: each holds a thread, and the others have work to do
WAIT = 30.0  # seconds after which to try again
_turns = BoundedSemaphore(AT_ONCE)


class Export:
    """The file in pieces, to be read once and to be closed. Its first comments are read when it is made.

    Reading on raises GraphErrors: the file then is not whole. No call goes to the platform before a piece is asked
    for, so that a reader who stops stops the calls. `count` is of the comments so far.
    """

    def __init__(self, channel: Channel, post_id: str) -> None:
        """Raises GraphErrors, Throttled also when too many exports are under way."""
        if not _turns.acquire(blocking=False):
            raise Throttled("Too many exports are under way", retry_after=WAIT)
        self.count, self._held, self._of = 0, True, f"{channel.wire_id} {post_id}"
        try:
            comments = every(channel, post_id)
            first = list(self._first(comments))
            self._pieces = pieces(self._counted(chain(first, comments)))
        except BaseException:
            self.close()
            raise

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> bytes:
        try:
            return next(self._pieces)
        except GraphError as error:
            log.warning("the export of %s broke off after %s comments: %s", self._of, self.count, error)
            self.close()
            raise
        except StopIteration:
            self.close()
            raise

    def close(self) -> None:
        """Let go of what is held; doing so twice is harmless."""
        if self._held:
            self._held = False
            _turns.release()

    @staticmethod
    def _first(comments: Iterator[Comment]) -> Iterator[Comment]:
        for comment in comments:
            yield comment
            return

    def _counted(self, comments: Iterator[Comment]) -> Iterator[Comment]:
        for comment in comments:
            self.count += 1
            yield comment


def whole(channel: Channel, post_id: str) -> tuple[IO[bytes], int]:
    """Return the whole file, which vanishes when it is closed, and how many comments it holds. Raises GraphErrors."""
    file = tempfile.TemporaryFile()  # noqa: SIM115  the caller closes it
    try:
        with closing(Export(channel, post_id)) as export:
            for piece in export:
                file.write(piece)
    except BaseException:
        file.close()
        raise
    file.seek(0)
    return file, export.count


@dataclass(frozen=True)
class Kept:
    """A file in the storage: how many comments it holds, and the token that opens it until it expires."""

    count: int
    token: str


def keep(channel: Channel, post_id: str) -> Kept:
    """Write the whole file to the storage. Raises GraphErrors; then nothing is left of it."""
    tidy()
    expires = int(clock.now().timestamp()) + LIFETIME
    name = f"{FOLDER}/{expires}-{secrets.token_hex(16)}.csv"
    file, count = whole(channel, post_id)
    with file:
        try:
            name = default_storage.save(name, File(file))
        except BaseException:
            default_storage.delete(name)
            raise
    return Kept(count, signing.dumps([name, expires, file_name(post_id)], salt=SALT))


class UnknownLink(LookupError):
    """The link is not ours, or its file is gone."""


class ExpiredLink(UnknownLink):
    """The link was good once."""


def opened(token: str) -> tuple[IO[bytes], str]:
    """Return the file that a token stands for, and the name that people see. Raises UnknownLink, ExpiredLink."""
    try:
        name, expires, shown = signing.loads(token, salt=SALT)
    except signing.BadSignature:
        raise UnknownLink from None
    if expires <= clock.now().timestamp():
        raise ExpiredLink
    try:
        return default_storage.open(name), shown
    except FileNotFoundError:
        raise UnknownLink from None


def tidy() -> int:
    """Delete the files whose links have expired; return how many. A storage that cannot list keeps them."""
    try:
        names = default_storage.listdir(FOLDER)[1]
    except (OSError, NotImplementedError):
        return 0
    now = clock.now().timestamp()
    old = [name for name in names if (expires := name.partition("-")[0]).isdecimal() and int(expires) <= now]
    for name in old:
        default_storage.delete(f"{FOLDER}/{name}")
    return len(old)


def file_name(post_id: str) -> str:
    """Return the name of a post's file."""
    return f"comments-{''.join(letter for letter in post_id if letter.isalnum() or letter in '_-')}.csv"
