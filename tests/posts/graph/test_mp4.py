"""Duration and size of videos from their boxes, and files that must not fail or block the worker."""

import io
import random
import struct
from pathlib import Path

import pytest

from posts.graph.media import VideoInfo, read_mp4_info

CLIP = Path("dynamo/sandbox/clip.mp4").read_bytes()


def box(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", 8 + len(content)) + name + content


def movie(*, scale: int = 1000, duration: int = 12_500, version: int = 0, turned: bool = False) -> bytes:
    times, layout = (16, ">IQ") if version else (8, ">II")
    mvhd = box(b"mvhd", bytes([version, 0, 0, 0]) + bytes(times) + struct.pack(layout, scale, duration) + bytes(80))
    matrix = (
        struct.pack(">9i", 0, 65536, 0, -65536, 0, 0, 0, 0, 1 << 30)
        if turned
        else struct.pack(">9i", 65536, 0, 0, 0, 65536, 0, 0, 0, 1 << 30)
    )
    before = (32 if version else 20) + 16
    tkhd = bytes([version, 0, 0, 7]) + bytes(before) + matrix + struct.pack(">II", 1920 << 16, 1080 << 16)
    silent = bytes(4) + bytes(20 + 16) + matrix + bytes(8)
    return box(b"moov", mvhd + box(b"trak", box(b"tkhd", silent)) + box(b"trak", box(b"tkhd", tkhd)))


def look(data: bytes) -> VideoInfo:
    return read_mp4_info(io.BytesIO(data), len(data))


def test_mp4_of_the_sandbox_is_measured() -> None:
    assert look(CLIP) == VideoInfo(4.0, 360, 640)


@pytest.mark.parametrize("version", [0, 1])
def test_mp4_header_versions_after_the_data_are_read(version: int) -> None:
    assert look(box(b"ftyp", b"isom") + box(b"mdat", bytes(500)) + movie(version=version)) == VideoInfo(
        12.5, 1920, 1080
    )


def test_mp4_rotation_swaps_width_and_height() -> None:
    assert look(movie(turned=True)) == VideoInfo(12.5, 1080, 1920)


def test_mp4_long_and_open_box_sizes_are_read() -> None:
    large = struct.pack(">I4sQ", 1, b"mdat", 16 + 100) + bytes(100)
    last = struct.pack(">I", 0) + movie()[4:]
    assert look(large + last) == VideoInfo(12.5, 1920, 1080)


@pytest.mark.parametrize(("scale", "duration"), [(0, 5), (1000, 0), (1000, 2**32 - 1)])
def test_mp4_unset_duration_is_none(scale: int, duration: int) -> None:
    assert look(movie(scale=scale, duration=duration)).seconds is None


@pytest.mark.parametrize("data", [b"", b"\0" * 7, b"\0\0\0\1moov", b"\xff" * 64, bytes(4096), box(b"free", b"") * 5000])
def test_mp4_of_other_content_is_empty(data: bytes) -> None:
    assert look(data) == VideoInfo()


def test_mp4_damaged_file_never_raises() -> None:
    chance = random.Random(7)
    for _ in range(2000):
        damaged = bytearray(CLIP[: chance.randrange(40, 4300)])
        for _ in range(chance.randrange(1, 6)):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        found = look(bytes(damaged))
        assert found.width is None or 0 < found.width <= 20_000
