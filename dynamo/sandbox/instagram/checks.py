"""What Instagram refuses in a caption or an image. Limits and codes: Meta's error table."""

import io
import re

from PIL import Image, UnidentifiedImageError

from dynamo.sandbox.errors import Refusal

CAPTION, HASHTAGS, MENTIONS = 2200, 30, 20
IMAGE_BYTES = 8 * 1024 * 1024
NARROWEST, WIDEST = 4 / 5, 1.91
HASHTAG = re.compile(r"(?<!\w)#\w+")
MENTION = re.compile(r"(?<![\w.])@[\w.]+")


def check_caption(caption: str) -> None:
    if len(caption) > CAPTION or len(HASHTAG.findall(caption)) > HASHTAGS or len(MENTION.findall(caption)) > MENTIONS:
        raise Refusal(
            36004,
            "The submitted caption is too long or holds too many hashtags or mentions",
            subcode=2207010,
            title="Caption is too long",
            user="The caption can have 2,200 characters, 30 hashtags and 20 @ tags.",
        )


def check_image(data: bytes, *, story: bool) -> None:
    """Raise 36000, 36001 or 36003. Stories take any ratio; wider images are scaled down, so no width is refused."""
    if len(data) > IMAGE_BYTES:
        raise Refusal(
            36000, "The image size is too large.", subcode=2207004, title="Image size too large", user="8 MiB."
        )
    try:
        with Image.open(io.BytesIO(data)) as image:
            kind, (width, height) = image.format, image.size
    except (UnidentifiedImageError, OSError, Image.DecompressionBombError):
        kind, width, height = None, 1, 1
    if kind != "JPEG":
        raise Refusal(
            36001,
            "The image format is not supported",
            subcode=2207005,
            title="Unsupported image format",
            user="The image format is not supported. Supported formats are: JPEG.",
        )
    # A pixel of rounding is not held against anybody: 1080 x 566 counts as 1.91:1.
    if not story and not NARROWEST - 0.005 <= width / height <= WIDEST + 0.005:
        raise Refusal(
            36003,
            "The submitted image with aspect ratio is not supported",
            subcode=2207009,
            title="Invalid aspect ratio",
            user="The aspect ratio must be between 4:5 and 1.91:1.",
        )
