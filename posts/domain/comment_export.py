"""All comments of a post as a CSV file: streamed as they are read, or stored for LIFETIME under a signed link.

An incomplete file is never delivered as a complete one: the stream raises, and nothing is stored.
"""

import csv
import io
import logging
import re
import secrets
import socket
import tempfile
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from datetime import UTC
from threading import BoundedSemaphore
from typing import IO, Any

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
LIFETIME = 24 * 3600  # seconds
MAX_EXPORTS = 4  # per process, because each occupies a thread
RETRY_AFTER = 30.0  # seconds
_slots = BoundedSemaphore(MAX_EXPORTS)


class Export:
    """The chunks of the file, to be iterated over once. `count` is the number of comments so far.

    The first chunk needs no call to the platform. A GraphError leaves the file incomplete. Each chunk is read from the
    platform on request, so a client that stops reading stops the calls.
    """

    def __init__(self, channel: Channel, post_id: str) -> None:
        """Read the first page. Raises GraphErrors, Throttled also when MAX_EXPORTS are running."""
        self.count = 0
        self._chunks = self._read(channel, post_id)
        next(self._chunks)

    def __iter__(self) -> Iterator[bytes]:
        return self._chunks

    def close(self) -> None:
        self._chunks.close()

    def _read(self, channel: Channel, post_id: str) -> Generator[bytes]:
        """Yield an empty chunk when the first page was read, then the file."""
        if not _slots.acquire(blocking=False):
            raise Throttled("Too many exports are running", retry_after=RETRY_AFTER)
        try:
            chunks = csv_chunks(self._counted(iter_comments(channel, post_id)))
            first = next(chunks)
            yield b""
            yield first
            yield from chunks
        except GraphError as error:
            log.warning("export of %s %s ended after %s comments: %s", channel.public_id, post_id, self.count, error)
            raise
        finally:
            _slots.release()

    def _counted(self, pages: Iterator[list[Comment]]) -> Iterator[list[Comment]]:
        for page in pages:
            self.count += len(page)
            yield page


def export_to_tempfile(channel: Channel, post_id: str) -> tuple[IO[bytes], int]:
    """Return the complete file, deleted when it is closed, and the number of comments. Raises GraphErrors."""
    file = tempfile.TemporaryFile()  # noqa: SIM115  the caller closes it
    try:
        with closing(Export(channel, post_id)) as export:
            for chunk in export:
                file.write(chunk)
    except BaseException:
        file.close()
        raise
    file.seek(0)
    return file, export.count


def store_export(channel: Channel, post_id: str) -> tuple[int, str]:
    """Write the complete file to the storage, after deleting expired ones.

    Returns the number of comments, and the signed token for `open_export`. On a GraphError nothing is stored.
    """
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
    return count, signing.dumps([name, file_name(post_id)], salt=SALT)


def open_export(token: str) -> tuple[IO[bytes], str]:
    """Return the file and its name for the client. Raises BadSignature, SignatureExpired, FileNotFoundError."""
    name, download_name = signing.loads(token, salt=SALT, max_age=LIFETIME)
    return default_storage.open(name), download_name


def delete_expired() -> int:
    """Delete the files whose tokens have expired; return how many. Does nothing if the storage cannot list files."""
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
    return f"comments-{''.join(letter for letter in post_id if letter.isalnum() or letter in '_-')}.csv"


COLUMNS = ("id", "parent_id", "created_at", "author_id", "author_name", "text", "likes", "replies", "hidden")
BOM = "\ufeff"
BUFFER = 8 * 1024  # characters that are written before a chunk is yielded
MAX_CHUNK = 64 * 1024  # bytes
# Spreadsheets ignore white space, control and invisible characters in front of a formula.
INVISIBLE = r"[\s\x00-\x20\u00a0\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]*"
FORMULA = re.compile(rf"{INVISIBLE}[=+\-@\uff1d\uff0b\uff0d\uff20\t\r]")
# Where semicolons or tabs separate cells (much of Europe), or quotes are ignored, a cell can begin inside a text. There
# only text that could be executed is escaped, so that lists and mentions on lines of their own stay unchanged.
# A match consumes all invisible characters, with or without a formula after them, so the time stays linear.
INNER = re.compile(rf"[;\t\r\n]{INVISIBLE}+(?P<formula>(?==|[+\-@][^\s;(|]*[(|]))?")


def csv_chunks(pages: Iterable[list[Comment]]) -> Iterator[bytes]:
    """Yield the file in UTF-8 with a BOM.

    Nothing is yielded before the first page was read or the end is known; then everything up to there, before the
    second page is read.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    text.write(BOM)
    writer.writerow(COLUMNS)
    is_first = True
    for page in pages:
        for comment in page:
            writer.writerow(cells(comment))
            if text.tell() >= BUFFER:
                yield from _take_chunks(text)
        if is_first:
            yield from _take_chunks(text)
            is_first = False
    yield from _take_chunks(text)


def cells(comment: Comment) -> list[str]:
    """Return the comment's row. Unknown values are empty cells."""
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
    """Return the text with an apostrophe in front of everything that a spreadsheet would execute."""
    if text.isalnum():
        return text
    prefix = "'" if FORMULA.match(text) else ""
    # Spreadsheets would cut the text at a NUL.
    return prefix + INNER.sub(_escape_inner, text).replace("\x00", "\u2400")


def _escape_inner(match: re.Match[str]) -> str:
    return f"{match[0]}'" if match["formula"] is not None else match[0]


def _take_chunks(text: io.StringIO) -> Iterator[bytes]:
    content = text.getvalue().encode()
    text.seek(0)
    text.truncate()
    for start in range(0, len(content), MAX_CHUNK):
        yield content[start : start + MAX_CHUNK]


TYPE = "text/csv; charset=utf-8"
SEND_TIMEOUT = 60.0  # seconds
SEND_BUFFER = 128 * 1024  # bytes


def csv_response(post: PublishedPost, meta: dict[str, Any]) -> HttpResponseBase:
    """Return the file, streamed as it is read; `meta` is the request's. Raises GraphErrors before its first byte."""
    name = file_name(post.platform_id)
    if meta.get("SERVER_PROTOCOL") == "HTTP/1.0":
        # Without chunks an incomplete stream looks complete: read all comments first and send the length.
        file = export_to_tempfile(post.channel, post.platform_id)[0]
        return no_store(FileResponse(file, as_attachment=True, filename=name, content_type=TYPE))
    export = Export(post.channel, post.platform_id)
    _limit_sending(meta)
    header = content_disposition_header(as_attachment=True, filename=name)
    return no_store(StreamingHttpResponse(export, content_type=TYPE, headers={"Content-Disposition": header}))


def no_store(response: HttpResponseBase) -> HttpResponseBase:
    """Disable caching and the buffering of proxies for `response`; return it."""
    response.headers["Cache-Control"] = "private, no-store"
    response.headers["X-Accel-Buffering"] = "no"
    return response


def _limit_sending(meta: dict[str, Any]) -> None:
    """Make a write fail after SEND_TIMEOUT, so that a client that does not read releases its thread."""
    connection = meta.get("gunicorn.socket")
    if connection is not None:
        connection.settimeout(SEND_TIMEOUT)
        # With the default the kernel accepts megabytes ahead of the client, and they cost calls to the platform.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
