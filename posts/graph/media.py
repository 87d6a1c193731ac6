"""Fetches the media behind a URL and inspects it: hash, type, size. Only the bytes count; headers are not trusted.

The size and duration of a video are read from the boxes of its file (ISO base media) without decoding. A box is its
size (4 bytes; if they contain 1, 8 bytes after the name), its name and its content. `moov` contains `mvhd`, which has
the duration, and for each track `trak` with `tkhd`, which has width and height as 16.16 numbers and a matrix that may
rotate the picture.
"""

import struct
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, NamedTuple

from PIL import Image

from posts.graph.safe_http import FetchError, fetch

IMAGE_BYTES = 10 * 1024**2
VIDEO_BYTES = 1024**3  # the older of Instagram's two limits; the platform enforces its own
PIXELS = 80_000_000  # below the number from which Pillow itself warns of a bomb
FORMATS = {"JPEG": "image/jpeg", "MPO": "image/jpeg", "PNG": "image/png", "GIF": "image/gif", "WEBP": "image/webp"}
BOXES = 200  # per level; the rest of the file is not read
LARGEST_SIDE = 20_000  # pixels; larger values are taken for garbage


class MediaUnavailable(FetchError):
    """The media could not be fetched or is not usable; the message is for users. `passing`: a retry may succeed."""


@dataclass(frozen=True)
class MediaFacts:
    """`size` in bytes, `width` and `height` in pixels, `seconds` of a video; None where the file has no value."""

    sha256: str
    content_type: str
    size: int
    width: int | None
    height: int | None
    seconds: float | None = None


def inspect(url: str) -> MediaFacts:
    with open_remote_media(url) as (_, facts):
        return facts


@contextmanager
def open_remote_media(url: str) -> Iterator[tuple[IO[bytes], MediaFacts]]:
    """Fetch the media into a file, at its first byte, and inspect it. Raises MediaUnavailable."""
    with tempfile.SpooledTemporaryFile(max_size=IMAGE_BYTES) as file:
        try:
            sha256 = fetch(url, file, cap=VIDEO_BYTES)
        except FetchError as error:
            raise MediaUnavailable(str(error), passing=error.passing) from None
        size = file.tell()
        facts = _inspect_file(file, size, sha256)
        file.seek(0)
        yield file, facts


def _inspect_file(file: IO[bytes], size: int, sha256: str) -> MediaFacts:
    file.seek(0)
    head = file.read(16)
    if content_type := video_type(head):
        video = read_mp4_info(file, size)
        return MediaFacts(sha256, content_type, size, video.width, video.height, video.seconds)
    if size > IMAGE_BYTES:
        raise MediaUnavailable(f"The image is larger than {IMAGE_BYTES // 1024**2} MiB", passing=False)
    file.seek(0)
    content_type, width, height = _read_image_header(file)
    return MediaFacts(sha256, content_type, size, width, height)


def video_type(head: bytes) -> str:
    """Return the content type of a video by its first 16 bytes (ISO base media: size, "ftyp", brand), else ""."""
    if head[4:8] != b"ftyp":
        return ""
    brand = head[8:12]
    if brand in {b"heic", b"heix", b"mif1", b"msf1", b"avif", b"avis", b"crx "}:
        return ""
    return "video/quicktime" if brand == b"qt  " else "video/mp4"


def _read_image_header(file: IO[bytes]) -> tuple[str, int, int]:
    """Return content type, width and height from the image's header. Nothing is decompressed."""
    try:
        with Image.open(file, formats=("JPEG", "PNG", "GIF", "WEBP")) as image:
            kind, (width, height) = FORMATS[image.format or ""], image.size
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        kind, width, height = "", PIXELS, PIXELS
    except Exception:  # noqa: BLE001  a hostile file can make a decoder raise anything
        raise MediaUnavailable("The media is neither an image nor a video", passing=False) from None
    if width * height > PIXELS:
        raise MediaUnavailable(f"The image has more than {PIXELS // 1_000_000} megapixels", passing=False)
    return kind, width, height


@dataclass(frozen=True)
class VideoInfo:
    """`seconds`, and `width` and `height` in pixels; None where the file does not contain them."""

    seconds: float | None = None
    width: int | None = None
    height: int | None = None


class _Box(NamedTuple):
    name: bytes
    start: int
    end: int


def read_mp4_info(file: IO[bytes], size: int) -> VideoInfo:
    """Return duration and size. Never raises for any content of the file."""
    for box in _boxes(file, 0, size):
        if box.name == b"moov":
            return _movie(file, box)
    return VideoInfo()


def _movie(file: IO[bytes], movie: _Box) -> VideoInfo:
    seconds, size = None, VideoInfo()
    for box in _boxes(file, movie.start, movie.end):
        if box.name == b"mvhd":
            seconds = _seconds(_content(file, box, 32))
        elif box.name == b"trak" and size.width is None:
            size = _track(file, box)
    return VideoInfo(seconds, size.width, size.height)


def _track(file: IO[bytes], track: _Box) -> VideoInfo:
    for box in _boxes(file, track.start, track.end):
        if box.name == b"tkhd":
            return _size(_content(file, box, 96))
    return VideoInfo()


def _seconds(head: bytes) -> float | None:
    """`mvhd`: version, flags, two times, time scale, duration; version 1 has 8-byte times and duration."""
    layout, at = (">IQ", 20) if head[:1] == b"\1" else (">II", 12)
    if len(head) < at + struct.calcsize(layout):
        return None
    scale, duration = struct.unpack_from(layout, head, at)
    unknown = 2**64 - 1 if head[:1] == b"\1" else 2**32 - 1
    return round(duration / scale, 3) if scale and 0 < duration < unknown else None


def _size(head: bytes) -> VideoInfo:
    """`tkhd`: the matrix and then width and height end the box, 36 and 8 bytes; an audio track has 0 by 0."""
    at = 52 if head[:1] == b"\1" else 40
    if len(head) < at + 44:
        return VideoInfo()
    a, b = struct.unpack_from(">ii", head, at)
    width, height = (value >> 16 for value in struct.unpack_from(">II", head, at + 36))
    if not 0 < width <= LARGEST_SIDE or not 0 < height <= LARGEST_SIDE:
        return VideoInfo()
    is_rotated = a == 0 and b != 0
    return VideoInfo(None, height, width) if is_rotated else VideoInfo(None, width, height)


def _content(file: IO[bytes], box: _Box, most: int) -> bytes:
    file.seek(box.start)
    return file.read(min(most, box.end - box.start))


def _boxes(file: IO[bytes], at: int, end: int) -> Iterator[_Box]:
    for _ in range(BOXES):
        if at + 8 > end:
            return
        file.seek(at)
        head = file.read(16)
        if len(head) < 8:
            return
        size, start = int.from_bytes(head[:4]), at + 8
        if size == 1 and len(head) == 16:
            size, start = int.from_bytes(head[8:16]), at + 16
        elif size == 0:  # to the end of the file
            size = end - at
        if size < start - at or at + size > end:
            return
        yield _Box(head[4:8], start, at + size)
        at += size
