"""`POST /{page}/videos` and `POST /{page}/video_reels`, with their uploads."""

from itertools import takewhile
from typing import Any

from dynamo.sandbox import errors
from dynamo.sandbox.auth import authenticate
from dynamo.sandbox.errors import Refusal
from dynamo.sandbox.facebook import check_window, put_post, rewrite, visibility
from dynamo.sandbox.http import Request
from dynamo.sandbox.media import content_type, fetch
from dynamo.sandbox.models import Video
from dynamo.sandbox.state import SandboxContext, now

DAY = 86_400  # seconds
LARGEST = 64 * 1024 * 1024


def create_video(context: SandboxContext, request: Request) -> dict[str, Any]:
    phase = request.params.text("upload_phase")
    phases = {"start": _start_video, "transfer": _transfer_video, "finish": _finish_video, "": _in_one_call}
    if phase not in phases:
        raise errors.invalid(f"Param upload_phase must be one of start, transfer, finish: {phase}")
    return phases[phase](context, request)


def _start_video(context: SandboxContext, request: Request) -> dict[str, Any]:
    size = request.params.whole("file_size")
    if not 0 < size <= LARGEST:
        raise errors.invalid("Param file_size is missing or out of range")
    state = context.state
    with state.lock:
        number = state.mint("1", 14)
        video = Video(number, request.account_id, "video", now(), f"9{number[1:]}", size)
        state.uploads[video.id] = bytearray()
        state.put(video)
        return {"video_id": video.id, "upload_session_id": video.session, **_span(context, video)}


def _span(context: SandboxContext, video: Video) -> dict[str, str]:
    """Return the next span to send; both offsets are equal after the last byte."""
    end = min(video.size, video.received + context.settings.video_chunk_bytes)
    return {"start_offset": str(video.received), "end_offset": str(end)}


def _of_session(context: SandboxContext, request: Request) -> Video:
    session = request.params.text("upload_session_id")
    video = context.state.find(f"1{session[1:]}")
    if isinstance(video, Video) and video.session == session and video.account == request.account_id and not video.post:
        return video
    raise Refusal(100, "(#100) Invalid upload session", subcode=1363041, shown=("Invalid session", "Start again."))


def _transfer_video(context: SandboxContext, request: Request) -> dict[str, Any]:
    chunk = request.params.files.get("video_file_chunk", b"")
    state = context.state
    with state.lock:
        video = _of_session(context, request)
        if video.sha256 and video.received == video.size:
            return _span(context, video)
        kept = state.uploads.setdefault(video.id, bytearray())
        video.received = len(kept)
        if request.params.whole("start_offset", -1) != video.received or not chunk:
            message = "There was a problem uploading your video file. Please try again with another file."
            shown = ("Video Upload Chunk Is Out Of Order", "Send the span that was asked for.")
            raise Refusal(6001, message, subcode=1363037, shown=shown, data=_span(context, video))
        if len(kept) + len(chunk) > video.size:
            raise errors.invalid("The chunk reaches beyond file_size")
        kept += chunk
        _receive(context, video, whole=len(kept) == video.size)
        return _span(context, video)


def _receive(context: SandboxContext, video: Video, *, whole: bool) -> None:
    """Update a video after a chunk, and store its bytes when they are `whole`. The caller holds the lock."""
    kept = context.state.uploads[video.id]
    video.received = len(kept)
    if whole:
        data = bytes(kept)
        kept.clear()
        video.sha256 = _store(context, data)
        del context.state.uploads[video.id]
    context.state.put(video)


def _store(context: SandboxContext, data: bytes) -> str:
    if content_type(data) != "video/mp4":
        raise Refusal(6000, "(#6000) There was a problem uploading your video file.", subcode=1363024)
    return context.state.media.put(data)


def _finish_video(context: SandboxContext, request: Request) -> dict[str, Any]:
    with context.state.lock:
        session = request.params.text("upload_session_id")
        context.state.calls[f"session:{session}"] += 1
        video = _of_session(context, request)
        if not video.sha256:
            raise Refusal(6001, "The upload is not complete.", subcode=1363037, data=_span(context, video))
        _put_on_page(context, request, video, visibility(request, context.settings), f"session:{session}")
        return {"success": True}


def _in_one_call(context: SandboxContext, request: Request) -> dict[str, Any]:
    """Take `file_url` or multipart `source`. The response has no post id, so a lost response leaves no handle."""
    url = request.params.text("file_url")
    data = request.params.files.get("source") or (fetch(url) if url else b"")
    digest = _store(context, data)
    with context.state.lock:
        visible = visibility(request, context.settings)
        video = Video(
            context.state.mint("1", 14), request.account_id, "video", now(),
            size=len(data), received=len(data), sha256=digest, media_url=url,
        )  # fmt: skip
        context.state.calls[f"video:{video.id}"] += 1
        _put_on_page(context, request, video, visible, f"video:{video.id}")
        return {"id": video.id}


def _put_on_page(
    context: SandboxContext, request: Request, video: Video, visible: tuple[float | None, float | None], key: str
) -> None:
    """Create the post of a complete video, visible after its processing. The caller holds the lock."""
    video.description = rewrite(context, request.params.text("description"))
    video.title = request.params.text("title")
    video.ready_at = now() + context.settings.video_seconds
    visible_at, scheduled = visible
    if video.kind == "video" and context.settings.video_becomes != "video":
        video.kind = "reel"
        if context.settings.video_becomes == "reel_draft":
            visible_at, scheduled = None, None
    post = put_post(
        context, request, (None if visible_at is None else max(visible_at, video.ready_at), scheduled),
        kind=video.kind, message=video.description, video=video.id, media_url=video.media_url, sha256=video.sha256,
        key=key,
    )  # fmt: skip
    video.post = post.id
    context.state.put(video)


def create_reel(context: SandboxContext, request: Request) -> dict[str, Any]:
    match request.params.text("upload_phase"):
        case "start":
            with context.state.lock:
                video = Video(context.state.mint("1", 14), request.account_id, "reel", now())
                context.state.put(video)
            return {"video_id": video.id, "upload_url": f"{context.url}/video-upload/{request.version}/{video.id}"}
        case "finish":
            return _finish_reel(context, request)
        case other:
            raise errors.invalid(f"Param upload_phase must be one of start, finish: {other}")


def _check_reels(context: SandboxContext, account_id: str) -> None:
    """Raise 9 when the Page has used up its reels of a rolling day; deleted ones count. The caller holds the lock."""
    since = now() - DAY
    posts = reversed(context.state.posts.get(account_id, []))
    recent = takewhile(lambda post: post.created_at > since, posts)
    if sum(post.kind == "reel" and post.visible_at is not None for post in recent) >= context.settings.reels_per_day:
        raise errors.reels_used_up()


def _unpublished_reel(context: SandboxContext, request: Request, video_id: str) -> Video:
    video = context.state.find(video_id)
    if not isinstance(video, Video) or video.kind != "reel" or video.account != request.account_id:
        raise errors.missing("post", video_id)
    if video.post:
        raise errors.invalid("The video was published already")
    return video


def upload_reel(context: SandboxContext, request: Request, video_id: str) -> dict[str, Any]:
    """Take the bytes from the URL in the `file_url` header, or the body with `offset` and `file_size` headers.

    The upload host answers errors in a shape of its own: UploadRefusal.
    """
    request.account = authenticate(request, context.state, context.settings)
    url = request.headers.get("file_url", "")
    data = _fetch_video(url) if url else request.body
    offset = _number_header(request, "offset")
    size = len(data) if url else _number_header(request, "file_size")
    if not 0 < size <= LARGEST:
        raise errors.invalid("Header file_size is missing or out of range")
    with context.state.lock:
        video = _unpublished_reel(context, request, video_id)
        kept = context.state.uploads.setdefault(video.id, bytearray())
        if url:
            kept.clear()
        elif video.sha256 or offset != len(kept):
            received = video.size if video.sha256 else len(kept)
            message = f"Offset {offset} does not match the {received} bytes that were received"
            raise errors.UploadRefusal("OffsetInvalidError", message, status=412)
        kept += data
        video.size, video.media_url = size, url
        if len(kept) > size or (len(kept) == size and content_type(bytes(kept)) != "video/mp4"):
            kept.clear()
            raise errors.UploadRefusal("ProcessingFailedError", "The file is not a video", status=422)
        _receive(context, video, whole=len(kept) == size)
        if not video.sha256:
            raise errors.partial_upload()
    return {"success": True}


def _fetch_video(url: str) -> bytes:
    try:
        return fetch(url)
    except Refusal as refusal:
        raise errors.UploadRefusal("FileUrlProcessingError", refusal.message, status=422) from None


def _number_header(request: Request, header: str) -> int:
    given = request.headers.get(header, "0")
    if not given.isdecimal():
        raise errors.invalid(f"Header {header} must be a number")
    return int(given)


def _finish_reel(context: SandboxContext, request: Request) -> dict[str, Any]:
    video_id = request.params.text("video_id")
    wanted = request.params.text("video_state")
    scheduled = request.params.timestamp("scheduled_publish_time")
    with context.state.lock:
        context.state.calls[f"reel:{video_id}"] += 1
        video = _unpublished_reel(context, request, video_id)
        if not video.sha256:
            raise errors.invalid("The video has not been uploaded")
        if wanted == "SCHEDULED" and scheduled is not None:
            check_window(scheduled, context.settings)
        elif wanted not in {"PUBLISHED", "DRAFT"}:
            raise errors.invalid("Param video_state must be one of DRAFT, PUBLISHED, SCHEDULED")
        if wanted == "PUBLISHED":
            _check_reels(context, request.account_id)
        visible_at = {"PUBLISHED": now(), "DRAFT": None, "SCHEDULED": scheduled}[wanted]
        _put_on_page(context, request, video, (visible_at, scheduled), f"reel:{video_id}")
        return {"success": True}
