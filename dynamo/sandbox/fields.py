"""Nodes as JSON: the requested fields and `id`, without those that have no value. Names: the schema of v26."""

from base64 import urlsafe_b64encode
from collections.abc import Callable
from typing import Any

from dynamo.sandbox import comments, errors, insights
from dynamo.sandbox.field_parser import Field, keep, parse
from dynamo.sandbox.http import stamp
from dynamo.sandbox.insights import tally
from dynamo.sandbox.instagram import status, status_text
from dynamo.sandbox.models import Account, Comment, Container, Node, Photo, Post, Video
from dynamo.sandbox.state import SandboxContext, now

Reader = Callable[[SandboxContext, Any, Field], Any]


def _account_username(_context: SandboxContext, account: Account, _field: Field) -> str:
    return account.username or "".join(letter for letter in account.name.lower() if letter.isalnum())


PAGE: dict[str, Reader] = {
    "name": lambda _context, account, _field: account.name,
    "username": _account_username,
    "link": lambda context, _account, _field: f"{context.url}/",
    "fan_count": lambda _context, _account, _field: 0,
    "followers_count": lambda _context, _account, _field: 0,
}
INSTAGRAM_ACCOUNT: dict[str, Reader] = {
    "name": PAGE["name"],
    "username": _account_username,
    "followers_count": PAGE["followers_count"],
    "media_count": lambda context, account, _field: sum(
        post.is_visible(now()) for post in context.state.timeline(account.id)
    ),
}
PHOTOS, VIDEOS = "added_photos", "added_video"
STATUS_TYPES = {"photo": PHOTOS, "album": PHOTOS, "video": VIDEOS, "reel": VIDEOS, "link": "shared_story"}


def _from(context: SandboxContext, node: Post | Photo | Video, _field: Field) -> dict[str, str] | None:
    if isinstance(node, Post) and node.origin == "visitor":
        return node.author or None
    account = context.state.account(node.account)
    return {"id": account.id, "name": account.name}


def _picture(context: SandboxContext, post: Post, _field: Field) -> str | None:
    return (context.picture_url(post) or None) if post.photos or post.foreign else None


def _photo(url: str, photo_id: str, height: int, width: int, src: str) -> dict[str, Any]:
    return {
        "media": {"image": {"height": height, "width": width, "src": src}},
        "media_type": "photo",
        "type": "photo",
        "target": {"id": photo_id, "url": url},
        "url": url,
    }


def attachments(context: SandboxContext, post: Post, _field: Field) -> dict[str, Any] | None:
    """Return a post's attachments: one photo, several photos as an album's subattachments, None for text."""
    url, stem = context.permalink(post.id), post.id.rpartition("_")[2][2:]
    parts = [
        _photo(url, photo.id, photo.height, photo.width, context.stored_url(photo.sha256))
        if isinstance(photo, Photo)
        else {}
        for photo in map(context.state.find, post.photos)
    ]
    numbers = range(post.pictures)
    parts += [_photo(url, f"2{number}{stem}", 1080, 1080, context.picture_url(post, number)) for number in numbers]
    if len(parts) == 1:
        described = {"description": post.message} if post.photos and parts[0] and post.message else {}
        return {"data": [parts[0] | described]}
    if parts:
        title = f"Photos from {context.state.account(post.account).name}'s post"
        album = {"media": parts[0].get("media"), "media_type": "album", "type": "album", "title": title, "url": url}
        return {"data": [album | {"target": {"id": post.id, "url": url}, "subattachments": {"data": parts}}]}
    if post.video:
        result = {"media_type": "video", "type": "video_inline", "target": {"id": post.video, "url": url}, "url": url}
        if post.foreign:
            result["media"] = {"image": {"height": 720, "width": 720, "src": context.picture_url(post)}}
        return {"data": [result]}
    if post.link:
        result = {"media_type": "link", "type": "share", "title": post.link, "target": {"url": post.link}}
        return {"data": [result | {"url": post.link, "unshimmed_url": post.link}]}
    return None


def _insights(context: SandboxContext, post: Post, field: Field) -> dict[str, Any]:
    return insights.read_insights(context, post, field.modifiers)


POST: dict[str, Reader] = {
    "message": lambda _context, post, _field: post.message or None,
    "story": lambda _context, post, _field: post.story or None,
    "created_time": lambda _context, post, _field: stamp(post.visible_at or post.created_at),
    "updated_time": lambda _context, post, _field: stamp(post.updated_at or post.visible_at or post.created_at),
    "permalink_url": lambda context, post, _field: context.permalink(post.id),
    "full_picture": _picture,
    "picture": _picture,
    "status_type": lambda _context, post, _field: STATUS_TYPES.get(post.kind, "mobile_status_update"),
    "is_published": lambda _context, post, _field: post.is_visible(now()),
    "is_hidden": lambda _context, post, _field: post.is_hidden,
    "is_expired": lambda _context, post, _field: post.origin == "expired",
    "scheduled_publish_time": lambda _context, post, _field: (
        int(post.scheduled_for) if post.scheduled_for and not post.is_visible(now()) else None
    ),
    "shares": insights.shares,
    "parent_id": lambda _context, _post, _field: None,
    "from": _from,
    "application": lambda _context, post, _field: None if post.foreign else {"id": "100000000000001", "name": "Dynamo"},
    "message_tags": lambda _context, _post, _field: None,
    "attachments": attachments,
    "comments": comments.comments_field,
    "reactions": insights.reactions,
    "likes": insights.reactions,
    "insights": _insights,
}
PHOTO: dict[str, Reader] = {
    "name": lambda _context, photo, _field: photo.caption or None,
    "created_time": lambda _context, photo, _field: stamp(photo.created_at),
    "updated_time": lambda _context, photo, _field: stamp(photo.created_at),
    "height": lambda _context, photo, _field: photo.height,
    "width": lambda _context, photo, _field: photo.width,
    "link": lambda context, photo, _field: context.permalink(photo.post) if photo.post else None,
    "picture": lambda context, photo, _field: context.stored_url(photo.sha256),
    "images": lambda context, photo, _field: [
        {"height": photo.height, "width": photo.width, "source": context.stored_url(photo.sha256)}
    ],
    "page_story_id": lambda _context, photo, _field: photo.post or None,
    "alt_text": lambda _context, photo, _field: photo.alt_text or None,
    "from": _from,
    "comments": lambda _context, _photo, _field: {"data": []},  # users react to the photo's post
    "likes": lambda _context, _photo, _field: {"data": []},
}


def _post_of(context: SandboxContext, video: Video) -> Post | None:
    post = context.state.find(video.post)
    return post if isinstance(post, Post) else None


def _live_post(context: SandboxContext, video: Video) -> Post | None:
    post = _post_of(context, video)
    return post if post and post.is_visible(now()) else None


def _phases(context: SandboxContext, video: Video, _field: Field) -> dict[str, Any]:
    """Return the states. From the finish on it is processing, which begins in the middle of `video_seconds`."""
    live, post = _live_post(context, video), _post_of(context, video)
    done = bool(video.post) and now() >= video.ready_at
    begun = bool(video.post) and now() >= video.ready_at - context.settings.video_seconds / 2
    before = "upload_complete" if video.sha256 else "uploading" if video.received else "upload_required"
    status = "ready" if done else "processing" if video.post else before
    publishing: dict[str, Any] = {"status": "not_started"}
    if done and video.kind == "reel" and post and post.visible_at is None:
        publishing = {"status": "complete", "publish_status": "draft"}
    if live:
        publishing = {"status": "complete", "publish_status": "published", "publish_time": stamp(live.visible_at)}
    return {
        "video_status": status,
        "uploading_phase": {"status": "complete" if video.sha256 else "in_progress"},
        "processing_phase": {"status": "complete" if done else "in_progress" if begun else "not_started"},
        "publishing_phase": publishing,
    }


def _source(context: SandboxContext, video: Video, _field: Field) -> str | None:
    post = _post_of(context, video)
    if post and post.foreign:
        return context.picture_url(post, kind="mp4")
    return context.stored_url(video.sha256) or None


def _still(context: SandboxContext, video: Video, _field: Field) -> str | None:
    post = _post_of(context, video)
    return context.picture_url(post) if post and post.foreign else None


VIDEO: dict[str, Reader] = {
    "description": lambda _context, video, _field: video.description or None,
    "title": lambda _context, video, _field: video.title or None,
    "created_time": lambda _context, video, _field: stamp(video.created_at),
    "updated_time": lambda _context, video, _field: stamp(video.created_at),
    "post_id": lambda _context, video, _field: video.post or None,
    "permalink_url": lambda context, video, _field: context.permalink(video.post) if video.post else None,
    "published": lambda context, video, _field: _live_post(context, video) is not None,
    "status": _phases,
    "length": lambda _context, video, _field: 4.0 if video.sha256 or video.post else None,
    "source": _source,
    "picture": _still,
    "from": _from,
}


PRODUCTS = {"reel": "REELS", "story": "STORY"}


def _children(context: SandboxContext, media: Post, _field: Field) -> dict[str, Any] | None:
    result = [
        {"id": node.id, "media_type": node.media_type, "media_url": context.stored_url(node.sha256)}
        for node in map(context.state.find, media.children)
        if isinstance(node, Container)
    ]
    for number in range(media.pictures if media.kind == "carousel" else 0):
        child_id, url = str(int(media.id) + number + 1), context.picture_url(media, number)
        result.append({"id": child_id, "media_type": "IMAGE", "media_url": url})
    return {"data": result} if result else None


def _media_url(context: SandboxContext, media: Post, _field: Field) -> str | None:
    return context.picture_url(media, kind="mp4" if media.media_type == "VIDEO" else "jpg") or None


def _thumbnail(context: SandboxContext, media: Post, _field: Field) -> str | None:
    return (context.picture_url(media) or None) if media.media_type == "VIDEO" else None


MEDIA: dict[str, Reader] = {
    "caption": lambda _context, media, _field: media.message or None,
    "media_type": lambda _context, media, _field: media.media_type,
    "media_product_type": lambda _context, media, _field: (
        "AD" if media.origin in {"ad", "dark"} else PRODUCTS.get(media.kind, "FEED")
    ),
    "media_url": _media_url,
    "thumbnail_url": _thumbnail,
    "permalink": lambda context, media, _field: context.permalink(media.id),
    "shortcode": lambda _context, media, _field: urlsafe_b64encode(int(media.id).to_bytes(8)).decode().rstrip("="),
    "timestamp": lambda _context, media, _field: stamp(media.visible_at),
    "like_count": lambda context, media, _field: tally(context, media).likes,
    "comments_count": lambda context, media, _field: tally(context, media).comments,
    "comments": comments.comments_field,
    "view_count": lambda context, media, _field: tally(context, media).views,
    "shares_count": lambda context, media, _field: tally(context, media).shares,
    "saved_count": lambda context, media, _field: tally(context, media).likes // 9,
    "total_like_count": lambda context, media, _field: tally(context, media).likes,
    "total_comments_count": lambda context, media, _field: tally(context, media).comments,
    "total_views_count": lambda context, media, _field: tally(context, media).views,
    "username": lambda context, media, field: _account_username(context, context.state.account(media.account), field),
    "owner": lambda _context, media, _field: {"id": media.account},
    "is_comment_enabled": lambda _context, _media, _field: True,
    "children": _children,
    "alt_text": lambda _context, _media, _field: None,
    "insights": _insights,
}


CONTAINER: dict[str, Reader] = {
    "status_code": lambda _context, container, _field: status(container),
    "status": lambda _context, container, _field: status_text(container, status(container)),
    "copyright_check_status": lambda _context, _container, _field: {"status": "completed", "matches_found": False},
    "video_status": lambda _context, _container, _field: None,
}


def node_type(node: Node) -> str:
    """Return the platform's name of the type."""
    if isinstance(node, Account):
        return "Page" if node.is_page else "IGUser"
    if isinstance(node, Post):
        return "IGMedia" if node.media_type else "Post"
    if isinstance(node, Comment):
        return "Comment" if "_" in node.id else "IGComment"
    return {Photo: "Photo", Video: "Video", Container: "IGContainer"}[type(node)]


READERS: dict[str, dict[str, Reader]] = {
    "Page": PAGE,
    "IGUser": INSTAGRAM_ACCOUNT,
    "Post": POST,
    "Photo": PHOTO,
    "Video": VIDEO,
    "IGMedia": MEDIA,
    "IGContainer": CONTAINER,
}
USUAL = {
    "Page": "name",
    "IGUser": "id",
    "Post": "created_time,message,story",
    "Photo": "created_time,name",
    "Video": "updated_time,description",
    "IGMedia": "id",
    "IGContainer": "id",
    "Comment": "created_time,from,message",
    "IGComment": "timestamp,text",
}


def view(context: SandboxContext, node: Node, fields: str) -> dict[str, Any]:
    """Return the node with these or the default fields. Raises 100 for an unknown field."""
    return select(context, node, parse(fields or USUAL[node_type(node)]))


def select(context: SandboxContext, node: Node, wanted: list[Field]) -> dict[str, Any]:
    if isinstance(node, Comment):
        return comments.render(context, node, wanted)
    kind = node_type(node)
    result: dict[str, Any] = {}
    for field in wanted:
        if field.name == "id":
            continue
        if field.name not in READERS[kind]:
            raise errors.unknown_field(field.name, kind)
        value = keep(READERS[kind][field.name](context, node, field), field)
        if value is not None:
            result[field.alias] = value
    return result | {"id": node.id}
