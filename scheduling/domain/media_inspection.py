"""Inspects media in a worker: fetches it and stores its hash and measures before a reviewer decides."""

from typing import Any

from django.core.cache import cache
from django.db import transaction

from accounts import clock
from accounts.domain.actors import WORKER
from posts.graph.media import MediaUnavailable, inspect
from posts.graph.safe_http import FETCH_SECONDS
from scheduling.domain.audit import record_post_event
from scheduling.domain.preflight.checks import store_levels
from scheduling.lifecycle import EDITABLE, Status
from scheduling.models import ScheduledPost


def awaiting_inspection(post: ScheduledPost) -> bool:
    """Whether the post waits for approval and its media is not inspected; the approval shall cover the hash.

    Media that could not be fetched counts as inspected: a check reports it, and an approval covers the URL only.
    """
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
    """Fetch the media of an editable post, store hash, type, size and measures; return the hash, empty on failure.

    A review page that showed other bytes can no longer be approved: the digest covers the hash. For a post that waits
    for approval, the level of its checks is stored as well.
    """
    post = ScheduledPost.objects.filter(pk=post_id, version=version, status__in=EDITABLE).first()
    if post is None or not post.media:
        return ""
    sha256 = ""
    metadata: dict[str, Any]
    try:
        facts = inspect(post.media)
    except MediaUnavailable as error:
        metadata = {"problem": str(error)[:300], "passing": error.passing}
    else:
        sha256 = facts.sha256
        metadata = {
            "contentType": facts.content_type,
            "size": facts.size,
            "width": facts.width,
            "height": facts.height,
            "seconds": facts.seconds,
        }
    unchanged = ScheduledPost.objects.filter(pk=post.pk, version=version, status__in=EDITABLE, media=post.media)
    with transaction.atomic():
        if not unchanged.update(media_sha256=sha256, media_metadata=metadata, media_checked_at=clock.now()):
            return ""
        if sha256 != post.media_sha256:
            post.media_sha256 = sha256
            record_post_event(WORKER, "inspect", post, str(post.status))
    waiting = ScheduledPost.objects.for_wire().filter(pk=post.pk, status=Status.WAITING_FOR_APPROVAL)
    store_levels(list(waiting))
    return sha256
