"""Fields of an Instagram media and of a container."""

from base64 import urlsafe_b64encode
from collections.abc import Callable
from typing import Any

from dynamo.sandbox import comments
from dynamo.sandbox.field_parser import Field
from dynamo.sandbox.http import stamp
from dynamo.sandbox.insights import tally
from dynamo.sandbox.instagram import status, status_text
from dynamo.sandbox.models import Container, Post
from dynamo.sandbox.state import SandboxContext

PRODUCTS = {"reel": "REELS", "story": "STORY"}


def _shortcode(_world: SandboxContext, media: Post, _field: Field) -> str:
    return urlsafe_b64encode(int(media.id).to_bytes(8)).decode().rstrip("=")


def _username(world: SandboxContext, media: Post, _field: Field) -> str:
    account = world.state.account(media.account)
    return account.username or "".join(letter for letter in account.name.lower() if letter.isalnum())


def _children(world: SandboxContext, media: Post, _field: Field) -> dict[str, Any] | None:
    nodes = [world.state.find(child) for child in media.children]
    shown = [
        {"id": node.id, "media_type": node.media_type, "media_url": world.stored_url(node.sha256)}
        for node in nodes
        if isinstance(node, Container)
    ]
    shown += [
        {"id": str(int(media.id) + number + 1), "media_type": "IMAGE", "media_url": world.picture_url(media, number)}
        for number in range(media.pictures if media.kind == "carousel" else 0)
    ]
    return {"data": shown} if shown else None


def _media_url(world: SandboxContext, media: Post, _field: Field) -> str | None:
    return world.picture_url(media, kind="mp4" if media.media_type == "VIDEO" else "jpg") or None


def _thumbnail(world: SandboxContext, media: Post, _field: Field) -> str | None:
    return (world.picture_url(media) or None) if media.media_type == "VIDEO" else None


def _product(_world: SandboxContext, media: Post, _field: Field) -> str:
    return "AD" if media.origin in {"ad", "dark"} else PRODUCTS.get(media.kind, "FEED")


MEDIA: dict[str, Callable[[SandboxContext, Post, Field], Any]] = {
    "caption": lambda _world, media, _field: media.message or None,
    "media_type": lambda _world, media, _field: media.media_type,
    "media_product_type": _product,
    "media_url": _media_url,
    "thumbnail_url": _thumbnail,
    "permalink": lambda world, media, _field: world.permalink(media.id),
    "shortcode": _shortcode,
    "timestamp": lambda _world, media, _field: stamp(media.visible_at),
    "like_count": lambda world, media, _field: tally(world, media).likes,
    "comments_count": lambda world, media, _field: tally(world, media).comments,
    "comments": comments.edge,
    "view_count": lambda world, media, _field: tally(world, media).views,
    "shares_count": lambda world, media, _field: tally(world, media).shares,
    "saved_count": lambda world, media, _field: tally(world, media).likes // 9,
    "total_like_count": lambda world, media, _field: tally(world, media).likes,
    "total_comments_count": lambda world, media, _field: tally(world, media).comments,
    "total_views_count": lambda world, media, _field: tally(world, media).views,
    "username": _username,
    "owner": lambda _world, media, _field: {"id": media.account},
    "is_comment_enabled": lambda _world, _media, _field: True,
    "children": _children,
    "alt_text": lambda _world, _media, _field: None,
}


CONTAINER: dict[str, Callable[[SandboxContext, Container, Field], Any]] = {
    "status_code": lambda _world, container, _field: status(container),
    "status": lambda _world, container, _field: status_text(container, status(container)),
    "copyright_check_status": lambda _world, _container, _field: {"status": "completed", "matches_found": False},
    "video_status": lambda _world, _container, _field: None,
}
