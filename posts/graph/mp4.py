"""Duration and size of a video, read from the boxes of its file (ISO base media) without decoding.

A box is its size (4 bytes; if they contain 1, 8 bytes after the name), its name and its content. `moov` contains
`mvhd`, which has the duration, and for each track `trak` with `tkhd`, which has width and height as 16.16 numbers and a
matrix that may rotate the picture.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

BOXES = 200  # per level; the rest of the file is not read
LARGEST_SIDE = 20_000  # pixels; larger values are taken for garbage


@dataclass(frozen=True)
class VideoInfo:
    """`seconds`, and `width` and `height` in pixels; None where the file does not contain them."""

    seconds: float | None = None
    width: int | None = None
    height: int | None = None


@dataclass(frozen=True)
class _Box:
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
