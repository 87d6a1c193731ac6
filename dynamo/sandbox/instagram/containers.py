"""POST /{ig-user}/media: one container per call, its media really fetched."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from dynamo.sandbox import errors
from dynamo.sandbox.errors import Refusal
from dynamo.sandbox.http import Request
from dynamo.sandbox.instagram.checks import check_caption, check_image
from dynamo.sandbox.media import fetch
from dynamo.sandbox.media_store import content_type
from dynamo.sandbox.models import Container, Post
from dynamo.sandbox.state import SandboxContext, now

LIFE = 86_400  # seconds that a container can be published
KINDS = {"": "image", "IMAGE": "image", "REELS": "reel", "VIDEO": "video", "STORIES": "story", "CAROUSEL": "carousel"}


@dataclass(frozen=True)
class Media:
    """What was fetched; `error` is a code that the container's status will tell."""

    url: str
    sha256: str
    type: str
    error: str = ""


def create(world: SandboxContext, request: Request) -> dict[str, Any]:
    params = request.params
    kind = KINDS.get(params.text("media_type").upper())
    if kind is None:
        raise Refusal(100, "Unknown media type", subcode=2207023, title="Unknown media type", user="Not supported.")
    caption = params.text("caption")
    check_caption(caption)
    with world.state.lock:
        _check_daily(world, request.account_id)
        children = _children(world, request) if kind == "carousel" else []
    media = Media("", "", "CAROUSEL_ALBUM") if kind == "carousel" else _take(world, request, kind)
    state = world.state
    with state.lock:
        fault = request.fault
        created = now()
        container = Container(
            id=state.mint("179", 14),
            account=request.account_id,
            kind=kind,
            caption="" if kind == "story" else caption,
            media_url=media.url,
            sha256=media.sha256,
            created_at=created,
            ready_at=created + world.settings.container_seconds,
            media_type=media.type,
            children=children,
            is_child=params.flag("is_carousel_item", default=False),
            alt_text=params.text("alt_text"),
            error=media.error,
            polls=world.settings.container_polls,
        )
        if fault is not None and fault.fault == "slow_container":
            container.ready_at += fault.seconds
        elif fault is not None and fault.fault == "container_error":
            container.error = str(fault.subcode or 2207082)
        state.put(container)
        return {"id": container.id}


def _check_daily(world: SandboxContext, account_id: str) -> None:
    made = world.state.containers.get(account_id, [])
    if made_since(made, now() - LIFE) >= world.settings.containers_per_day:
        raise errors.quota_reached()


def made_since(made: Sequence[Container | Post], since: float) -> int:
    """Count what was made after `since` in a list that is in order of making."""
    return len(made) - bisect_right(made, since, key=lambda one: one.created_at)


def _children(world: SandboxContext, request: Request) -> list[str]:
    wanted = [str(child) for child in request.params.items("children")]
    if not 2 <= len(wanted) <= 10:
        raise Refusal(100, "Carousel needs 2 to 10 children", subcode=2207028, title="Carousel", user="2 to 10 items.")
    for child in wanted:
        node = world.state.find(child)
        if not isinstance(node, Container) or node.account != request.account_id or not node.is_child:
            raise errors.no_such_container()
        if status(node) != "FINISHED":
            raise errors.not_ready()
    return wanted


def _take(world: SandboxContext, request: Request, kind: str) -> Media:
    """Fetch and check. A bad image is refused at once; a bad video only shows in the container's status."""
    image, video = request.params.text("image_url"), request.params.text("video_url")
    url = video if kind in {"reel", "video"} else image if kind == "image" else image or video
    if not url:
        raise errors.invalid("The parameter image_url or video_url is required")
    data = fetch(url).data
    digest = world.state.shelf.put(data)
    if url == video:
        wrong = "" if content_type(data) == "video/mp4" else "2207026"
        return Media(url, digest, "VIDEO", wrong)
    check_image(data, story=kind == "story")
    return Media(url, digest, "IMAGE")


def status(container: Container) -> str:
    """Return status_code as it is now."""
    if container.published_as:
        return "PUBLISHED"
    if now() > container.created_at + LIFE:
        return "EXPIRED"
    if container.polls or now() < container.ready_at:
        return "IN_PROGRESS"
    return "ERROR" if container.error else "FINISHED"


def status_text(container: Container, code: str) -> str:
    return {
        "PUBLISHED": "Published: Media has been successfully published.",
        "EXPIRED": "Expired: The container was not published within 24 hours and has expired.",
        "IN_PROGRESS": "In Progress: Media is still being processed.",
        "ERROR": f"Error: Media upload has failed with error code {container.error}",
        "FINISHED": "Finished: Media has been uploaded and it is ready to be published.",
    }[code]
