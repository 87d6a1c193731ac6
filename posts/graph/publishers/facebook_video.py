"""A Page's video and reel: uploaded in a session, which gives the video's id before any byte moves; then finished.

A reel does not show among the Page's posts, and a video's post id comes only after processing: the video itself is
what is read back.
"""

from collections.abc import Collection
from datetime import datetime
from typing import IO, Any

from posts.graph import client
from posts.graph.account import Account
from posts.graph.errors import Ambiguous, GraphError, InvalidRequest, NotFound, RestageRequired, Transient
from posts.graph.publishers.approved_media import open_approved_media
from posts.graph.publishers.base import LookupResult, LookupStatus, PostPayload, Save, Staged, get_id

CHUNK = 8 * 1024 * 1024  # bytes; the platform asks for spans, this bounds them
BROKEN = {"error", "upload_failed", "expired"}


def stage_video(account: Account, item: PostPayload, staged: Staged, save: Save) -> Staged:
    """Start a session and transfer the bytes, span by span as the platform asks for them."""
    if staged.get("ready"):
        return staged
    with open_approved_media(item) as (file, facts):
        _check_film(facts.content_type)
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
    said = client.post_unpublished(
        account, f"{account.platform_id}/videos", {"upload_phase": "start", "file_size": str(size)}
    )
    video, session = get_id(said, "video_id"), get_id(said, "upload_session_id")
    if not (video and session):
        raise Transient("The platform started an upload and named no session")
    return {"kind": "video", "video": video, "session": session, **_span(said), "ready": False}


def _transfer(account: Account, staged: Staged, file: IO[bytes]) -> dict[str, int]:
    start, end = staged["start"], min(staged["end"], staged["start"] + CHUNK)
    file.seek(start)
    said = client.post_unpublished(
        account,
        f"{account.platform_id}/videos",
        {"upload_phase": "transfer", "upload_session_id": staged["session"], "start_offset": str(start)},
        {"video_file_chunk": ("chunk", file.read(end - start), "application/octet-stream")},
    )
    return _span(said)


def _span(said: dict[str, Any]) -> dict[str, int]:
    try:
        return {"start": int(said["start_offset"]), "end": int(said["end_offset"])}
    except (KeyError, TypeError, ValueError):
        pass
    raise Transient("The platform did not say which part of the video it wants")


def stage_reel(account: Account, item: PostPayload, staged: Staged, save: Save) -> Staged:
    """Start an upload and send the bytes: not their address, so that what goes live is what was approved."""
    if staged.get("ready"):
        return staged
    with open_approved_media(item) as (file, facts):
        _check_film(facts.content_type)
        resumed = bool(staged.get("upload"))
        if not resumed:
            said = client.post_unpublished(account, f"{account.platform_id}/video_reels", {"upload_phase": "start"})
            staged = {
                "kind": "reel",
                "video": get_id(said, "video_id"),
                "upload": get_id(said, "upload_url"),
                "ready": False,
            }
            if not (staged["video"] and staged["upload"]):
                raise Transient("The platform started an upload and named no place for it")
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
        # A part of it may have arrived before, and the upload does not start over.
        raise RestageRequired(str(refused), code=refused.code, subcode=refused.subcode, trace=refused.trace)
    raise refused


def _check_film(content_type: str) -> None:
    if not content_type.startswith("video/"):
        raise InvalidRequest("The media is a picture, not a video")


def commit_video(account: Account, item: PostPayload, staged: Staged) -> str:
    session = staged.get("session", "")
    params = {"upload_phase": "finish", "upload_session_id": session, "description": item.caption}
    return _finish(account, "videos", params, staged)


def commit_reel(account: Account, item: PostPayload, staged: Staged) -> str:
    video = staged.get("video", "")
    params = {
        "upload_phase": "finish", "video_id": video, "video_state": "PUBLISHED", "description": item.caption,
    }  # fmt: skip
    return _finish(account, "video_reels", params, staged)


def _finish(account: Account, edge: str, params: dict[str, str], staged: Staged) -> str:
    if not staged.get("ready"):
        raise RestageRequired("There is no uploaded video")
    refused: GraphError
    try:
        said = client.post_public(account, f"{account.platform_id}/{edge}", params)
    except (InvalidRequest, RestageRequired, NotFound) as error:
        refused = error
    else:
        return _full(account, get_id(said, "post_id"))
    # The same words refuse a session that is spoilt and one that is finished already: the video itself tells.
    seen, broken = _look(account, staged)
    told = {"code": refused.code, "subcode": refused.subcode}
    if seen.verdict is not LookupStatus.NOT_FOUND:
        raise Ambiguous(f"{refused} It may have been finished before", **told, trace=refused.trace)
    if broken:
        raise RestageRequired(str(refused), **told, trace=refused.trace)
    raise refused


def find(
    account: Account, _item: PostPayload, staged: Staged, *, since: datetime, claimed: Collection[str]
) -> LookupResult:
    """What the platform says of our own video. Exact, so that `since` and `claimed` have nothing to add."""
    del since, claimed
    return _look(account, staged)[0] if staged.get("video") else LookupResult(LookupStatus.NOT_FOUND)


def _look(account: Account, staged: Staged) -> tuple[LookupResult, bool]:
    """Return the finding, and whether the video failed on the platform's side for good."""
    try:
        said = client.get(account, staged["video"], fields="published,post_id,permalink_url,status")
    except GraphError:
        # A video that was just made can be denied for seconds: 100/33 proves nothing.
        return LookupResult(LookupStatus.UNKNOWN), False
    told = said.get("status")
    status: dict[str, Any] = told if isinstance(told, dict) else {}
    phases = {name: _phase(status, name) for name in ("uploading_phase", "processing_phase", "publishing_phase")}
    post_id = _full(account, get_id(said, "post_id"))
    if said.get("published") is True or phases["publishing_phase"] == "complete":
        return LookupResult(LookupStatus.PUBLISHED, post_id), False
    if status.get("video_status") in BROKEN or "error" in phases.values():
        return LookupResult(LookupStatus.NOT_FOUND), True
    if post_id or "in_progress" in {phases["processing_phase"], phases["publishing_phase"]}:
        return LookupResult(LookupStatus.PROCESSING), False
    if said.get("published") is False and phases["publishing_phase"] == "not_started":
        return LookupResult(LookupStatus.NOT_FOUND), False
    return LookupResult(LookupStatus.UNKNOWN), False


def _phase(status: dict[str, Any], name: str) -> str:
    phase = status.get(name)
    return str(phase.get("status", "")) if isinstance(phase, dict) else ""


def discard(account: Account, staged: Staged) -> None:
    """Delete the video, unless it went out or nobody can tell."""
    if not staged.get("video") or _look(account, staged)[0].verdict is not LookupStatus.NOT_FOUND:
        return
    try:
        client.delete(account, staged["video"])
    except GraphError:
        return


def _full(account: Account, post_id: str) -> str:
    """Return the id in the form that every edge takes, {page}_{post}."""
    return post_id if not post_id or "_" in post_id else f"{account.platform_id}_{post_id}"
