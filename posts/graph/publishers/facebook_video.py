"""A Page's video and reel: uploaded in a session, which returns the video's id before the first byte; then finished.

A reel is not listed among the Page's posts, and a video gets its post id only after processing: `find` reads the video
itself.
"""

from collections.abc import Collection
from datetime import datetime
from typing import IO, Any

from posts.graph import client, errors
from posts.graph.account import Account
from posts.graph.errors import GraphError
from posts.graph.feed import iter_recent, same_text
from posts.graph.parsing import dig, full_id
from posts.graph.publishers import base
from posts.graph.publishers.base import LookupResult, LookupStatus, PostPayload, Save, Staged

CHUNK = 8 * 1024 * 1024  # bytes; limits the ranges that the platform requests
# Values of `video_status`, which decides: after a finish it is "processing", also while all phases are "not_started"
# (graph-api, section 11a). Before a finish it is one of UNFINISHED.
BROKEN = {"error", "upload_failed", "expired"}
UNFINISHED = {"upload_required", "uploading", "upload_complete"}
DRAFT = "Facebook made a draft of a reel out of it. Publish or delete the draft in Meta Business Suite"


def stage(account: Account, post: PostPayload, staged: Staged, save: Save) -> Staged:
    """Upload the stored bytes, not their URL: the platform could fetch other bytes."""
    if staged.get("ready"):
        return staged
    if post.stored is not None and not post.stored.content_type.startswith("video/"):
        raise errors.InvalidRequest("The media is an image, not a video")
    upload = _upload_reel if post.type == "REEL" else _upload_video
    with base.open_approved_media(post) as file:
        size = post.stored.size if post.stored else 0
        staged = {**upload(account, staged, save, file, size), "ready": True}
    save(staged)
    return staged


def _upload_video(account: Account, staged: Staged, save: Save, file: IO[bytes], size: int) -> Staged:
    """Start a session and transfer the ranges of bytes that the platform requests."""
    if not staged.get("session"):
        response = client.post_unpublished(
            account, f"{account.platform_id}/videos", {"upload_phase": "start", "file_size": str(size)}
        )
        video, session = base.get_id(response, "video_id"), base.get_id(response, "upload_session_id")
        if not (video and session):
            raise errors.Transient("The platform started an upload and returned no session")
        staged = {"kind": "video", "video": video, "session": session, **_byte_range(response), "ready": False}
        save(staged)
    while staged["start"] < staged["end"]:
        staged = {**staged, **_transfer(account, staged, file)}
        save(staged)
    return staged


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
        raise errors.Transient("The platform returned no range of the video to upload") from None


def _upload_reel(account: Account, staged: Staged, save: Save, file: IO[bytes], size: int) -> Staged:
    """Upload the whole file from its first byte.

    An upload that was interrupted is not resumed: the upload host refuses the offset 0 (412, OffsetInvalidError), and
    the reel is staged again in a new session. No source names the field in which the host states the next offset
    (graph-api, section 11a, row 2); a guessed one could join two parts of the file wrongly. Nothing of a session is
    visible before it is finished. A video's session (`_upload_video`) is resumed: its answers carry `start_offset`.
    """
    if staged.get("upload"):
        # The answer to the last upload may have been lost: the platform refuses bytes that it has.
        node = client.get(account, staged["video"], fields="status")
        if dig(node, "status", "uploading_phase", "status") == "complete":
            return staged
    else:
        response = client.post_unpublished(account, f"{account.platform_id}/video_reels", {"upload_phase": "start"})
        video, upload = base.get_id(response, "video_id"), base.get_id(response, "upload_url")
        if not (video and upload):
            raise errors.Transient("The platform started an upload and returned no URL for it")
        staged = {"kind": "reel", "video": video, "upload": upload, "ready": False}
        save(staged)
    client.upload(account, staged["upload"], file, size)
    return staged


def commit(account: Account, post: PostPayload, staged: Staged) -> str:
    if not staged.get("ready"):
        raise errors.RestageRequired("There is no uploaded video")
    if post.type == "REEL":
        edge, target = "video_reels", {"video_id": staged.get("video", ""), "video_state": "PUBLISHED"}
    else:
        edge, target = "videos", {"upload_session_id": staged.get("session", "")}
    params = {"upload_phase": "finish", **target, "description": post.caption}
    try:
        response = client.post_public(account, f"{account.platform_id}/{edge}", params)
    except (errors.InvalidRequest, errors.RestageRequired, errors.NotFound) as error:
        # The error is the same for a broken session and for a finished one: the video's state decides.
        result, broken = _look_up(account, staged)
        if result.verdict is not LookupStatus.NOT_FOUND:
            raise error.as_kind(errors.Ambiguous, f"{error} It may have been finished before") from None
        if broken:
            raise error.as_kind(errors.RestageRequired) from None
        raise
    return full_id(account, base.get_id(response, "post_id"))


def find(
    account: Account, _post: PostPayload, staged: Staged, *, since: datetime, claimed: Collection[str]
) -> LookupResult:
    """Read our own video. This is exact, so `since` and `claimed` are not needed."""
    del since, claimed
    return _look_up(account, staged)[0] if staged.get("video") else LookupResult(LookupStatus.NOT_FOUND)


def find_reel_by_text(
    account: Account, caption: str, *, since: datetime, claimed: Collection[str], until: datetime | None = None
) -> LookupResult:
    """Look for an unclaimed reel of the Page with this text, without an id of ours.

    UNKNOWN when there are others; with `until`, others without a text, when this has none.
    """
    certain, others = [], False
    fields = "id,created_time,description,post_id,published"
    try:
        for node in iter_recent(account, "video_reels", fields, since=since, until=until, stamp="created_time"):
            post_id = full_id(account, base.get_id(node, "post_id"))
            if node.get("published") is False or (post_id and post_id in claimed):
                continue
            same = same_text(node.get("description"), caption)
            if same and caption.strip():
                certain.append(post_id)
            elif same or until is None:
                others = True
    except GraphError:
        return LookupResult(LookupStatus.UNKNOWN)
    if certain:
        return LookupResult.published(certain)
    return LookupResult(LookupStatus.UNKNOWN if others else LookupStatus.NOT_FOUND)


def _look_up(account: Account, staged: Staged) -> tuple[LookupResult, bool]:
    """Return the result, and whether the video has failed on the platform for good."""
    try:
        video = client.get(account, staged["video"], fields="published,post_id,permalink_url,status")
    except GraphError:
        # A new video can be denied for seconds: 100/33 does not mean that it failed.
        return LookupResult(LookupStatus.UNKNOWN), False
    return _state_of(account, video)


def _state_of(account: Account, video: dict[str, Any]) -> tuple[LookupResult, bool]:
    """Return the result and whether the video has failed for good, by the first rule that applies."""
    uploading, processing, publishing = (
        dig(video, "status", f"{phase}_phase", "status") for phase in ("uploading", "processing", "publishing")
    )
    state = str(dig(video, "status", "video_status"))
    is_draft = dig(video, "status", "publishing_phase", "publish_status") == "draft"
    published, post_id = video.get("published"), full_id(account, base.get_id(video, "post_id"))
    is_unfinished = published is False and state in UNFINISHED and publishing in (None, "not_started")
    rules = [
        (published is True, LookupResult(LookupStatus.PUBLISHED, post_id), False),
        (is_draft, LookupResult(LookupStatus.UNKNOWN, note=DRAFT), False),
        (publishing == "complete", LookupResult(LookupStatus.PUBLISHED, post_id), False),
        (state == "processing", LookupResult(LookupStatus.PROCESSING), False),
        (state in BROKEN or "error" in (uploading, processing, publishing), LookupResult(LookupStatus.NOT_FOUND), True),
        (bool(post_id) or "in_progress" in (processing, publishing), LookupResult(LookupStatus.PROCESSING), False),
        (is_unfinished, LookupResult(LookupStatus.NOT_FOUND), False),
    ]
    unknown = LookupResult(LookupStatus.UNKNOWN), False
    return next(((result, failed) for applies, result, failed in rules if applies), unknown)


def find_unpublished(account: Account, staged: Staged) -> str:
    """Return the video's id, unless it is published or being processed. Raises Transient when that is unknown."""
    video: str = staged.get("video", "")
    verdict = _look_up(account, staged)[0].verdict if video else LookupStatus.PUBLISHED
    if verdict is LookupStatus.UNKNOWN:
        raise errors.Transient("The platform does not show whether the video is published")
    return video if verdict is LookupStatus.NOT_FOUND else ""
