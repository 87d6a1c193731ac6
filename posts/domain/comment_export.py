"""All comments of a post as a file: sent as they are read, or kept for a while under a link.

What was not read to the end never passes for a whole file: a stream raises in the middle, and nothing is kept.
"""

import csv
import io
import logging
import re
import secrets
import socket
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC
from itertools import chain
from threading import BoundedSemaphore
from typing import IO, Any, Self

from django.core import signing
from django.core.files.base import File
from django.core.files.storage import default_storage
from django.http import FileResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils.http import content_disposition_header

from accounts import clock
from posts.domain.comments import iter_comments
from posts.graph.comments import Comment
from posts.graph.errors import GraphError, Throttled
from posts.models import Channel, PublishedPost

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
        self.count, self._held, self._of = 0, True, f"{channel.public_id} {post_id}"
        try:
            comments = iter_comments(channel, post_id)
            first = list(self._first(comments))
            self._pieces = csv_chunks(self._counted(chain(first, comments)))
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


def export_to_tempfile(channel: Channel, post_id: str) -> tuple[IO[bytes], int]:
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


def store_export(channel: Channel, post_id: str) -> Kept:
    """Write the whole file to the storage. Raises GraphErrors; then nothing is left of it."""
    delete_expired()
    expires = int(clock.now().timestamp()) + LIFETIME
    name = f"{FOLDER}/{expires}-{secrets.token_hex(16)}.csv"
    file, count = export_to_tempfile(channel, post_id)
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


def open_export(token: str) -> tuple[IO[bytes], str]:
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


def delete_expired() -> int:
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


COLUMNS = ("id", "parent_id", "created_at", "author_id", "author_name", "text", "likes", "replies", "hidden")
BOM = "\ufeff"
CHUNK = 8 * 1024  # characters that are sent together
PIECE = 64 * 1024  # bytes of the largest piece
# Blanks, controls and marks that cannot be seen do not keep a spreadsheet from seeing a formula behind them.
UNSEEN = r"[\s\x00-\x20\u00a0\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]*"
FORMULA = re.compile(rf"{UNSEEN}[=+\-@\uff1d\uff0b\uff0d\uff20\t\r]")
# Where semicolons or tabs part cells (much of Europe), or quotes are not heeded, a cell can begin inside a text. There
# only what could run is defused, so that lists and mentions on lines of their own stay as they were written.
# A match takes the whole run of what cannot be seen, formula behind it or not: so the time stays linear.
INNER = re.compile(rf"[;\t\r\n]{UNSEEN}+(?P<runs>(?==|[+\-@][^\s;(|]*[(|]))?")


def csv_chunks(comments: Iterable[Comment]) -> Iterator[bytes]:
    """Yield the file in pieces, the first as soon as the first comment is there, or none is."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    text.write(BOM)
    writer.writerow(COLUMNS)
    # The header waits for the first comment: what fails before that is answered otherwise.
    for comment in comments:
        writer.writerow(cells(comment))
        if text.tell() >= CHUNK:
            yield from _emptied(text)
    yield from _emptied(text)


def cells(comment: Comment) -> list[str]:
    """Return the comment's row. Unknown is an empty cell."""
    author, at = comment.author, comment.created_at
    return [
        escape_formula(comment.id),
        escape_formula(comment.parent_id or ""),
        at.astimezone(UTC).isoformat("T", "milliseconds")[:-6] + "Z" if at else "",
        escape_formula((author and author.id) or ""),
        escape_formula((author and author.name) or ""),
        escape_formula(comment.text),
        "" if comment.likes is None else str(comment.likes),
        "" if comment.replies is None else str(comment.replies),
        "" if comment.hidden is None else str(comment.hidden).lower(),
    ]


def escape_formula(text: str) -> str:
    """Return the text with an apostrophe before whatever a spreadsheet would run, and else as it was written.

    A NUL, at which spreadsheets would cut the text off, becomes its visible symbol.
    """
    if text.isalnum():
        return text
    start = "'" if FORMULA.match(text) else ""
    return start + INNER.sub(_stopped, text).replace("\x00", "\u2400")


def _stopped(found: re.Match[str]) -> str:
    return f"{found[0]}'" if found["runs"] is not None else found[0]


def _emptied(text: io.StringIO) -> Iterator[bytes]:
    written = text.getvalue().encode()
    text.seek(0)
    text.truncate()
    for start in range(0, len(written), PIECE):
        yield written[start : start + PIECE]


TYPE = "text/csv; charset=utf-8"
STALLED = 60.0  # seconds without reading after which a client is given up
AHEAD = 128 * 1024  # bytes that are read ahead of the client


def csv_response(post: PublishedPost, meta: dict[str, Any]) -> HttpResponseBase:
    """Return the file, streamed as it is read; `meta` is the request's. Raises GraphErrors before its first byte.

    A stream that breaks off ends without its last chunk, so that clients notice.
    """
    name = file_name(post.platform_id)
    if meta.get("SERVER_PROTOCOL") == "HTTP/1.0":
        # There are no chunks, and a break looks like the end: read to the end first, and name the length.
        file = export_to_tempfile(post.channel, post.platform_id)[0]
        return no_store(FileResponse(file, as_attachment=True, filename=name, content_type=TYPE))
    export = Export(post.channel, post.platform_id)
    _give_up_on_who_stalls(meta)
    header = content_disposition_header(as_attachment=True, filename=name)
    return no_store(StreamingHttpResponse(export, content_type=TYPE, headers={"Content-Disposition": header}))


def no_store(response: HttpResponseBase) -> HttpResponseBase:
    """Keep caches from keeping it, and proxies from holding it back."""
    response.headers["Cache-Control"] = "private, no-store"
    response.headers["X-Accel-Buffering"] = "no"
    return response


def _give_up_on_who_stalls(meta: dict[str, Any]) -> None:
    """Let a write that the client does not take for a minute fail, so that it holds its thread no longer."""
    connection = meta.get("gunicorn.socket")
    if connection is not None:
        connection.settimeout(STALLED)
        # Else the kernel takes megabytes ahead of the client, and as many calls to the platform are made for nothing.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, AHEAD)
