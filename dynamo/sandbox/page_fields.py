"""Fields of a Page's post, photo and video."""

from collections.abc import Callable
from typing import Any

from dynamo.sandbox import comments, insights
from dynamo.sandbox.field_parser import Field
from dynamo.sandbox.http import stamp
from dynamo.sandbox.models import Photo, Post, Video
from dynamo.sandbox.state import SandboxContext, now

STATUS_TYPES = {
    "photo": "added_photos",
    "album": "added_photos",
    "video": "added_video",
    "reel": "added_video",
    "link": "shared_story",
}


def _from(world: SandboxContext, node: Post | Photo | Video, _field: Field) -> dict[str, str] | None:
    if isinstance(node, Post) and node.origin == "visitor":
        return node.author or None
    account = world.state.account(node.account)
    return {"id": account.id, "name": account.name}


def _picture(world: SandboxContext, post: Post, _field: Field) -> str | None:
    return (world.picture_url(post) or None) if post.photos or post.foreign else None


def _photo_attachment(world: SandboxContext, photo_id: str, message: str) -> dict[str, Any]:
    photo = world.state.find(photo_id)
    if not isinstance(photo, Photo):
        return {}
    return {
        "media": {"image": {"height": photo.height, "width": photo.width, "src": world.stored_url(photo.sha256)}},
        "media_type": "photo",
        "type": "photo",
        "target": {"id": photo.id, "url": world.permalink(photo.post)},
        "url": world.permalink(photo.post),
        **({"description": message} if message else {}),
    }


def _foreign_photo(world: SandboxContext, post: Post, number: int) -> dict[str, Any]:
    url, shown = world.permalink(post.id), world.picture_url(post, number)
    target = {"id": f"2{number}{post.id.rpartition('_')[2][2:]}", "url": url}
    image = {"image": {"height": 1080, "width": 1080, "src": shown}}
    return {"media": image, "media_type": "photo", "type": "photo", "target": target, "url": url}


def attachments(world: SandboxContext, post: Post, _field: Field) -> dict[str, Any] | None:
    """Return what hangs on the post; a single photo itself, several as an album's subattachments; nothing for text."""
    url = world.permalink(post.id)
    if len(post.photos) == 1:
        return {"data": [_photo_attachment(world, post.photos[0], post.message)]}
    if post.pictures == 1:
        return {"data": [_foreign_photo(world, post, 0)]}
    if post.photos or post.pictures:
        parts = [_photo_attachment(world, photo, "") for photo in post.photos]
        parts += [_foreign_photo(world, post, number) for number in range(post.pictures)]
        title = f"Photos from {world.state.account(post.account).name}'s post"
        album = {"media": parts[0].get("media"), "media_type": "album", "type": "album", "title": title, "url": url}
        return {"data": [album | {"target": {"id": post.id, "url": url}, "subattachments": {"data": parts}}]}
    if post.video:
        shown = {"media_type": "video", "type": "video_inline", "target": {"id": post.video, "url": url}, "url": url}
        if post.foreign:
            shown["media"] = {"image": {"height": 720, "width": 720, "src": world.picture_url(post)}}
        return {"data": [shown]}
    if post.link:
        shown = {"media_type": "link", "type": "share", "title": post.link, "target": {"url": post.link}}
        return {"data": [shown | {"url": post.link, "unshimmed_url": post.link}]}
    return None


POST: dict[str, Callable[[SandboxContext, Post, Field], Any]] = {
    "message": lambda _world, post, _field: post.message or None,
    "story": lambda _world, post, _field: post.story or None,
    "created_time": lambda _world, post, _field: stamp(post.visible_at or post.created_at),
    "updated_time": lambda _world, post, _field: stamp(post.updated_at or post.visible_at or post.created_at),
    "permalink_url": lambda world, post, _field: world.permalink(post.id),
    "full_picture": _picture,
    "picture": _picture,
    "status_type": lambda _world, post, _field: STATUS_TYPES.get(post.kind, "mobile_status_update"),
    "is_published": lambda _world, post, _field: post.is_visible(now()),
    "is_hidden": lambda _world, post, _field: post.is_hidden,
    "is_expired": lambda _world, post, _field: post.origin == "expired",
    "scheduled_publish_time": lambda _world, post, _field: (
        int(post.scheduled_for) if post.scheduled_for and not post.is_visible(now()) else None
    ),
    "shares": insights.shares,
    "parent_id": lambda _world, _post, _field: None,
    "from": _from,
    "application": lambda _world, post, _field: None if post.foreign else {"id": "100000000000001", "name": "Dynamo"},
    "message_tags": lambda _world, _post, _field: None,
    "attachments": attachments,
    "comments": comments.edge,
    "reactions": insights.reactions,
    "likes": insights.reactions,
}
PHOTO: dict[str, Callable[[SandboxContext, Photo, Field], Any]] = {
    "name": lambda _world, photo, _field: photo.caption or None,
    "created_time": lambda _world, photo, _field: stamp(photo.created_at),
    "updated_time": lambda _world, photo, _field: stamp(photo.created_at),
    "height": lambda _world, photo, _field: photo.height,
    "width": lambda _world, photo, _field: photo.width,
    "link": lambda world, photo, _field: world.permalink(photo.post) if photo.post else None,
    "picture": lambda world, photo, _field: world.stored_url(photo.sha256),
    "images": lambda world, photo, _field: [
        {"height": photo.height, "width": photo.width, "source": world.stored_url(photo.sha256)}
    ],
    "page_story_id": lambda _world, photo, _field: photo.post or None,
    "alt_text": lambda _world, photo, _field: photo.alt_text or None,
    "from": _from,
    "comments": insights.nobody,
    "likes": insights.nobody,
}


def _phases(world: SandboxContext, video: Video, _field: Field) -> dict[str, Any]:
    post = world.state.find(video.post)
    live = isinstance(post, Post) and post.is_visible(now())
    done = bool(video.post) and now() >= video.ready_at
    word = "ready" if done else "processing" if video.sha256 else "uploading" if video.received else "upload_required"
    shown: dict[str, Any] = {
        "video_status": word,
        "uploading_phase": {"status": "complete" if video.sha256 else "in_progress"},
        "processing_phase": {"status": "complete" if done else "in_progress" if video.post else "not_started"},
        "publishing_phase": {"status": "complete" if live else "not_started"},
    }
    if live and isinstance(post, Post):
        shown["publishing_phase"] |= {"publish_status": "published", "publish_time": stamp(post.visible_at)}
    return shown


def _published(world: SandboxContext, video: Video, _field: Field) -> bool:
    post = world.state.find(video.post)
    return isinstance(post, Post) and post.is_visible(now())


def _source(world: SandboxContext, video: Video, _field: Field) -> str | None:
    post = world.state.find(video.post)
    if isinstance(post, Post) and post.foreign:
        return world.picture_url(post, kind="mp4")
    return world.stored_url(video.sha256) or None


def _still(world: SandboxContext, video: Video, _field: Field) -> str | None:
    post = world.state.find(video.post)
    return world.picture_url(post) if isinstance(post, Post) and post.foreign else None


VIDEO: dict[str, Callable[[SandboxContext, Video, Field], Any]] = {
    "description": lambda _world, video, _field: video.description or None,
    "title": lambda _world, video, _field: video.title or None,
    "created_time": lambda _world, video, _field: stamp(video.created_at),
    "updated_time": lambda _world, video, _field: stamp(video.created_at),
    "post_id": lambda _world, video, _field: video.post or None,
    "permalink_url": lambda world, video, _field: world.permalink(video.post) if video.post else None,
    "published": _published,
    "status": _phases,
    "length": lambda _world, video, _field: 4.0 if video.sha256 or video.post else None,
    "source": _source,
    "picture": _still,
    "from": _from,
}
