"""The responses of `/media/<name>.jpg|png|mp4` and `/stored/<sha256>`, and the platform's fetch of a media URL."""

import hashlib
import io
import re
from functools import lru_cache
from pathlib import Path
from urllib.parse import urlsplit

import requests
from PIL import Image, ImageDraw

from dynamo.sandbox import errors
from dynamo.sandbox.errors import Refusal
from dynamo.sandbox.http import Request, Response, not_found
from dynamo.sandbox.state import SandboxContext

Colour = tuple[int, int, int]
CLIP = Path(__file__).with_name("clip.mp4").read_bytes()
# Light and dark ground, and the colour of the ellipses.
GROUNDS: list[tuple[Colour, Colour, Colour]] = [
    ((250, 214, 165), (207, 92, 54), (122, 40, 36)),
    ((255, 224, 189), (226, 122, 97), (139, 52, 72)),
    ((247, 231, 190), (214, 158, 46), (133, 77, 14)),
    ((255, 210, 176), (239, 131, 84), (88, 49, 64)),
    ((244, 222, 200), (190, 110, 80), (84, 52, 46)),
    ((255, 232, 205), (244, 162, 97), (168, 66, 63)),
    ((252, 220, 200), (214, 93, 106), (92, 33, 72)),
    ((249, 236, 204), (233, 163, 104), (120, 72, 50)),
]
RINGS = 7


@lru_cache(maxsize=64)
def picture(name: str, version: int, width: int, height: int, kind: str) -> bytes:
    """Draw concentric ellipses on a ground of two warm tones. `kind` is JPEG or PNG; about 40 ms at 1080 x 1080."""
    seed = hashlib.sha256(f"{name}\n{version}".encode()).digest()
    light, deep, tone = GROUNDS[seed[0] % len(GROUNDS)]
    image = _ground(light, deep, (width, height), flipped=bool(seed[1] & 1))
    veil = Image.new("L", (width, height), 0)
    draw = ImageDraw.Draw(veil)
    centre = (width * (0.34 + seed[2] / 255 * 0.32), height * (0.34 + seed[3] / 255 * 0.32))
    wide, high = width * (0.44 + seed[4] / 255 * 0.18), height * (0.44 + seed[5] / 255 * 0.18)
    for ring in range(RINGS):
        share = 1 - ring / RINGS
        box = (
            centre[0] - wide * share, centre[1] - high * share, centre[0] + wide * share, centre[1] + high * share,
        )  # fmt: skip
        draw.ellipse(box, fill=18 + ring * 24 if ring % 2 == 0 else 8 + ring * 14)
    # Scaling to half the size and back smooths the edges, faster than drawing larger.
    soft = veil.resize((max(1, width // 2), max(1, height // 2)), Image.Resampling.BOX)
    image.paste(tone, mask=soft.resize((width, height), Image.Resampling.BICUBIC))
    out = io.BytesIO()
    image.save(out, kind, **({"quality": 86} if kind == "JPEG" else {"compress_level": 1}))
    return out.getvalue()


def _ground(light: Colour, deep: Colour, size: tuple[int, int], *, flipped: bool) -> Image.Image:
    """Draw a diagonal gradient of the two tones by enlarging a picture of 2 x 2 pixels."""
    middle: Colour = ((light[0] + deep[0]) // 2, (light[1] + deep[1]) // 2, (light[2] + deep[2]) // 2)
    corners = [middle, light, deep, middle] if flipped else [light, middle, middle, deep]
    small = Image.new("RGB", (2, 2))
    for place, colour in enumerate(corners):
        small.putpixel((place % 2, place // 2), colour)
    return small.resize(size, Image.Resampling.BILINEAR, box=(0.5, 0.5, 1.5, 1.5))


def image_format(data: bytes) -> tuple[str | None, tuple[int, int]]:
    """Return Pillow's name of the format, and the size; None for bytes that are not an image."""
    try:
        with Image.open(io.BytesIO(data)) as image:
            return image.format, image.size
    except (OSError, Image.DecompressionBombError):
        return None, (1, 1)


def content_type(data: bytes) -> str:
    """Return the type by the first bytes; like the platform, ignore the type that the sender states."""
    if data.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if data.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif"
    if data.startswith((b"II*\x00", b"MM\x00*")):
        return "image/tiff"
    if data[4:8] == b"ftyp" and data[8:12] not in {b"M4A ", b"M4B ", b"M4P "}:
        return "video/mp4"
    return "application/octet-stream"


def clip(name: str, version: int) -> bytes:
    """Return four seconds of MP4 (H.264 and silent AAC, 360 x 640); a `free` box at its end differs by name."""
    mark = hashlib.sha256(f"{name}\n{version}".encode()).digest()
    return CLIP + (8 + len(mark)).to_bytes(4) + b"free" + mark


NAME = re.compile(r"/media/([^/]{1,200})\.(jpe?g|png|mp4)")
DIGEST = re.compile(r"[0-9a-f]{64}")
SMALLEST, LARGEST, USUAL = 16, 4000, 1080


def generated(context: SandboxContext, request: Request) -> Response:
    """`?v=` selects other bytes of the same name, `?w=` and `?h=` a size other than 1080 x 1080."""
    match = NAME.fullmatch(request.raw_path)
    if match is None:
        return not_found("no such media")
    name, kind = match[1], match[2]
    version = _number(request, "v", context.settings.media_versions.get(f"{name}.{kind}", 1), 0, 10**9)
    if kind == "mp4":
        data = clip(name, version)
    else:
        size = (_number(request, "w", USUAL, SMALLEST, LARGEST), _number(request, "h", USUAL, SMALLEST, LARGEST))
        data = picture(name, version, *size, "PNG" if kind == "png" else "JPEG")
    return Response(200, data, content_type(data))


def _number(request: Request, name: str, usual: int, least: int, most: int) -> int:
    given = request.query.get(name, "")
    return min(most, max(least, int(given))) if given.isdecimal() else usual


def stored(context: SandboxContext, request: Request) -> Response:
    digest = request.raw_path.removeprefix("/stored/")
    data = context.state.media.get(digest) if DIGEST.fullmatch(digest) else None
    if data is None:
        return not_found("no such media")
    return Response(200, data, content_type(data), {"Cache-Control": "max-age=86400, immutable"})


FETCH_TIMEOUT = (3, 10)
LARGEST_FETCH = 300 * 1024 * 1024


def fetch(url: str, code: int = 9004) -> bytes:
    """Fetch a public URL. Raises `code`/2207052 for a failure, -2/2207003 for a timeout."""
    if urlsplit(url).scheme not in {"http", "https"}:
        raise errors.media_not_fetched("the URI is not http(s)", code)
    try:
        with requests.Session() as session:
            session.trust_env = False  # no proxy and no netrc: the media can be on this machine
            session.headers["User-Agent"] = "facebookexternalua"
            with session.get(url, timeout=FETCH_TIMEOUT, stream=True, allow_redirects=False) as response:
                if response.status_code != 200:
                    raise errors.media_not_fetched(f"it answered {response.status_code}", code)
                data = bytearray()
                for chunk in response.iter_content(1 << 16):
                    data += chunk
                    if len(data) > LARGEST_FETCH:
                        raise errors.media_not_fetched("it is too large", code)
                return bytes(data)
    except requests.Timeout:
        shown = ("Timeout", "It takes too long to download the media.")
        raise Refusal(-2, "Media download timed out", subcode=2207003, shown=shown) from None
    except requests.RequestException:
        raise errors.media_not_fetched("it could not be reached", code) from None
