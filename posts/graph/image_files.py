"""Normalises images: one JPEG that every platform takes, upright, without metadata, in sRGB.

A JPEG that fits and only has metadata to lose is not decoded and encoded again: its segments are copied without it.
"""

import io
import math
import re
from dataclasses import dataclass
from typing import IO

import pillow_heif
from PIL import Image, ImageCms, ImageOps

pillow_heif.register_heif_opener()

IMAGE_BYTES = 32 * 1024**2  # of the source; the platforms' limits concern the JPEG that is made of it
FACEBOOK_IMAGE_BYTES = 4 * 1024**2  # 100/1366046: "less than 4 MB … JPG, PNG, GIF or TIFF"
INSTAGRAM_IMAGE_BYTES = 8 * 1024**2  # 36000/2207004
JPEG_BYTES = min(FACEBOOK_IMAGE_BYTES, INSTAGRAM_IMAGE_BYTES)  # one copy is for all channels
PIXELS = 80_000_000  # below the number from which Pillow itself warns of a bomb
QUALITIES = (92, 88, 84, 80)  # the first that fits; a larger image is scaled down as well
POSTER_SIDE = 640  # pixels
FORMATS = ("JPEG", "PNG", "GIF", "WEBP", "HEIF", "AVIF", "TIFF", "BMP")
NAMES = {"HEIF": "HEIC", "MPO": "MPO (several JPEG images in one file)", "WEBP": "WebP"}
ORIENTATION = 0x0112
# The formats of files that Pillow cannot open when they are damaged, by what they begin with.
BEGINNINGS = {
    "JPEG": rb"\xff\xd8\xff", "PNG": rb"\x89PNG", "GIF": rb"GIF8[79]a", "WebP": rb"RIFF.{4}WEBP",
    "BMP": rb"BM.{4}\0{4}", "TIFF": rb"II\*\0|MM\0\*", "AVIF": rb".{4}ftypavi[fs]",
    "HEIC": rb".{4}ftyp(?:he[iv][cxms]|mif[12]|msf1)",
}  # fmt: skip
# JPEG segments that change the picture: JFIF (APP0) and Adobe's colour transform (APP14). The others are metadata.
KEPT_APPLICATION_SEGMENTS = (0xE0, 0xEE)
SCAN_END = re.compile(rb"\xff+([^\x00\xff\xd0-\xd7])")


class UnusableImage(Exception):
    """The file is not an image that can be normalised; the message is for users."""


@dataclass(frozen=True)
class NormalisedImage:
    """`changes`: sentences that state how `data` differs from the file. `poster`: a small copy, None if it is small."""

    data: bytes
    width: int
    height: int
    changes: list[str]
    poster: bytes | None = None


def normalise(file: IO[bytes], size: int) -> NormalisedImage | None:
    """Return the JPEG of an image file of `size` bytes; None when the file is no image. Raises UnusableImage."""
    file.seek(0)
    head = file.read(16)
    file.seek(0)
    try:
        image = Image.open(file, formats=FORMATS)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise UnusableImage(_too_many_pixels()) from None
    except Exception:  # noqa: BLE001  a hostile file can make a decoder raise anything
        for kind, beginning in BEGINNINGS.items():
            if re.match(beginning, head, re.DOTALL):
                raise UnusableImage(f"The {kind} image is damaged or incomplete") from None
        return None
    with image:
        if size > IMAGE_BYTES:
            raise UnusableImage(f"The image is larger than {IMAGE_BYTES // 1024**2} MiB")
        if image.width * image.height > PIXELS:
            raise UnusableImage(_too_many_pixels())
        try:
            return _normalise(image, file)
        except UnusableImage:
            raise
        except Exception:  # noqa: BLE001
            name = NAMES.get(image.format or "", image.format)
            raise UnusableImage(f"The {name} image is damaged or incomplete") from None


def shrink(data: bytes, side: int) -> bytes:
    """Return a JPEG of ours as one of at most `side` pixels per side."""
    with Image.open(io.BytesIO(data), formats=("JPEG",)) as image:
        return make_poster(image, side)


def make_poster(image: Image.Image, side: int = POSTER_SIDE) -> bytes:
    """Return the image as a JPEG of at most `side` pixels per side."""
    image.thumbnail((side, side))
    return _encode(image.convert("RGB"), quality=85)


def _normalise(image: Image.Image, file: IO[bytes]) -> NormalisedImage:
    source = image.format or ""
    changes = _describe_source(source, getattr(image, "n_frames", 1))
    is_rotated = image.getexif().get(ORIENTATION, 1) in range(2, 9)  # Pillow turns a TIFF while it is loaded
    image.load()  # decodes all of it: a truncated file raises here
    profile = image.info.get("icc_profile")
    is_srgb = not profile or _is_srgb(profile)
    if source in {"JPEG", "MPO"} and not is_rotated and is_srgb and image.mode in {"RGB", "L"}:
        file.seek(0)
        original = file.read()
        data = strip_jpeg(original)
        if data != original:
            changes.append("Removed metadata.")
        return _fit(image, data, changes, QUALITIES)
    if is_rotated:
        image = ImageOps.exif_transpose(image)
        changes.append("Turned upright.")
    if not is_srgb and profile:
        image = _convert_to_srgb(image, profile)
        changes.append("Converted the colours to sRGB.")
    elif image.mode in {"CMYK", "LAB", "YCbCr"}:
        changes.append(f"Converted the colours from {image.mode} to RGB.")
    image, flattened = _flatten(image)
    if flattened:
        changes.append("Replaced the transparent background by white.")
    return _fit(image, _encode(image), changes, QUALITIES[1:])


def _describe_source(source: str, frames: int) -> list[str]:
    """Return the changes that the format alone brings."""
    if source == "MPO":
        return ["Kept the first picture of a file that contains several (MPO)."]
    changes = [] if source == "JPEG" else [f"Converted from {NAMES.get(source, source)} to JPEG."]
    if frames > 1 and source in {"TIFF", "HEIF"}:
        changes.append("Kept the first of several pictures.")
    elif frames > 1:
        changes.append("The animation is published as a still image: its first frame.")
    return changes


def _fit(image: Image.Image, data: bytes, changes: list[str], qualities: tuple[int, ...]) -> NormalisedImage:
    """Return `data`, the JPEG of `image`; one of lower quality, then of fewer pixels, while it is over JPEG_BYTES."""
    whole, scale = image, 1.0
    limit = f"platforms take images of up to {JPEG_BYTES // 1024**2} MB"
    if len(data) > JPEG_BYTES:
        for quality in qualities:
            data = _encode(image, quality)
            if len(data) <= JPEG_BYTES:
                break
        changes.append(f"Compressed to quality {quality}: {limit}.")
    while len(data) > JPEG_BYTES:
        scale *= min(0.95, math.sqrt(JPEG_BYTES / len(data)))
        image = whole.resize((max(1, round(whole.width * scale)), max(1, round(whole.height * scale))))
        data = _encode(image, qualities[-1])
    if image is not whole:
        sizes = [f"{item.width} by {item.height}" for item in (whole, image)]
        changes.append(f"Scaled down from {sizes[0]} to {sizes[1]} pixels: {limit}.")
    return NormalisedImage(data, image.width, image.height, changes, _poster_of(image))


def _poster_of(image: Image.Image) -> bytes | None:
    return make_poster(image.copy()) if max(image.size) > POSTER_SIDE else None


def _encode(image: Image.Image, quality: int = QUALITIES[0]) -> bytes:
    out = io.BytesIO()
    clean = Image.new(image.mode, image.size)  # without the source's metadata
    clean.paste(image)
    clean.save(out, "JPEG", quality=quality, optimize=True)
    return out.getvalue()


def _flatten(image: Image.Image) -> tuple[Image.Image, bool]:
    """Return the image in RGB or L, on white where it was transparent, and whether it was."""
    image = _reduce(image)
    if image.has_transparency_data:
        image = image.convert("RGBA")
        is_transparent = image.getchannel("A").getextrema()[0] != 255
        ground = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(ground, image).convert("RGB"), is_transparent
    return image if image.mode in {"RGB", "L"} else image.convert("RGB"), False


def _reduce(image: Image.Image) -> Image.Image:
    """Return an image of 16 bits per pixel in L, and others as they are: `convert` alone would clip it to white."""
    if image.mode.startswith("I") or image.mode == "F":
        return image.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    return image


def _is_srgb(profile: bytes) -> bool:
    try:
        name = ImageCms.getProfileDescription(ImageCms.ImageCmsProfile(io.BytesIO(profile)))
    except (ImageCms.PyCMSError, OSError):
        return True  # unreadable: the platforms ignore it as well
    return "srgb" in name.casefold().replace(" ", "")


def _convert_to_srgb(image: Image.Image, profile: bytes) -> Image.Image:
    image = _reduce(image)
    mode = "CMYK" if image.mode == "CMYK" else "L" if image.mode == "L" else "RGB"
    alpha = image.convert("RGBA").getchannel("A") if image.has_transparency_data else None
    source, target = ImageCms.ImageCmsProfile(io.BytesIO(profile)), ImageCms.createProfile("sRGB")
    try:
        converted = ImageCms.profileToProfile(image.convert(mode), source, target, outputMode="RGB")
    except ImageCms.PyCMSError:
        converted = None  # the profile is for other colour channels than the image has
    converted = converted or image.convert("RGB")
    if alpha is not None:
        converted.putalpha(alpha)
    return converted


def strip_jpeg(data: bytes) -> bytes:
    """Return the first picture of a JPEG file without metadata segments. Raises ValueError for a damaged file."""
    kept, at = [b"\xff\xd8"], 2
    while True:
        while data[at : at + 2] == b"\xff\xff":  # fill bytes
            at += 1
        if len(data) < at + 2 or data[at] != 0xFF:
            raise ValueError("JPEG marker expected")
        marker = data[at + 1]
        if marker == 0xD9:  # end of image
            kept.append(b"\xff\xd9")
            return b"".join(kept)
        end = at + 2 + int.from_bytes(data[at + 2 : at + 4])
        is_metadata = marker == 0xFE or (0xE0 <= marker <= 0xEF and marker not in KEPT_APPLICATION_SEGMENTS)
        if marker == 0xDA:  # start of scan: entropy-coded data up to the next marker
            match = SCAN_END.search(data, end)
            if match is None:
                raise ValueError("JPEG scan without an end")
            end = match.start(1) - 1
        if not is_metadata:
            kept.append(data[at:end])
        at = end


def _too_many_pixels() -> str:
    return f"The image has more than {PIXELS // 1_000_000} megapixels"
