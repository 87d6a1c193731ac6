"""What is behind a media URL: its bytes, their hash, and what they really are. The sender's headers prove nothing."""

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
    """The media cannot be had or used; the message says why. `passing`: a later try may succeed."""

    def __init__(self, message: str, *, passing: bool) -> None:
        super().__init__(message)
        self.passing = passing


@dataclass(frozen=True)
class MediaFacts:
    """`size` in bytes, `width` and `height` in pixels, `seconds` of a film; None for what the file does not say."""

    sha256: str
    content_type: str
    size: int
    width: int | None
    height: int | None
    seconds: float | None = None


def inspect(url: str) -> MediaFacts:
    """Fetch the media and return what it is. Raises MediaUnavailable."""
    with open_remote_media(url) as (_, facts):
        return facts


def download(url: str) -> tuple[bytes, MediaFacts]:
    """Return a picture's bytes with what they are. Raises MediaUnavailable, also for anything but a picture."""
    with open_remote_media(url) as (file, facts):
        if not facts.content_type.startswith("image/"):
            raise MediaUnavailable("The media is not a picture", passing=False)
        return file.read(), facts


@contextmanager
def open_remote_media(url: str) -> Iterator[tuple[IO[bytes], MediaFacts]]:
    """Fetch the media into a file, in memory while it is as small as a picture; give it from its first byte on."""
    with tempfile.SpooledTemporaryFile(max_size=IMAGE_BYTES) as file:
        try:
            sha256 = fetch(url, file, cap=VIDEO_BYTES)
        except FetchError as error:
            raise MediaUnavailable(str(error), passing=error.passing) from None
        size = file.tell()
        facts = _look(file, size, sha256)
        file.seek(0)
        yield file, facts


def _look(file: IO[bytes], size: int, sha256: str) -> MediaFacts:
    file.seek(0)
    head = file.read(16)
    if video := video_type(head):
        film = mp4.read_mp4_info(file, size)
        return MediaFacts(sha256, video, size, film.width, film.height, film.seconds)
    if size > IMAGE_BYTES:
        raise MediaUnavailable(f"The picture is larger than {IMAGE_BYTES // 1024**2} MiB", passing=False)
    file.seek(0)
    content_type, width, height = _measure(file)
    return MediaFacts(sha256, content_type, size, width, height)


def video_type(head: bytes) -> str:
    """Return the type of a video by its first 16 bytes (ISO base media: size, "ftyp", brand), empty for none."""
    if head[4:8] != b"ftyp":
        return ""
    brand = head[8:12]
    if brand in {b"heic", b"heix", b"mif1", b"msf1", b"avif", b"avis", b"crx "}:
        return ""
    return "video/quicktime" if brand == b"qt  " else "video/mp4"


def _measure(file: IO[bytes]) -> tuple[str, int, int]:
    """Return type, width and height by the picture's header alone: nothing is decompressed."""
    try:
        with Image.open(file, formats=("JPEG", "PNG", "GIF", "WEBP")) as image:
            kind, (width, height) = FORMATS[image.format or ""], image.size
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        kind, width, height = "", PIXELS, PIXELS
    except Exception:  # noqa: BLE001  a hostile file can make a decoder raise anything
        raise MediaUnavailable("The media is neither a picture nor a video", passing=False) from None
    if width * height > PIXELS:
        raise MediaUnavailable(f"The picture has more than {PIXELS // 1_000_000} megapixels", passing=False)
    return kind, width, height
