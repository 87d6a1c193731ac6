"""Inspects media in a worker: fetches and stores it with its hash and measures before a reviewer decides."""

from collections.abc import Sequence
from typing import Any

from django.core.cache import cache
from django.db import transaction
from django.db.models import QuerySet

from accounts import clock
from accounts.domain.actors import WORKER
from posts.domain import media_store
from posts.domain.media_store import Inspection
from posts.graph.media import MediaUnavailable, UnusableMedia
from posts.graph.safe_http import FETCH_SECONDS
from posts.models import MediaFile
from scheduling.domain.audit import record_post_event
from scheduling.domain.preflight.checks import store_levels
from scheduling.lifecycle import EDITABLE, Status
from scheduling.models import MediaItem, ScheduledPost

NEITHER = "The address serves neither an image nor a video"


def awaiting_inspection(post: ScheduledPost) -> bool:
    """Whether the post waits for approval and its media is not inspected yet."""
    return bool(post.status == Status.WAITING_FOR_APPROVAL and post.media and post.media_checked_at is None)


def inspect_media_once(post_id: str, version: int) -> str:
    """Do `inspect_media` unless another worker is doing so.

    The sweep enqueues the task again while it waits for a slow host, which must not occupy several threads.
    """
    key = f"inspecting:{post_id}:{version}"
    count = ScheduledPost.objects.filter(pk=post_id).values_list("media_count", flat=True).first() or 1
    if not cache.add(key, 1, timeout=FETCH_SECONDS * count):
        return ""
    try:
        return inspect_media(post_id, version)
    finally:
        cache.delete(key)


def inspect_media(post_id: str, version: int) -> str:
    """Fetch the media of an editable post and store it; return the hash of the stored copy, empty without one.

    Nothing is fetched while the post has a stored copy: that one was shown, and it is the one that is published.
    A review page that showed other bytes can no longer be approved: the digest covers the hash. For a post that waits
    for approval, the level of its checks is stored as well. Of a carousel each item is stored on its own.
    """
    editable = ScheduledPost.objects.select_related("organization").filter(status__in=EDITABLE)
    post = editable.filter(pk=post_id, version=version).first()
    if post is None or not post.media:
        return ""
    if post.items:
        return _inspect_items(post)
    if post.media_file_id is not None:
        return post.media_sha256
    columns = _inspect_address(post, post.media, post.media_type)
    # Of two workers that inspect the same media, the first one's copy stays.
    unchanged = ScheduledPost.objects.filter(
        pk=post.pk, version=version, status__in=EDITABLE, media=post.media, media_file=None
    )
    if not _store(post, unchanged, columns, changed=columns["media_sha256"] != post.media_sha256):
        return ""
    return str(columns["media_sha256"])


def _inspect_items(post: ScheduledPost) -> str:
    """Store each item of a carousel that has no copy yet; return the hash of the first, empty unless all are stored."""
    missing = [item for item in post.items if item.media_file_id is None]
    for item in missing:
        columns = _inspect_address(post, item.media, item.media_type, is_item=True)
        del columns["link_image"]
        # An edit of the post replaces the rows of its items.
        rows = MediaItem.objects.filter(pk=item.pk, media_file=None, post__status__in=EDITABLE)
        if not rows.update(**columns, media_checked_at=clock.now()):
            return ""
    if missing or post.media_checked_at is None:
        version = post.version
        post.refresh_from_db()
        if post.version != version or not post.items:
            return ""
        unchanged = ScheduledPost.objects.filter(pk=post.pk, version=version, status__in=EDITABLE)
        stored = any(item.media_file_id for item in post.items)
        if not _store(post, unchanged, first_item_columns(post.items), changed=bool(missing) and stored):
            return ""
    return "" if any(item.media_file_id is None for item in post.items) else post.items[0].media_sha256


def first_item_columns(items: Sequence[MediaItem]) -> dict[str, Any]:
    """Return the columns that the post of a carousel has of its first item, without what `media` names."""
    first = items[0]
    return {
        "media_file": first.media_file,
        "media_sha256": first.media_sha256,
        "media_metadata": first.media_metadata,
        "link_image": None,
    }


def _inspect_address(
    post: ScheduledPost, media: str, media_type: str | None, *, is_item: bool = False
) -> dict[str, Any]:
    """Fetch and store what the address serves; return the columns of the inspection."""
    media_file: MediaFile | None = None
    link_image: MediaFile | None = None
    try:
        seen = media_store.inspect(post.organization, media)
    except MediaUnavailable as error:
        metadata: dict[str, Any] = {"problem": str(error)[:300], "passing": error.passing}
        if isinstance(error, UnusableMedia):
            metadata["unusable"] = True
    else:
        media_file, link_image = seen.media_file, seen.image
        metadata = _describe(media, seen)
        if media_file is None and (is_item or media_type):
            metadata, link_image = {"problem": NEITHER, "passing": False}, None
    sha256 = media_file.sha256 if media_file else ""
    return {"media_file": media_file, "media_sha256": sha256, "media_metadata": metadata, "link_image": link_image}


def _store(post: ScheduledPost, unchanged: QuerySet[ScheduledPost], columns: dict[str, Any], *, changed: bool) -> bool:
    """Write the result of the inspection and, for changed content, its event; return whether it was written."""
    with transaction.atomic():
        if not unchanged.update(**columns, media_checked_at=clock.now()):
            return False
        if changed:
            post.media_sha256 = columns["media_sha256"]
            record_post_event(WORKER, "inspect", post, str(post.status))
    waiting = ScheduledPost.objects.for_wire().filter(pk=post.pk, status=Status.WAITING_FOR_APPROVAL)
    store_levels(list(waiting))
    return True


def _describe(url: str, seen: Inspection) -> dict[str, Any]:
    """Return the `media_metadata` of an inspection."""
    moved = {"finalUrl": seen.final_url} if seen.final_url != url.partition("#")[0].partition("?")[0] else {}
    if seen.media_file is None:
        return {"link": {"title": seen.title}, "contentType": "text/html", **moved}
    return {**describe_stored(seen.media_file), **moved}


def describe_stored(stored: MediaFile) -> dict[str, Any]:
    """Return the `media_metadata` of a stored file."""
    return {
        "contentType": stored.content_type,
        "size": stored.size,
        "width": stored.width,
        "height": stored.height,
        "seconds": stored.seconds,
        "changes": stored.changes,
    }
