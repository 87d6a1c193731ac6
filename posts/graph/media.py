"""Fetches the media behind a URL and inspects it: hash, type, size. Only the bytes count; headers are not trusted."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO

from PIL import Image

from posts.graph import mp4
from posts.graph.safe_http import FetchError, fetch

IMAGE_BYTES = 10 * 1024**2
VIDEO_BYTES = 1024**3  # the older of Instagram's two limits; the platform enforces its own
PIXELS = 80_000_000  # below the number from which Pillow itself warns of a bomb
FORMATS = {"JPEG": "image/jpeg", "MPO": "image/jpeg", "PNG": "image/png", "GIF": "image/gif", "WEBP": "image/webp"}


class MediaUnavailable(Exception):
    """The media could not be fetched or is not usable; the message is for users. `passing`: a retry may succeed."""

    def __init__(self, message: str, *, passing: bool) -> None:
        super().__init__(message)
        self.passing = passing


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
    """Fetch the media and return its facts. Raises MediaUnavailable."""
    with open_remote_media(url) as (_, facts):
        return facts


def download(url: str) -> tuple[bytes, MediaFacts]:
    """Return an image's bytes and facts. Raises MediaUnavailable, also for anything but an image."""
    with open_remote_media(url) as (file, facts):
        if not facts.content_type.startswith("image/"):
            raise MediaUnavailable("The media is not an image", passing=False)
        return file.read(), facts


@contextmanager
def open_remote_media(url: str) -> Iterator[tuple[IO[bytes], MediaFacts]]:
    """Fetch the media into a file, at its first byte, and inspect it. Up to IMAGE_BYTES the file stays in memory.

    Raises MediaUnavailable.
    """
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
        video = mp4.read_mp4_info(file, size)
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
