"""Media are what their bytes are."""

import hashlib
import io
import struct
import zlib
from typing import Any

import pytest
from PIL import Image

from posts.graph import media
from posts.graph.media import MediaUnavailable, inspect, open_remote_media
from tests.posts.graph.raw import answer, serving
from tests.services.sandbox import SandboxControl


@pytest.fixture(autouse=True)
def _loopback_is_public(settings: Any) -> None:
    settings.MEDIA_ALLOW_LOOPBACK = True


def image(kind: str) -> bytes:
    into = io.BytesIO()
    Image.new("RGB", (32, 20), "teal").save(into, kind)
    return into.getvalue()


def look(body: bytes, *headers: str) -> media.MediaFacts:
    with serving(answer(body, "200 OK", *headers)) as server:
        return inspect(f"{server.url}/a")


@pytest.mark.parametrize(
    ("kind", "expected"), [("JPEG", "image/jpeg"), ("PNG", "image/png"), ("GIF", "image/gif"), ("WEBP", "image/webp")]
)
def test_inspect_image_type_comes_from_its_bytes(kind: str, expected: str) -> None:
    body = image(kind)
    facts = look(body, "Content-Type: video/mp4")
    assert facts == media.MediaFacts(hashlib.sha256(body).hexdigest(), expected, len(body), 32, 20)


@pytest.mark.parametrize(
    ("brand", "expected"), [(b"isom", "video/mp4"), (b"mp42", "video/mp4"), (b"qt  ", "video/quicktime")]
)
def test_inspect_video_type_comes_from_its_bytes(brand: bytes, expected: str) -> None:
    body = struct.pack(">I", 16) + b"ftyp" + brand + b"\0" * 100
    facts = look(body, "Content-Type: image/jpeg")
    assert (facts.content_type, facts.size, facts.width) == (expected, len(body), None)


@pytest.mark.parametrize(
    "body", [b"", b"<html>login</html>", b"\0\0\0\x18ftypheic" + b"\0" * 20, b"\xff\xd8\xff", b"%PDF-1.7"]
)
def test_inspect_other_content_is_refused(body: bytes) -> None:
    with pytest.raises(MediaUnavailable, match="neither an image nor a video") as caught:
        look(body, "Content-Type: image/jpeg")
    assert not caught.value.passing


def png_header(width: int, height: int) -> bytes:
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunk = struct.pack(">I", 13) + b"IHDR" + head + struct.pack(">I", zlib.crc32(b"IHDR" + head))
    return b"\x89PNG\r\n\x1a\n" + chunk + struct.pack(">I", 0) + b"IDAT" + b"\x35\xaf\x06\x1e"


@pytest.mark.parametrize("side", [9_000, 10_000, 60_000])
def test_inspect_decompression_bomb_is_refused(side: int) -> None:
    with pytest.raises(MediaUnavailable, match="more than 80 megapixels"):
        look(png_header(side, side))


def test_inspect_too_large_image_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(media, "IMAGE_BYTES", 100)
    with pytest.raises(MediaUnavailable, match="larger than"):
        look(image("PNG") + b"\0" * 100)


def test_inspect_too_large_video_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(media, "VIDEO_BYTES", 1000)
    with pytest.raises(MediaUnavailable, match="larger than"):
        look(b"\0\0\0\x10ftypisom" + b"\0" * 2000)


def test_inspect_returns_hash_type_and_size(sandbox: SandboxControl) -> None:
    with open_remote_media(sandbox.media("sunset.jpg")) as (file, facts):
        body = file.read()
    assert (hashlib.sha256(body).hexdigest(), len(body)) == (facts.sha256, facts.size)
    assert (facts.content_type, facts.width, facts.height) == ("image/jpeg", 1080, 1080)
    assert inspect(sandbox.media("sunset.jpg", 2)).sha256 != facts.sha256
    assert inspect(sandbox.media("film.mp4")).content_type == "video/mp4"


def test_inspect_unreachable_host_may_be_retried() -> None:
    with serving() as server:
        url = server.url
    with pytest.raises(MediaUnavailable) as caught:
        inspect(f"{url}/a.jpg?sig=hidden")
    assert (caught.value.passing, "hidden" in str(caught.value)) == (True, False)
