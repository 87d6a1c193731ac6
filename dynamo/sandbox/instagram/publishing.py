"""POST /{ig-user}/media_publish and the quota behind it."""

from typing import Any

from dynamo.sandbox import errors
from dynamo.sandbox.errors import Refusal
from dynamo.sandbox.http import Request
from dynamo.sandbox.instagram.containers import made_since, status
from dynamo.sandbox.models import Container, Post
from dynamo.sandbox.state import SandboxContext, now

DAY = 86_400


def publish(world: SandboxContext, request: Request) -> dict[str, Any]:
    """Answer {"id"}: the media's, never the container's. One container becomes one media."""
    creation_id = request.params.text("creation_id")
    state = world.state
    with state.lock:
        key = f"container:{creation_id}"
        state.calls[key] += 1
        container = state.find(creation_id)
        if not isinstance(container, Container) or container.account != request.account_id:
            raise errors.no_such_container()
        if container.published_as:
            return _again(world, container)
        _check_ready(container)
        if quota_usage(world, request.account_id) >= world.settings.quota_total:
            raise errors.quota_reached()
        media = Post(
            id=state.mint("180", 14),
            account=request.account_id,
            kind=container.kind,
            message=container.caption,
            created_at=now(),
            visible_at=now(),
            media_url=container.media_url,
            media_type=container.media_type,
            sha256=container.sha256,
            container=container.id,
            children=container.children,
            created_by=request.origin(),
            key=key,
        )
        container.published_as = media.id
        state.put(container)
        state.put(media)
        return {"id": media.id}


def _check_ready(container: Container) -> None:
    match status(container):
        case "EXPIRED":
            text = "The media is expired, please create it again."
            raise Refusal(-2, "Media expired", subcode=2207020, title="Media expired", user=text)
        case "IN_PROGRESS":
            raise errors.not_ready()
        case "ERROR":
            raise Refusal(-1, "Unknown upload error", subcode=2207053, title="Unknown error", user="Create it again.")
        case _ if container.kind == "video" or container.is_child:
            text = "A container of a carousel's child cannot be published by itself."
            raise Refusal(100, "Invalid media type", subcode=2207089, title="Invalid media type", user=text)


def _again(world: SandboxContext, container: Container) -> dict[str, Any]:
    match world.settings.creation_id_twice:
        case "same":
            return {"id": container.published_as}
        case "not_ready":
            raise errors.not_ready()
        case _:
            raise errors.no_such_container()


def quota_usage(world: SandboxContext, account_id: str) -> int:
    """Count what was published within the last 24 h; what was deleted since counts as well."""
    return made_since(world.state.posts.get(account_id, []), now() - DAY)


def limit(world: SandboxContext, request: Request) -> dict[str, Any]:
    """GET /{ig-user}/content_publishing_limit; only quota_usage unless more is asked for."""
    wanted = (request.params.text("fields") or "quota_usage").split(",")
    with world.state.lock:
        known = {
            "quota_usage": quota_usage(world, request.account_id),
            "config": {"quota_total": world.settings.quota_total, "quota_duration": DAY},
        }
    for name in wanted:
        if name not in known:
            raise errors.unknown_field(name, "ContentPublishingLimit")
    return {"data": [{name: known[name] for name in wanted}]}
