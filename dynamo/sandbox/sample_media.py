"""A picture or clip for every name. The same name and version give the same bytes."""

import hashlib
import io
from functools import lru_cache
from pathlib import Path

from PIL import Image, ImageDraw

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


def clip(name: str, version: int) -> bytes:
    """Return four seconds of MP4 (H.264 and silent AAC, 360 x 640); a `free` box at its end differs by name."""
    mark = hashlib.sha256(f"{name}\n{version}".encode()).digest()
    return CLIP + (8 + len(mark)).to_bytes(4) + b"free" + mark
