"""Fetches media and makes of it the one copy that is stored, shown and published. Only its bytes decide what it is."""

import hashlib
import io
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import IO

from posts.graph import image_files, video_files
from posts.graph.safe_http import FetchError, fetch

VIDEO_BYTES = 1024**3  # the older of Instagram's two limits; the platform enforces its own
MEMORY_BYTES = 4 * 1024**2  # a larger file is on disk while it is inspected
CHUNK = 1 << 20
EXTENSIONS = {"image/jpeg": "jpg", "video/mp4": "mp4", "video/quicktime": "mov", "video/3gpp": "3gp"}
CONTENT_TYPES = {extension: content_type for content_type, extension in EXTENSIONS.items()}
# The names of formats that are recognized and not supported, by a prefix of the file.
OTHER_FORMATS = {b"%PDF": "PDF", b"8BPS": "Photoshop (PSD)", b"PK\x03\x04": "A ZIP archive"}
SVG = re.compile(
    rb"(?:\xef\xbb\xbf|\s|<!--(?:(?!-->).)*-->|<\?[^>]*>|<!doctype\s+svg[^>]*>)*<svg[\s>/]", re.IGNORECASE | re.DOTALL
)


class MediaUnavailable(FetchError):
    """The media could not be fetched or is not usable; the message is for users. `passing`: a retry may succeed."""


class UnusableMedia(MediaUnavailable):
    """The content cannot be published, as media or as a link."""


class NotMedia(UnusableMedia):
    """The content is neither an image nor a video: a web page for example."""


@dataclass(frozen=True)
class MediaFacts:
    """`size` in bytes, `width` and `height` in pixels, `seconds` of a video; None where the file has no value."""

    sha256: str
    content_type: str
    size: int
    width: int | None
    height: int | None
    seconds: float | None = None

    @property
    def kind(self) -> str:
        """IMAGE or VIDEO, as in `mediaType`."""
        return "VIDEO" if self.content_type.startswith("video/") else "IMAGE"

    @property
    def extension(self) -> str:
        return EXTENSIONS[self.content_type]


@dataclass(frozen=True)
class FetchedMedia:
    """The content of a URL in `file`, at its first byte. `final_url` is that of the last redirect.

    `content_type` is what the server states, which can be wrong.
    """

    file: IO[bytes]
    sha256: str
    size: int
    final_url: str
    content_type: str


@dataclass(frozen=True)
class NormalisedMedia:
    """What is stored of a file: its bytes, at the first one, with their facts.

    `changes` are sentences that state how they differ from the file; `poster` is a small JPEG of them, for lists.
    """

    file: IO[bytes]
    facts: MediaFacts
    changes: list[str] = field(default_factory=list)
    poster: bytes | None = None


@contextmanager
def open_remote_media(url: str) -> Iterator[FetchedMedia]:
    """Fetch the content of `url` into a temporary file. Raises MediaUnavailable."""
    with tempfile.SpooledTemporaryFile(max_size=MEMORY_BYTES) as file:
        try:
            fetched = fetch(url, file, cap=VIDEO_BYTES)
        except FetchError as error:
            raise MediaUnavailable(str(error), passing=error.passing) from None
        size = file.tell()
        file.seek(0)
        yield FetchedMedia(file, fetched.sha256, size, fetched.url, fetched.content_type)


def normalise(file: IO[bytes], size: int, sha256: str) -> NormalisedMedia:
    """Return what to store of a file of `size` bytes with this hash. Raises UnusableMedia; NotMedia for a page."""
    file.seek(0)
    head = file.read(1024)
    try:
        if content_type := video_files.video_type(head[:16]):
            video = video_files.measure(file, size, content_type)
            file.seek(0)
            facts = MediaFacts(sha256, content_type, size, video.width, video.height, video.seconds)
            return NormalisedMedia(file, facts, poster=video.poster)
        _refuse_other_format(head)
        image = image_files.normalise(file, size)
    except (image_files.UnusableImage, video_files.UnusableVideo) as error:
        raise UnusableMedia(str(error), passing=False) from None
    if image is None:
        raise NotMedia("The media is neither an image nor a video", passing=False)
    facts = MediaFacts(hashlib.sha256(image.data).hexdigest(), "image/jpeg", len(image.data), image.width, image.height)
    return NormalisedMedia(io.BytesIO(image.data), facts, image.changes, image.poster)


def file_sha256(file: IO[bytes]) -> tuple[str, int]:
    """Return the SHA-256 in hex and the size of a file, and go to its first byte."""
    hashed, size = hashlib.sha256(), 0
    file.seek(0)
    while chunk := file.read(CHUNK):
        hashed.update(chunk)
        size += len(chunk)
    file.seek(0)
    return hashed.hexdigest(), size


def _refuse_other_format(head: bytes) -> None:
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    names = [name for prefix, name in OTHER_FORMATS.items() if text.startswith(prefix)]
    if names or SVG.match(head):
        name = names[0] if names else "SVG"
        raise UnusableMedia(f"{name} is not an image or video that can be published", passing=False)
