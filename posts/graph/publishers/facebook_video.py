"""A Page's video and reel: uploaded in a session, which returns the video's id before the first byte; then finished.

A reel is not listed among the Page's posts, and a video gets its post id only after processing: `find` reads the video
itself.
"""

from collections.abc import Collection
from datetime import datetime
from typing import IO, Any

from posts.graph import client
from posts.graph.account import Account
from posts.graph.errors import Ambiguous, GraphError, InvalidRequest, NotFound, RestageRequired, Transient
from posts.graph.parsing import dig, full_id
from posts.graph.publishers.approved_media import open_approved_media
from posts.graph.publishers.base import LookupResult, LookupStatus, PostPayload, Save, Staged, get_id

CHUNK = 8 * 1024 * 1024  # bytes; limits the ranges that the platform requests
BROKEN = {"error", "upload_failed", "expired"}


def stage_video(account: Account, post: PostPayload, staged: Staged, save: Save) -> Staged:
    """Start a session and transfer the ranges of bytes that the platform requests."""
    if staged.get("ready"):
        return staged
    with open_approved_media(post) as (file, facts):
        _check_is_video(facts.content_type)
        if not staged.get("session"):
            staged = _start_video(account, facts.size)
            save(staged)
        while staged["start"] < staged["end"]:
            staged = {**staged, **_transfer(account, staged, file)}
            save(staged)
    staged = {**staged, "ready": True}
    save(staged)
    return staged


def _start_video(account: Account, size: int) -> Staged:
    response = client.post_unpublished(
        account, f"{account.platform_id}/videos", {"upload_phase": "start", "file_size": str(size)}
    )
    video, session = get_id(response, "video_id"), get_id(response, "upload_session_id")
    if not (video and session):
        raise Transient("The platform started an upload and returned no session")
    return {"kind": "video", "video": video, "session": session, **_byte_range(response), "ready": False}


def _transfer(account: Account, staged: Staged, file: IO[bytes]) -> dict[str, int]:
    start, end = staged["start"], min(staged["end"], staged["start"] + CHUNK)
    file.seek(start)
    response = client.post_unpublished(
        account,
        f"{account.platform_id}/videos",
        {"upload_phase": "transfer", "upload_session_id": staged["session"], "start_offset": str(start)},
        {"video_file_chunk": ("chunk", file.read(end - start), "application/octet-stream")},
    )
    return _byte_range(response)


def _byte_range(response: dict[str, Any]) -> dict[str, int]:
    try:
        return {"start": int(response["start_offset"]), "end": int(response["end_offset"])}
    except (KeyError, TypeError, ValueError):
        pass
    raise Transient("The platform returned no range of the video to upload")


def stage_reel(account: Account, post: PostPayload, staged: Staged, save: Save) -> Staged:
    """Start an upload and send the approved bytes, not their URL: the platform could fetch other bytes."""
    if staged.get("ready"):
        return staged
    with open_approved_media(post) as (file, facts):
        _check_is_video(facts.content_type)
        resumed = bool(staged.get("upload"))
        if not resumed:
            response = client.post_unpublished(account, f"{account.platform_id}/video_reels", {"upload_phase": "start"})
            video, upload = get_id(response, "video_id"), get_id(response, "upload_url")
            if not (video and upload):
                raise Transient("The platform started an upload and returned no URL for it")
            staged = {"kind": "reel", "video": video, "upload": upload, "ready": False}
            save(staged)
        _upload(account, staged["upload"], file, facts.size, resumed=resumed)
    staged = {**staged, "ready": True}
    save(staged)
    return staged


def _upload(account: Account, url: str, file: IO[bytes], size: int, *, resumed: bool) -> None:
    refused: InvalidRequest
    try:
        client.upload(account, url, file, size)
        return
    except InvalidRequest as error:
        refused = error
    if resumed:
        # The platform may have received a part before, and such an upload cannot start again.
        raise RestageRequired(str(refused), code=refused.code, subcode=refused.subcode, trace=refused.trace)
    raise refused


def _check_is_video(content_type: str) -> None:
    if not content_type.startswith("video/"):
        raise InvalidRequest("The media is an image, not a video")


def commit_video(account: Account, post: PostPayload, staged: Staged) -> str:
    params = {"upload_session_id": staged.get("session", ""), "description": post.caption}
    return _finish(account, "videos", params, staged)


def commit_reel(account: Account, post: PostPayload, staged: Staged) -> str:
    params = {"video_id": staged.get("video", ""), "video_state": "PUBLISHED", "description": post.caption}
    return _finish(account, "video_reels", params, staged)


def _finish(account: Account, edge: str, params: dict[str, str], staged: Staged) -> str:
    if not staged.get("ready"):
        raise RestageRequired("There is no uploaded video")
    refused: GraphError
    try:
        response = client.post_public(account, f"{account.platform_id}/{edge}", {"upload_phase": "finish", **params})
    except (InvalidRequest, RestageRequired, NotFound) as error:
        refused = error
    else:
        return full_id(account, get_id(response, "post_id"))
    # The error is the same for a broken session and for a finished one: the video's state decides.
    result, broken = _look_up(account, staged)
    codes = {"code": refused.code, "subcode": refused.subcode}
    if result.verdict is not LookupStatus.NOT_FOUND:
        raise Ambiguous(f"{refused} It may have been finished before", **codes, trace=refused.trace)
    if broken:
        raise RestageRequired(str(refused), **codes, trace=refused.trace)
    raise refused


def find(
    account: Account, _post: PostPayload, staged: Staged, *, since: datetime, claimed: Collection[str]
) -> LookupResult:
    """Read our own video. This is exact, so `since` and `claimed` are not needed."""
    del since, claimed
    return _look_up(account, staged)[0] if staged.get("video") else LookupResult(LookupStatus.NOT_FOUND)


def _look_up(account: Account, staged: Staged) -> tuple[LookupResult, bool]:
    """Return the result, and whether the video has failed on the platform for good."""
    try:
        video = client.get(account, staged["video"], fields="published,post_id,permalink_url,status")
    except GraphError:
        # A new video can be denied for seconds: 100/33 does not mean that it failed.
        return LookupResult(LookupStatus.UNKNOWN), False
    uploading, processing, publishing = (
        dig(video, "status", f"{phase}_phase", "status") for phase in ("uploading", "processing", "publishing")
    )
    post_id = full_id(account, get_id(video, "post_id"))
    if video.get("published") is True or publishing == "complete":
        return LookupResult(LookupStatus.PUBLISHED, post_id), False
    if dig(video, "status", "video_status") in BROKEN or "error" in (uploading, processing, publishing):
        return LookupResult(LookupStatus.NOT_FOUND), True
    if post_id or "in_progress" in (processing, publishing):
        return LookupResult(LookupStatus.PROCESSING), False
    if video.get("published") is False and publishing == "not_started":
        return LookupResult(LookupStatus.NOT_FOUND), False
    return LookupResult(LookupStatus.UNKNOWN), False


def discard(account: Account, staged: Staged) -> None:
    """Delete the video, unless it is published or that is unknown."""
    if not staged.get("video") or _look_up(account, staged)[0].verdict is not LookupStatus.NOT_FOUND:
        return
    try:
        client.delete(account, staged["video"])
    except GraphError:
        return
