"""POST /{page}/photos: bytes by multipart or a URL; staged with published=false, or a post of its own."""

import io
from typing import Any

from PIL import Image, UnidentifiedImageError

from dynamo.sandbox.errors import Refusal
from dynamo.sandbox.facebook.scheduling import visibility
from dynamo.sandbox.http import Request
from dynamo.sandbox.media import fetch
from dynamo.sandbox.models import Photo, Post
from dynamo.sandbox.state import SandboxContext, now

FORMATS = {"JPEG", "PNG", "GIF", "TIFF"}


def create(world: SandboxContext, request: Request) -> dict[str, Any]:
    """Answer {"id"} for a staged photo, {"id", "post_id"} for a published one."""
    data = request.params.files.get("source")
    url = request.params.text("url")
    if data is None and url:
        data = _fetched(url)
    if not data:
        raise Refusal(324, "(#324) Missing or invalid image file")
    width, height = _measure(data, world.settings.photo_max_bytes)
    caption = request.params.text("caption") or request.params.text("message")
    digest = world.state.shelf.put(data)
    state = world.state
    with state.lock:
        visible_at, scheduled = visibility(request, world.settings)
        photo = Photo(
            id=state.mint("1", 14),
            account=request.account_id,
            sha256=digest,
            caption=caption,
            width=width,
            height=height,
            created_at=now(),
            alt_text=request.params.text("alt_text_custom"),
        )
        if visible_at is None:
            state.put(photo)
            return {"id": photo.id}
        key = f"photo:{photo.id}"
        state.calls[key] += 1
        post = Post(
            id=f"{request.account_id}_{state.mint('1', 14)}",
            account=request.account_id,
            kind="photo",
            message=caption,
            created_at=photo.created_at,
            visible_at=visible_at,
            scheduled_for=scheduled,
            photos=[photo.id],
            media_url=url,
            sha256=digest,
            created_by=request.origin(),
            key=key,
        )
        photo.post = post.id
        state.put(photo)
        state.put(post)
        return {"id": photo.id, "post_id": post.id}


def _fetched(url: str) -> bytes:
    try:
        return fetch(url).data
    except Refusal:
        raise Refusal(324, "(#324) Missing or invalid image file") from None


def _measure(data: bytes, largest: int) -> tuple[int, int]:
    """Return width and height. Raises 100/1366046 for what the platform cannot read or finds too large."""
    try:
        with Image.open(io.BytesIO(data)) as image:
            if image.format in FORMATS and len(data) <= largest:
                return image.size
    except (UnidentifiedImageError, OSError, Image.DecompressionBombError):
        pass
    raise Refusal(
        100,
        "(#100) Invalid parameter",
        subcode=1366046,
        title="Can't Read Files",
        user="Photos should be less than 4 MB and saved as JPG, PNG, GIF or TIFF files.",
    )
