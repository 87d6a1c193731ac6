"""Inspects media in a worker: fetches and stores it with its hash and measures before a reviewer decides."""

from typing import Any

from django.core.cache import cache
from django.db import transaction

from accounts import clock
from accounts.domain.actors import WORKER
from posts.domain import media_store
from posts.domain.media_store import Inspection
from posts.graph.media import MediaUnavailable
from posts.graph.safe_http import FETCH_SECONDS
from posts.models import MediaFile
from scheduling.domain.audit import record_post_event
from scheduling.domain.preflight.checks import store_levels
from scheduling.domain.validation import infer_media_type
from scheduling.lifecycle import EDITABLE, Status
from scheduling.models import ScheduledPost

NEITHER = "The address serves neither an image nor a video"


def awaiting_inspection(post: ScheduledPost) -> bool:
    """Whether the post waits for approval and its media is not inspected yet."""
    return bool(post.status == Status.WAITING_FOR_APPROVAL and post.media and post.media_checked_at is None)


def inspect_media_once(post_id: str, version: int) -> str:
    """Do `inspect_media` unless another worker is doing so.

    The sweep enqueues the task again while it waits for a slow host, which must not occupy several threads.
    """
    key = f"inspecting:{post_id}:{version}"
    if not cache.add(key, 1, timeout=FETCH_SECONDS):
        return ""
    try:
        return inspect_media(post_id, version)
    finally:
        cache.delete(key)


def inspect_media(post_id: str, version: int) -> str:
    """Fetch the media of an editable post and store it; return the hash of the stored copy, empty without one.

    Nothing is fetched while the post has a stored copy: that one was shown, and it is the one that is published.
    A review page that showed other bytes can no longer be approved: the digest covers the hash. For a post that waits
    for approval, the level of its checks is stored as well.
    """
    editable = ScheduledPost.objects.select_related("organization").filter(status__in=EDITABLE)
    post = editable.filter(pk=post_id, version=version).first()
    if post is None or not post.media:
        return ""
    if post.media_file_id is not None:
        return post.media_sha256
    media_file: MediaFile | None = None
    link_image: MediaFile | None = None
    try:
        seen = media_store.inspect(post.organization, post.media)
    except MediaUnavailable as error:
        metadata: dict[str, Any] = {"problem": str(error)[:300], "passing": error.passing}
    else:
        media_file, link_image = seen.media_file, seen.image
        metadata = _describe(post.media, seen)
        if media_file is None and infer_media_type(post.media, post.media_type):
            metadata, link_image = {"problem": NEITHER, "passing": False}, None
    sha256 = media_file.sha256 if media_file else ""
    columns = {"media_file": media_file, "media_sha256": sha256, "media_metadata": metadata, "link_image": link_image}
    # Of two workers that inspect the same media, the first one's copy stays.
    unchanged = ScheduledPost.objects.filter(
        pk=post.pk, version=version, status__in=EDITABLE, media=post.media, media_file=None
    )
    with transaction.atomic():
        if not unchanged.update(**columns, media_checked_at=clock.now()):
            return ""
        if sha256 != post.media_sha256:
            post.media_sha256 = sha256
            record_post_event(WORKER, "inspect", post, str(post.status))
    waiting = ScheduledPost.objects.for_wire().filter(pk=post.pk, status=Status.WAITING_FOR_APPROVAL)
    store_levels(list(waiting))
    return sha256


def _describe(url: str, seen: Inspection) -> dict[str, Any]:
    """Return the `media_metadata` of an inspection."""
    moved = {"finalUrl": seen.final_url} if seen.final_url != url.partition("#")[0].partition("?")[0] else {}
    if seen.media_file is None:
        return {"link": {"title": seen.title}, **moved}
    stored = seen.media_file
    return {
        "contentType": stored.content_type,
        "size": stored.size,
        "width": stored.width,
        "height": stored.height,
        "seconds": stored.seconds,
        "changes": stored.changes,
        **moved,
    }
