"""Measures videos with PyAV (FFmpeg's libraries) without reading them into memory. Nothing is converted."""

from dataclasses import dataclass
from typing import IO

import av
from av.error import FFmpegError

from posts.graph.image_files import make_poster

LARGEST_SIDE = 20_000  # pixels; larger values are taken for garbage
MICROSECONDS = 1_000_000  # the unit of a container's duration
COVER = av.stream.Disposition.attached_pic
BOXES = 1000  # at the top level of a file
# The names of formats that are recognized and not supported, by a prefix of the file.
OTHER_VIDEOS = {
    b"\x1a\x45\xdf\xa3": "WebM or Matroska",
    b"OggS": "Ogg",
    b"FLV": "Flash video",
    b"\x30\x26\xb2\x75": "WMV",
}
IMAGE_BRANDS = {
    *(b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"mif2", b"msf1"),
    *(b"avif", b"avis", b"crx "),
}
QUICKTIME_BOXES = {b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot"}  # begin a QuickTime file without `ftyp`


class UnusableVideo(Exception):
    """The file is not a video that can be published; the message is for users."""


@dataclass(frozen=True)
class VideoFacts:
    """`width` and `height` in pixels as shown, `seconds`: None where unknown. `poster` is a JPEG of the first frame."""

    content_type: str
    width: int | None
    height: int | None
    seconds: float | None
    poster: bytes | None


def video_type(head: bytes) -> str:
    """Return the content type of a video by its first 16 bytes, empty for other files. Raises UnusableVideo."""
    for prefix, name in OTHER_VIDEOS.items():
        if head.startswith(prefix):
            raise UnusableVideo(f"{name} is not supported: use MP4 or MOV")
    if head[:4] == b"RIFF" and head[8:12] == b"AVI ":
        raise UnusableVideo("AVI is not supported: use MP4 or MOV")
    if head[4:8] in QUICKTIME_BOXES:
        return "video/quicktime"
    if head[4:8] != b"ftyp" or head[8:12] in IMAGE_BRANDS:
        return ""
    brand = head[8:12]
    if brand[:3] in {b"3gp", b"3g2"}:
        return "video/3gpp"
    return "video/quicktime" if brand == b"qt  " else "video/mp4"


def measure(file: IO[bytes], size: int, content_type: str) -> VideoFacts:
    """Return the facts of the video in `file`. Raises UnusableVideo without an index (moov) or a video track."""
    if _is_cut_off(file, size):
        raise UnusableVideo("The video is incomplete: the file ends before its content does")
    file.seek(0)
    try:
        # The format is fixed: FFmpeg would try others, some of which refer to further files.
        with av.open(file, mode="r", format="mov", metadata_errors="ignore") as container:
            # The cover of a song is a video stream of one picture.
            films = [stream for stream in container.streams.video if not stream.disposition & COVER]
            facts = _read_facts(container, films[0], content_type) if films else None
    except (FFmpegError, OSError, ValueError):
        raise UnusableVideo("The file is not a video: it has no index that can be read (moov)") from None
    if facts is None:
        raise UnusableVideo("The file is not a video: it has no video track")
    return facts


def _read_facts(container: av.container.InputContainer, stream: av.VideoStream, content_type: str) -> VideoFacts:
    duration = container.duration or 0
    seconds = round(duration / MICROSECONDS, 3) if duration > 0 else None
    stream.thread_type = "NONE"
    width, height = stream.width, stream.height
    poster, is_rotated = None, False
    if 0 < width <= LARGEST_SIDE and 0 < height <= LARGEST_SIDE:
        try:
            frame = next(container.decode(stream), None)
            if frame is not None:
                image = frame.to_image()  # type: ignore[no-untyped-call]
                turned = int(frame.rotation) % 360
                is_rotated = turned in {90, 270}
                poster = make_poster(image.rotate(turned, expand=True) if turned else image)
        except (FFmpegError, OSError, ValueError, MemoryError):
            poster = None  # a codec that is not decoded here
    else:
        return VideoFacts(content_type, None, None, seconds, None)
    if is_rotated:
        width, height = height, width
    return VideoFacts(content_type, width, height, seconds, poster)


def _is_cut_off(file: IO[bytes], size: int) -> bool:
    """Whether the file ends inside its media data or its index: boxes are their size, their name, their content."""
    at = 0
    for _ in range(BOXES):
        file.seek(at)
        head = file.read(16)
        if len(head) < 8:
            return False
        length = int.from_bytes(head[:4])
        if length == 1 and len(head) == 16:
            length = int.from_bytes(head[8:16])
        if length == 0:
            return False  # it reaches to the end of the file
        if at + length > size:
            return head[4:8] in {b"mdat", b"moov", b"moof"}
        if length < 8:
            return False
        at += length
    return False
