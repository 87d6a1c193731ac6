"""POST /{page}/feed: text, link, and what was staged as unpublished photos."""

import hashlib
import json
from typing import Any
from urllib.parse import urlsplit

from dynamo.sandbox import errors
from dynamo.sandbox.errors import Refusal
from dynamo.sandbox.facebook.scheduling import visibility
from dynamo.sandbox.http import Request
from dynamo.sandbox.models import Photo, Post
from dynamo.sandbox.reading.views import view
from dynamo.sandbox.state import SandboxContext, now

LONGEST = 63_206  # characters, as shipped clients have it
PHOTOS = 10


def create(world: SandboxContext, request: Request) -> dict[str, Any]:
    """Answer {"id"}; with `fields=` what was asked for besides (read after write)."""
    message, link = request.params.text("message"), request.params.text("link")
    wanted = [_fbid(entry) for entry in request.params.items("attached_media")]
    if not (message or link or wanted):
        raise Refusal(197, "(#197) The post is empty. Please enter a message to share.")
    if len(message) > LONGEST:
        raise errors.invalid("The message is too long")
    if link and (urlsplit(link).scheme not in {"http", "https"} or not urlsplit(link).hostname):
        raise Refusal(1500, "(#1500) The url you supplied is invalid")
    if len(wanted) > PHOTOS or len(set(wanted)) != len(wanted):
        raise errors.invalid("Too many or repeated attached_media")
    state = world.state
    with state.lock:
        key = _key(request.account_id, message, link, wanted)
        state.calls[key] += 1
        visible_at, scheduled = visibility(request, world.settings)
        photos = [_staged(world, request, fbid) for fbid in wanted]
        if visible_at is not None and not wanted and world.settings.duplicate_check:
            _refuse_duplicate(world, request.account_id, message, link)
        post = Post(
            id=f"{request.account_id}_{state.mint('1', 14)}",
            account=request.account_id,
            kind="photo" if photos else "link" if link else "text",
            message=message,
            link=link,
            created_at=now(),
            visible_at=visible_at,
            scheduled_for=scheduled,
            photos=wanted,
            sha256=photos[0].sha256 if photos else "",
            created_by=request.origin(),
            key=key,
        )
        for photo in photos:
            photo.post = post.id
            state.put(photo)
        state.put(post)
        return view(world, post, request.params.text("fields")) if request.params.text("fields") else {"id": post.id}


def _key(account_id: str, message: str, link: str, wanted: list[str]) -> str:
    what = json.dumps([message, link, wanted]).encode()
    return f"feed:{account_id}:{hashlib.sha256(what).hexdigest()[:16]}"


def _fbid(entry: Any) -> str:
    if isinstance(entry, dict) and entry.get("media_fbid"):
        return str(entry["media_fbid"])
    raise errors.invalid("Param attached_media must be a list of objects with media_fbid")


def _staged(world: SandboxContext, request: Request, fbid: str) -> Photo:
    photo = world.state.find(fbid)
    if not isinstance(photo, Photo) or photo.account != request.account_id:
        raise errors.invalid(f"Invalid photo id in attached_media: {fbid}")
    if photo.post:
        raise errors.invalid(f"Photo in attached_media was already posted: {fbid}", 1366051)
    return photo


def _refuse_duplicate(world: SandboxContext, account_id: str, message: str, link: str) -> None:
    """Refuse the text that stands last on the Page already: 506."""
    last = next((post for post in reversed(world.state.posts.get(account_id, [])) if post.is_visible(now())), None)
    if last and last.kind in {"text", "link"} and (last.message, last.link) == (message, link):
        text = "This status update is identical to the last one you posted. Try posting something different."
        raise Refusal(506, "(#506) Duplicate status message", title="Duplicate Status Update", user=text)
