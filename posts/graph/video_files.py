"""Measures videos with PyAV (FFmpeg's libraries) without reading them into memory. Nothing is converted."""

from contextlib import suppress
from dataclasses import dataclass
from typing import IO

import av
from av.error import FFmpegError
from av.stream import Disposition

from posts.graph.image_files import make_poster

NO_VIDEO = "The file is not a video: it has no video track"
LARGEST_SIDE = 20_000  # pixels; larger values are taken for garbage
MICROSECONDS = 1_000_000  # the unit of a container's duration
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
SOUND_BRANDS = {b"M4A ", b"M4B ", b"M4P "}
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
    if brand in SOUND_BRANDS:
        raise UnusableVideo(NO_VIDEO)
    if brand[:3] in {b"3gp", b"3g2"}:
        return "video/3gpp"
    return "video/quicktime" if brand == b"qt  " else "video/mp4"


def measure(file: IO[bytes], size: int, content_type: str) -> VideoFacts:
    """Return the facts of the video in `file`. Raises UnusableVideo without an index (moov), a video track or data."""
    if _is_cut_off(file, size):
        raise UnusableVideo("The video is incomplete: the file ends before its content does")
    file.seek(0)
    try:
        # The format is fixed: FFmpeg would try others, some of which refer to further files.
        with av.open(file, mode="r", format="mov", metadata_errors="ignore") as container:
            # A cover image of a sound file is a video track with one picture.
            streams = [item for item in container.streams.video if not item.disposition & Disposition.attached_pic]
            facts = _read_facts(container, streams[0], content_type) if streams else None
    except (FFmpegError, OSError, ValueError):
        raise UnusableVideo("The file is not a video: it has no index that can be read (moov)") from None
    if facts is None:
        raise UnusableVideo(NO_VIDEO)
    return facts


def _read_facts(container: av.container.InputContainer, stream: av.VideoStream, content_type: str) -> VideoFacts:
    duration = container.duration or 0
    seconds = round(duration / MICROSECONDS, 3) if duration > 0 else None
    codec: av.VideoCodecContext | None = stream.codec_context  # None for a codec that FFmpeg does not know
    width, height = (codec.width, codec.height) if codec else (0, 0)
    is_measured = 0 < width <= LARGEST_SIDE and 0 < height <= LARGEST_SIDE
    if codec:
        codec.thread_type = "NONE"
    poster, has_data = None, False
    with suppress(FFmpegError, OSError, ValueError, MemoryError):  # a codec that is not decoded here
        for packet in container.demux(stream):
            has_data = has_data or packet.size > 0
            if not is_measured:
                break
            if frames := packet.decode():
                image = frames[0].to_image()  # type: ignore[no-untyped-call]
                if turned := int(frames[0].rotation) % 360:
                    image = image.rotate(turned, expand=True)
                if turned in {90, 270}:
                    width, height = height, width
                poster = make_poster(image)
                break
    if not has_data:
        raise UnusableVideo("The video is incomplete: it contains no pictures")
    if not is_measured:
        return VideoFacts(content_type, None, None, seconds, None)
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
