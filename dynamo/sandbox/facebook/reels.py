"""POST /{page}/video_reels and the upload address that its start phase names."""

from typing import Any

from dynamo.sandbox import errors
from dynamo.sandbox.auth import authenticate
from dynamo.sandbox.errors import Refusal
from dynamo.sandbox.facebook.scheduling import check_window
from dynamo.sandbox.facebook.videos import LARGEST, put_on_page, receive
from dynamo.sandbox.http import Request
from dynamo.sandbox.media import fetch
from dynamo.sandbox.models import Video
from dynamo.sandbox.state import SandboxContext, now


def create(world: SandboxContext, request: Request) -> dict[str, Any]:
    match request.params.text("upload_phase"):
        case "start":
            with world.state.lock:
                video = Video(world.state.mint("1", 14), request.account_id, "reel", now())
                world.state.put(video)
            return {"video_id": video.id, "upload_url": f"{world.url}/video-upload/{request.version}/{video.id}"}
        case "finish":
            return _finish(world, request)
        case other:
            raise errors.invalid(f"Param upload_phase must be one of start, finish: {other}")


def _own(world: SandboxContext, request: Request, video_id: str) -> Video:
    video = world.state.find(video_id)
    if not isinstance(video, Video) or video.kind != "reel" or video.account != request.account_id:
        raise errors.missing("post", video_id)
    return video


def upload(world: SandboxContext, request: Request, video_id: str) -> dict[str, Any]:
    """Take the bytes: from the address in the `file_url` header, or the body with `offset` and `file_size` headers."""
    request.account = authenticate(request, world.state, world.settings)
    url = request.headers.get("file_url", "")
    data = fetch(url).data if url else request.body
    offset = _number(request, "offset")
    size = len(data) if url else _number(request, "file_size")
    if not 0 < size <= LARGEST:
        raise errors.invalid("Header file_size is missing or out of range")
    with world.state.lock:
        video = _own(world, request, video_id)
        if video.post:
            raise errors.invalid("The video was published already")
        kept = world.state.uploads.setdefault(video.id, bytearray())
        if url:
            kept.clear()
        elif offset != len(kept):
            raise Refusal(100, "(#100) OffsetInvalidError", data={"start_offset": str(len(kept))})
        kept += data
        video.size, video.media_url = size, url
        receive(world, video, whole=len(kept) == size)
    return {"success": True}


def _number(request: Request, header: str) -> int:
    given = request.headers.get(header, "0")
    if not given.isdecimal():
        raise errors.invalid(f"Header {header} must be a number")
    return int(given)


def _finish(world: SandboxContext, request: Request) -> dict[str, Any]:
    video_id = request.params.text("video_id")
    wanted = request.params.text("video_state")
    scheduled = request.params.instant("scheduled_publish_time")
    with world.state.lock:
        world.state.calls[f"reel:{video_id}"] += 1
        video = _own(world, request, video_id)
        if video.post:
            raise errors.invalid("The video was published already")
        if not video.sha256:
            raise errors.invalid("The video has not been uploaded")
        if wanted == "SCHEDULED" and scheduled is not None:
            check_window(scheduled, world.settings)
        elif wanted not in {"PUBLISHED", "DRAFT"}:
            raise errors.invalid("Param video_state must be one of DRAFT, PUBLISHED, SCHEDULED")
        visible_at = {"PUBLISHED": now(), "DRAFT": None, "SCHEDULED": scheduled}[wanted]
        put_on_page(world, request, video, visible_at, scheduled, key=f"reel:{video_id}")
        return {"success": True}
