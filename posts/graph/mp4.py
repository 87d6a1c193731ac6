"""How long and how large a film is, read from the boxes of its file (ISO base media), without decoding anything.

A box is its size (4 bytes, or 8 after the name when the 4 say 1), its name, its content. `moov` holds `mvhd`, which
has the duration, and for each track `trak` with `tkhd`, which has width and height as 16.16 numbers and a matrix that
may turn the picture on its side.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

BOXES = 200  # on one level; a file that has more is not worth the time
TALLEST = 20_000  # pixels; more is no size but noise


@dataclass(frozen=True)
class VideoInfo:
    """Seconds and pixels, None for what the file does not say."""

    seconds: float | None = None
    width: int | None = None
    height: int | None = None


@dataclass(frozen=True)
class _Box:
    name: bytes
    start: int
    end: int


def read_mp4_info(file: IO[bytes], size: int) -> VideoInfo:
    """Return what the file says of itself. Never raises for what a file contains."""
    for box in _boxes(file, 0, size):
        if box.name == b"moov":
            return _movie(file, box)
    return VideoInfo()


def _movie(file: IO[bytes], movie: _Box) -> VideoInfo:
    seconds, found = None, VideoInfo()
    for box in _boxes(file, movie.start, movie.end):
        if box.name == b"mvhd":
            seconds = _seconds(_content(file, box, 32))
        elif box.name == b"trak" and found.width is None:
            found = _track(file, box)
    return VideoInfo(seconds, found.width, found.height)


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
    if not 0 < width <= TALLEST or not 0 < height <= TALLEST:
        return VideoInfo()
    on_its_side = a == 0 and b != 0
    return VideoInfo(None, height, width) if on_its_side else VideoInfo(None, width, height)


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
