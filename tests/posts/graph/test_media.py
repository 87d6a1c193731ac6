"""Media are what their bytes are, and what is stored of them is one upright JPEG, or the video as it was served."""

import hashlib
import io
import random
import struct
import zlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import av
import pillow_heif
import pytest
from av.stream import Disposition
from PIL import Image, ImageCms

from posts.graph import image_files, media
from posts.graph.media import (
    MediaUnavailable,
    NormalisedMedia,
    NotMedia,
    UnusableMedia,
    file_sha256,
    normalise,
    open_remote_media,
)
from tests.posts.graph.raw import answer, serving
from tests.services.sandbox import SandboxControl

CLIP = Path("dynamo/sandbox/clip.mp4").read_bytes()
ORIENTATION = 0x0112


@pytest.fixture(autouse=True)
def _loopback_is_public(settings: Any) -> None:
    settings.MEDIA_ALLOW_LOOPBACK = True


def encode(image: Image.Image, kind: str, **options: Any) -> bytes:
    into = io.BytesIO()
    image.save(into, kind, **options)
    return into.getvalue()


def picture(kind: str = "JPEG", size: tuple[int, int] = (32, 20), **options: Any) -> bytes:
    """Return an image with a red left half and a blue right half."""
    image = Image.new("RGB", size, "blue")
    image.paste("red", (0, 0, size[0] // 2, size[1]))
    return encode(image, kind, **options)


def with_orientation(orientation: int, size: tuple[int, int]) -> bytes:
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    exif[0x010F] = "Camera of Maria"
    return picture(size=size, exif=exif)


def look(body: bytes) -> NormalisedMedia:
    sha256, size = file_sha256(io.BytesIO(body))
    return normalise(io.BytesIO(body), size, sha256)


def stored(body: bytes) -> Image.Image:
    made = look(body)
    data = made.file.read()
    facts = made.facts
    assert (hashlib.sha256(data).hexdigest(), len(data), "image/jpeg") == (facts.sha256, facts.size, facts.content_type)
    image = Image.open(io.BytesIO(data))
    image.load()
    assert (image.format, image.size, dict(image.getexif())) == ("JPEG", (facts.width, facts.height), {})
    return image


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"quality": 40, "subsampling": 2}])
def test_plain_jpeg_is_kept_byte_for_byte(options: dict[str, Any]) -> None:
    body = picture(**options)
    made = look(body)
    assert (made.file.read(), made.changes, made.facts.extension) == (body, [], "jpg")


def test_jpeg_metadata_is_removed_without_encoding_again() -> None:
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    body = with_orientation(1, (320, 200)) + b"a motion photo's film"
    tagged = encode(Image.open(io.BytesIO(body)), "JPEG", quality="keep", icc_profile=srgb, comment=b"Maria")
    for source in (body, tagged):
        made = look(source)
        data = made.file.read()
        assert (made.changes, b"Maria" in data, b"motion" in data) == (["Removed metadata."], False, False)
        assert Image.open(io.BytesIO(data)).tobytes() == Image.open(io.BytesIO(source)).tobytes()


@pytest.mark.parametrize("orientation", range(2, 9))
def test_rotated_jpeg_is_stored_upright_m4(orientation: int) -> None:
    image = stored(with_orientation(orientation, (192, 108)))
    assert image.size == ((192, 108) if orientation < 5 else (108, 192))
    assert look(with_orientation(orientation, (192, 108))).changes == ["Turned upright."]


def test_rotated_jpeg_shows_what_a_viewer_shows_m4() -> None:
    image = stored(with_orientation(6, (192, 108))).convert("RGB")  # to be turned a quarter clockwise
    red, _, blue = image.getpixel((54, 10))
    assert (red > 200, blue < 50) == (True, True)


def test_mpo_is_its_first_picture_m2() -> None:
    second = Image.new("RGB", (64, 64), "green")
    body = encode(Image.open(io.BytesIO(picture(size=(64, 64)))), "MPO", save_all=True, append_images=[second])
    assert Image.open(io.BytesIO(body)).format == "MPO"
    image, changes = stored(body), look(body).changes
    assert changes[0] == "Kept the first picture of a file that contains several (MPO)."
    assert image.getpixel((5, 5))[0] > 200


def heic() -> bytes:
    file = io.BytesIO()
    pillow_heif.from_pillow(Image.new("RGB", (64, 48), "red")).save(file, quality=90)
    return file.getvalue()


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("PNG", picture("PNG")),
        ("WebP", picture("WEBP")),
        ("GIF", picture("GIF")),
        ("TIFF", picture("TIFF")),
        ("BMP", picture("BMP")),
        ("AVIF", picture("AVIF", (64, 48))),
        ("HEIC", heic()),
    ],
)
def test_other_images_become_jpeg_m11(name: str, body: bytes) -> None:
    image = stored(body)
    assert (image.getpixel((3, 3))[0] > 200, look(body).changes) == (True, [f"Converted from {name} to JPEG."])


def test_animation_becomes_a_still_and_is_stated_m10() -> None:
    frames = [Image.new("RGB", (40, 40), colour) for colour in ("red", "blue")]
    body = encode(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert "The animation is published as a still image: its first frame." in look(body).changes
    assert stored(body).convert("RGB").getpixel((9, 9))[0] > 200


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_transparency_becomes_white_and_is_stated(mode: str) -> None:
    image = Image.new("RGBA", (40, 40), (0, 0, 0, 0))
    body = encode(image.convert("LA") if mode == "LA" else image.quantize() if mode == "P" else image, "PNG")
    assert "Replaced the transparent background by white." in look(body).changes
    assert min(stored(body).convert("RGB").getpixel((9, 9))) > 250


def test_opaque_alpha_is_not_stated() -> None:
    assert look(encode(Image.new("RGBA", (9, 9), "red"), "PNG")).changes == ["Converted from PNG to JPEG."]


def test_sixteen_bits_keep_their_brightness() -> None:
    body = encode(Image.new("I;16", (40, 40), 32768), "PNG")
    assert 120 < stored(body).getpixel((9, 9)) < 136


def test_sixteen_bits_with_a_profile_keep_their_brightness_m11() -> None:
    body = encode(Image.new("I;16", (40, 40), 32768), "PNG", icc_profile=named_profile())
    assert "Converted the colours to sRGB." in look(body).changes
    assert 100 < stored(body).convert("L").getpixel((9, 9)) < 156


def named_profile() -> bytes:
    """Return the profile of sRGB under another name, so that colours are converted."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    return profile.replace("sRGB".encode("utf-16-be"), "xYGB".encode("utf-16-be"))


@pytest.mark.parametrize("kind", ["JPEG", "TIFF"])
def test_cmyk_becomes_rgb_and_is_stated_m4(kind: str) -> None:
    body = encode(Image.new("CMYK", (40, 40), (0, 255, 255, 0)), kind)
    assert stored(body).getpixel((9, 9))[0] > 200
    assert "Converted the colours from CMYK to RGB." in look(body).changes


def test_turned_tiff_is_stored_upright_and_is_stated_m4() -> None:
    body = picture("TIFF", (192, 108), tiffinfo={ORIENTATION: 6})
    assert stored(body).size == (108, 192)
    assert look(body).changes == ["Converted from TIFF to JPEG.", "Turned upright."]


@pytest.mark.parametrize(("kind", "name"), [("TIFF", "TIFF"), ("HEIF", "HEIC")])
def test_several_pictures_of_a_file_are_no_animation_m10(kind: str, name: str) -> None:
    body = encode(Image.new("RGB", (64, 48)), kind, save_all=True, append_images=[Image.new("RGB", (64, 48), "blue")])
    assert look(body).changes == [f"Converted from {name} to JPEG.", "Kept the first of several pictures."]


@pytest.mark.parametrize(
    ("kind", "share", "expected"),
    [
        ("PNG", 0.95, ["Converted", "Compressed to quality 8"]),
        ("PNG", 0.3, ["Converted", "Compressed to quality 80", "Scaled down from 400 by 300 to "]),
        ("JPEG", 0.95, ["Compressed to quality"]),
    ],
)
def test_jpeg_over_the_platforms_limit_is_made_to_fit_m11(
    monkeypatch: pytest.MonkeyPatch, kind: str, share: float, expected: list[str]
) -> None:
    texture = Image.frombytes("RGB", (400, 300), random.Random(1).randbytes(400 * 300 * 3))
    body = encode(texture, kind, **({"quality": 95} if kind == "JPEG" else {}))
    limit = int(len(look(body).file.read()) * share)
    monkeypatch.setattr(image_files, "JPEG_BYTES", limit)
    made = look(body)
    assert len(made.file.read()) <= limit
    assert [change[: len(start)] for change, start in zip(made.changes, expected, strict=True)] == expected
    assert stored(body).size == (made.facts.width, made.facts.height)


def test_other_colour_profile_is_converted_to_srgb() -> None:
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("XYZ")).tobytes()
    made = look(picture(icc_profile=lab))
    assert made.changes == ["Converted the colours to sRGB."]


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "WEBP", "TIFF", "HEIF", "AVIF"])
@pytest.mark.parametrize("share", [0.3, 0.5, 0.9])
def test_truncated_image_is_refused_m9(kind: str, share: float) -> None:
    noise = Image.effect_noise((400, 300), 90).convert("RGB")
    body = encode(noise, kind)
    with pytest.raises(MediaUnavailable, match="damaged or incomplete"):
        look(body[: int(len(body) * share)])


@pytest.mark.parametrize(
    "body", [b"\xff\xd8\xff\xe0\0\x10JFIF\0", b"\0\0\0\x18ftypheic" + bytes(20), b"BM" + bytes(30)]
)
def test_image_that_only_begins_is_damaged_m9(body: bytes) -> None:
    with pytest.raises(UnusableMedia, match="damaged or incomplete"):
        look(body)


@pytest.mark.parametrize(
    ("body", "name"),
    [
        (b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"/>', "SVG"),
        (b"<svg/>", "SVG"),
        (b"<!-- made by -->\n<svg>", "SVG"),
        (b"<?xml version='1.0'?><!DOCTYPE svg PUBLIC '-//W3C'>\n<svg>", "SVG"),
        (b"%PDF-1.7", "PDF"),
        (b"\x1a\x45\xdf\xa3\x01" + bytes(40), "WebM"),
        (b"RIFF\0\0\0\0AVI LIST", "AVI"),
        (b"OggS" + bytes(40), "Ogg"),
    ],
)
def test_unsupported_format_is_named_m7(body: bytes, name: str) -> None:
    with pytest.raises(MediaUnavailable, match=name) as caught:
        look(body)
    assert (caught.value.passing, isinstance(caught.value, NotMedia)) == (False, False)


@pytest.mark.parametrize("body", [b"", b"<html>login</html>", b"ID3\x03", b"<!----><!--" * 80, b'{"svg": "<svg>"}'])
def test_other_content_is_not_media(body: bytes) -> None:
    with pytest.raises(NotMedia, match="neither an image nor a video"):
        look(body)


def png_header(width: int, height: int) -> bytes:
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunk = struct.pack(">I", 13) + b"IHDR" + head + struct.pack(">I", zlib.crc32(b"IHDR" + head))
    return b"\x89PNG\r\n\x1a\n" + chunk + struct.pack(">I", 0) + b"IDAT" + b"\x35\xaf\x06\x1e"


@pytest.mark.parametrize("side", [9_000, 10_000, 60_000])
def test_decompression_bomb_is_refused(side: int) -> None:
    with pytest.raises(MediaUnavailable, match="more than 80 megapixels"):
        look(png_header(side, side))


def test_too_large_image_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(image_files, "IMAGE_BYTES", 100)
    with pytest.raises(MediaUnavailable, match="larger than"):
        look(picture("PNG") + b"\0" * 100)


# Videos


def film(
    *, audio_only: bool = False, kind: str = "mp4", size: tuple[int, int] = (64, 36), options: Any = None
) -> bytes:
    """Return half a second of video, or of sound alone."""
    file = io.BytesIO()
    with av.open(file, "w", format=kind, options=options) as container:
        if audio_only:
            stream: Any = container.add_stream("aac", rate=44100)
            frame: Any = av.AudioFrame(format="fltp", layout="mono", samples=1024)
            frame.sample_rate = 44100
            frame.planes[0].update(bytes(frame.planes[0].buffer_size))
            frames = [frame]
        else:
            stream = container.add_stream("mpeg4", rate=10)
            stream.width, stream.height = size
            frames = [av.VideoFrame.from_image(Image.new("RGB", size, "red")) for _ in range(5)]
        for item in frames:
            container.mux(stream.encode(item))
        container.mux(stream.encode(None))
    return file.getvalue()


def fragmented() -> bytes:
    return film(options={"movflags": "frag_keyframe+empty_moov"})


def sound_with_cover() -> bytes:
    """Return sound with a cover image, which is a video track, under the brand of a film."""
    file = io.BytesIO()
    with av.open(io.BytesIO(film(audio_only=True))) as source, av.open(file, "w", format="mp4") as container:
        sound = container.add_stream_from_template(source.streams.audio[0])
        cover: Any = container.add_stream("mjpeg", rate=1)
        cover.width, cover.height, cover.pix_fmt = 64, 48, "yuvj420p"
        cover.disposition = Disposition.attached_pic
        for packet in source.demux():
            if packet.size:
                packet.stream = sound
                container.mux(packet)
        container.mux(cover.encode(av.VideoFrame.from_image(Image.new("RGB", (64, 48)))))
    return file.getvalue()


def test_fragmented_video_is_measured() -> None:
    facts = look(fragmented()).facts
    assert (facts.width, facts.height) == (64, 36)


def test_video_of_an_unknown_codec_has_no_dimensions_m9() -> None:
    made = look(CLIP.replace(b"avc1", b"zzzz"))
    assert (made.facts.width, made.facts.height, made.facts.seconds, made.poster) == (None, None, 4.0, None)


def test_video_is_kept_and_measured_with_a_poster() -> None:
    made = look(CLIP)
    facts = made.facts
    assert (made.file.read() == CLIP, made.changes, facts.kind) == (True, [], "VIDEO")
    assert (facts.content_type, facts.width, facts.height, facts.seconds) == ("video/mp4", 360, 640, 4.0)
    assert Image.open(io.BytesIO(made.poster or b"")).size == (360, 640)


def test_large_poster_is_scaled_down() -> None:
    assert Image.open(io.BytesIO(look(film(size=(1280, 720))).poster or b"")).size == (640, 360)


def turned(data: bytes) -> bytes:
    """Return the film with a matrix in its track header that turns it a quarter clockwise."""
    upright = struct.pack(">9i", 65536, 0, 0, 0, 65536, 0, 0, 0, 1 << 30)
    quarter = struct.pack(">9i", 0, 65536, 0, -65536, 0, 0, 0, 0, 1 << 30)
    at = data.index(upright, data.index(b"tkhd"))
    return data[:at] + quarter + data[at + len(quarter) :]


def test_turned_video_is_measured_as_it_is_shown() -> None:
    made = look(turned(film()))
    assert (made.facts.width, made.facts.height) == (36, 64)
    assert Image.open(io.BytesIO(made.poster or b"")).size == (36, 64)


def without_brand(data: bytes) -> bytes:
    return data[int.from_bytes(data[:4]) :]


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda: film(kind="mov"), "video/quicktime"),
        (lambda: without_brand(film(kind="mov")), "video/quicktime"),
        (lambda: CLIP[:8] + b"3gp4" + CLIP[12:], "video/3gpp"),
    ],
)
def test_video_type_comes_from_its_bytes(make: Callable[[], bytes], expected: str) -> None:
    assert look(make()).facts.content_type == expected


def boxes(data: bytes) -> dict[bytes, bytes]:
    found, at = {}, 0
    while at + 8 <= len(data):
        size = int.from_bytes(data[at : at + 4])
        found[data[at + 4 : at + 8]] = data[at : at + size]
        at += size
    return found


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (lambda: b"".join(box for name, box in boxes(CLIP).items() if name != b"moov"), "no index"),
        (lambda: CLIP[:24], "no index"),
        (lambda: film(audio_only=True), "no video track"),
        (lambda: film(audio_only=True)[:8] + b"M4A " + film(audio_only=True)[12:], "no video track"),
        (sound_with_cover, "no video track"),
        (lambda: CLIP[: len(CLIP) // 2], "incomplete"),
        (lambda: fragmented()[: fragmented().index(b"moof") + 40], "incomplete"),
        (lambda: fragmented()[: fragmented().index(b"moof") - 4], "no pictures"),
        (lambda: b"".join(box for name, box in boxes(CLIP).items() if name != b"mdat"), "no pictures"),
    ],
)
def test_file_without_index_or_video_track_is_no_video_m9(make: Callable[[], bytes], problem: str) -> None:
    with pytest.raises(MediaUnavailable, match=problem):
        look(make())


def test_video_of_unknown_length_has_none_m9() -> None:
    moov = boxes(CLIP)[b"moov"]
    at = CLIP.index(b"mvhd", CLIP.index(moov)) + 4
    assert look(CLIP[: at + 16] + bytes(4) + CLIP[at + 20 :]).facts.seconds in {None, 4.0}  # the track's own may remain


def test_damaged_video_raises_nothing_else() -> None:
    for place in range(0, len(CLIP) - 4, 509):
        with suppress(MediaUnavailable):
            look(CLIP[:place] + b"\xff\xff\xff\xff" + CLIP[place + 4 :])


# Fetching


def test_open_remote_media_returns_content_hash_and_final_url_m3() -> None:
    body = picture()
    moved = answer(b"", "302 Found", "Location: /b.jpg?sig=1")
    with serving(moved, answer(body)) as server, open_remote_media(f"{server.url}/a") as fetched:
        assert (fetched.file.read(), fetched.size) == (body, len(body))
        assert fetched.sha256 == hashlib.sha256(body).hexdigest()
        assert fetched.final_url == f"{server.url}/b.jpg?sig=1"
    agent = next(line for line in server.requests[0].decode().splitlines() if line.startswith("User-Agent"))
    assert agent.startswith("User-Agent: Dynamo/0.3 (+http")


def refused(url: str) -> MediaUnavailable:
    with pytest.raises(MediaUnavailable) as caught, open_remote_media(url):
        pass
    return caught.value


def test_too_large_file_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(media, "VIDEO_BYTES", 1000)
    with serving(answer(b"\0" * 2000)) as server:
        assert "larger than" in str(refused(server.url))


def test_refusal_claims_only_what_was_seen_m7() -> None:
    with serving(answer(b"no", "403 Forbidden")) as server:
        error = refused(f"{server.url}/a.jpg?sig=hidden")
    assert (str(error), error.passing) == ("The server 127.0.0.1 answered 403", False)


def test_unreachable_host_may_be_retried() -> None:
    with serving() as server:
        url = server.url
    error = refused(f"{url}/a.jpg?sig=hidden")
    assert (error.passing, "hidden" in str(error)) == (True, False)


def test_media_of_the_sandbox_is_kept(sandbox: SandboxControl) -> None:
    with open_remote_media(sandbox.media("sunset.jpg")) as fetched:
        made = normalise(fetched.file, fetched.size, fetched.sha256)
    assert (made.facts.sha256, made.facts.width, made.facts.height) == (fetched.sha256, 1080, 1080)
