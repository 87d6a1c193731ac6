"""Writes to a Page: text, link and photo posts, their native scheduling, changes and deletion."""

import contextlib
import hashlib
import json
import re
import unicodedata
from typing import Any
from urllib.parse import urlsplit

from dynamo.sandbox.errors import Refusal, already_posted, invalid
from dynamo.sandbox.fields import view
from dynamo.sandbox.http import Request
from dynamo.sandbox.media import fetch, image_format
from dynamo.sandbox.models import Account, Photo, Post, Video
from dynamo.sandbox.settings import Settings
from dynamo.sandbox.state import SandboxContext, now

SHORTEST_SCHEDULE = 600  # seconds: all of Meta's pages say ten minutes


def visibility(request: Request, settings: Settings) -> tuple[float | None, float | None]:
    """Return (visible_at, scheduled_for). Raises 100 for contradictory parameters or a time outside the window."""
    published = request.params.flag("published", default=True)
    scheduled = request.params.timestamp("scheduled_publish_time")
    if scheduled is None:
        return (now() if published else None), None
    if published:
        raise invalid("You cannot specify a scheduled publish time on a published post")
    check_window(scheduled, settings)
    return scheduled, scheduled


def check_window(scheduled: float, settings: Settings) -> None:
    ahead = scheduled - now()
    if not SHORTEST_SCHEDULE <= ahead <= settings.schedule_days * 86400:
        shown = ("Invalid scheduled publish time", "The time must be between 10 minutes and 30 days from now.")
        raise Refusal(100, "(#100) The specified scheduled publish time is invalid.", subcode=1363115, shown=shown)


def put_post(
    context: SandboxContext, request: Request, visible: tuple[float | None, float | None], **fields: Any
) -> Post:
    """Store a new post of the Page and return it. `fields` are the other fields. The caller holds the lock."""
    visible_at, scheduled_for = visible
    post_id = f"{request.account_id}_{context.state.mint('1', 14)}"
    post = Post(
        post_id, request.account_id, created_at=now(), visible_at=visible_at, scheduled_for=scheduled_for,
        created_by=request.origin(), **fields,
    )  # fmt: skip
    return context.state.put(post)


LONGEST_MESSAGE = 63_206  # characters, as in published clients
MOST_PHOTOS = 10


def rewrite(context: SandboxContext, text: str) -> str:
    """Return the text as a Page shows it: with names for mentions, without control characters and blank lines."""

    def name(match: re.Match[str]) -> str:
        node = context.state.nodes.get(match[1])
        return node.name if isinstance(node, Account) else f"Page {match[1]}"

    text = re.sub(r"@\[(\d+)\]", name, text.replace("\r\n", "\n").replace("\r", "\n"))
    shown = "".join(letter for letter in text if letter in "\n\t" or unicodedata.category(letter) != "Cc")
    return re.sub(r"\n{3,}", "\n\n", shown)


def create_post(context: SandboxContext, request: Request) -> dict[str, Any]:
    """Return {"id"}, and the requested fields with `fields=` (read after write)."""
    message, link = rewrite(context, request.params.text("message")), request.params.text("link")
    wanted = [_fbid(entry) for entry in request.params.items("attached_media")]
    if not (message or link or wanted):
        raise Refusal(197, "(#197) The post is empty. Please enter a message to share.")
    if len(message) > LONGEST_MESSAGE:
        raise invalid("The message is too long")
    if link and (urlsplit(link).scheme not in {"http", "https"} or not urlsplit(link).hostname):
        raise Refusal(1500, "(#1500) The url you supplied is invalid")
    if len(wanted) > MOST_PHOTOS or len(set(wanted)) != len(wanted):
        raise invalid("Too many or repeated attached_media")
    state = context.state
    with state.lock:
        content = json.dumps([message, link, wanted]).encode()
        key = f"feed:{request.account_id}:{hashlib.sha256(content).hexdigest()[:16]}"
        state.calls[key] += 1
        visible = visibility(request, context.settings)
        photos = [_staged_photo(context, request, fbid) for fbid in wanted]
        if visible[0] is not None and not wanted and context.settings.duplicate_check:
            _refuse_duplicate(context, request.account_id, message, link)
        kind, sha256 = ("photo", photos[0].sha256) if photos else ("link" if link else "text", "")
        post = put_post(
            context, request, visible, kind=kind, message=message, link=link, photos=wanted, sha256=sha256, key=key
        )
        for photo in photos:
            photo.post = post.id
            state.put(photo)
        fields = request.params.text("fields")
        return view(context, post, fields) if fields else {"id": post.id}


def _fbid(entry: Any) -> str:
    if isinstance(entry, dict) and entry.get("media_fbid"):
        return str(entry["media_fbid"])
    raise invalid("Param attached_media must be a list of objects with media_fbid")


def _staged_photo(context: SandboxContext, request: Request, fbid: str) -> Photo:
    photo = context.state.find(fbid)
    if not isinstance(photo, Photo) or photo.account != request.account_id:
        raise invalid(f"Invalid photo id in attached_media: {fbid}")
    if photo.post:
        raise invalid(f"Photo in attached_media was already posted: {fbid}", 1366051)
    return photo


def _refuse_duplicate(context: SandboxContext, account_id: str, message: str, link: str) -> None:
    """Raise 506, or 368, for the text of the Page's last post."""
    last = next((post for post in reversed(context.state.posts.get(account_id, [])) if post.is_visible(now())), None)
    if last and last.kind in {"text", "link"} and (last.message, last.link) == (message, link):
        if context.settings.duplicate_code == 368:
            raise already_posted()
        text = "This status update is identical to the last one you posted. Try posting something different."
        raise Refusal(506, "(#506) Duplicate status message", shown=("Duplicate Status Update", text))


PHOTO_FORMATS = {"JPEG", "PNG", "GIF", "TIFF"}


def create_photo(context: SandboxContext, request: Request) -> dict[str, Any]:
    """Return {"id"} for a staged photo, {"id", "post_id"} for a published one."""
    data = request.params.files.get("source")
    url = request.params.text("url")
    if data is None and url:
        with contextlib.suppress(Refusal):
            data = fetch(url)
    if not data:
        raise Refusal(324, "(#324) Missing or invalid image file")
    width, height = _photo_size(data, context.settings.photo_max_bytes)
    caption = rewrite(context, request.params.text("caption") or request.params.text("message"))
    state = context.state
    digest = state.media.put(data)
    alt_text = request.params.text("alt_text_custom")
    with state.lock:
        visible = visibility(request, context.settings)
        photo = Photo(state.mint("1", 14), request.account_id, digest, caption, width, height, now(), alt_text=alt_text)
        if visible[0] is None:
            state.put(photo)
            return {"id": photo.id}
        key = f"photo:{photo.id}"
        state.calls[key] += 1
        post = put_post(
            context, request, visible,
            kind="photo", message=caption, photos=[photo.id], media_url=url, sha256=digest, key=key,
        )  # fmt: skip
        photo.post = post.id
        state.put(photo)
        return {"id": photo.id, "post_id": post.id}


def _photo_size(data: bytes, largest: int) -> tuple[int, int]:
    """Return width and height. Raises 100/1366046 for an unreadable or too large image."""
    kind, size = image_format(data)
    if kind in PHOTO_FORMATS and len(data) <= largest:
        return size
    shown = ("Can't Read Files", "Photos should be less than 4 MB and saved as JPG, PNG, GIF or TIFF files.")
    raise Refusal(100, "(#100) Invalid parameter", subcode=1366046, shown=shown)


def update_post(context: SandboxContext, request: Request, post: Post) -> dict[str, Any]:
    """POST /{page}_{post}. `is_published=true` can be repeated: it does not change a published post."""
    params = request.params
    with context.state.lock:
        scheduled = params.timestamp("scheduled_publish_time")
        if params.flag("is_published", default=False):
            context.state.calls[post.key] += 1
            if post.visible_at is None or post.visible_at > now():
                post.visible_at, post.scheduled_for, post.created_by = now(), None, request.origin()
        elif scheduled is not None:
            if post.is_visible(now()):
                raise invalid("The post is published already")
            check_window(scheduled, context.settings)
            post.visible_at = post.scheduled_for = scheduled
        if "message" in params.values:
            post.message = rewrite(context, params.text("message"))
        post.is_hidden = params.flag("is_hidden", default=post.is_hidden)
        post.is_pinned = params.flag("is_pinned", default=post.is_pinned)
        post.updated_at = now()
        context.state.put(post)
        return {"success": True}


def delete_node(context: SandboxContext, node: Post | Photo | Video) -> dict[str, Any]:
    with context.state.lock:
        node.deleted_at = now()
        context.state.put(node)
        return {"success": True}
