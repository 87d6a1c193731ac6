"""What is sent for one delivery: built from approved content, never from the rows themselves."""

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings

from accounts import clock
from accounts.encryption import InvalidToken
from posts.domain import media_store
from posts.graph.errors import Transient
from posts.graph.publishers import PUBLISHERS, Account, PayloadItem, PostPayload, Publisher, StoredMedia
from posts.models import MediaFile
from scheduling.domain.content import Content
from scheduling.domain.validation import infer_media_type
from scheduling.models import Delivery, MediaItem

MARGIN = 1.0  # seconds
STAGED_LIFE = timedelta(hours=20)  # containers live for 24 h: graph-api, section 3


def delivery_account(delivery: Delivery) -> Account:
    """Return the account that the delivery goes to, with its token.

    Raises Transient when the token cannot be decrypted: an operator can restore the encryption key.
    """
    channel = delivery.channel
    try:
        return Account(channel.type, channel.platform_id, channel.token)
    except InvalidToken:
        pass
    raise Transient(f"The token of {channel.name} cannot be decrypted: an encryption key is missing")


def build_payload(content: Content, delivery: Delivery) -> PostPayload:
    """Return the payload for the delivery's channel from the `content` that the gate returned.

    Runs no query for a delivery that `load_post` returned and the gate has seen.
    """
    channel = content["channels"][delivery.channel.public_id]
    stored = _stored_media(delivery.post.media_file, content["mediaSha256"])
    return PostPayload(
        type=content["type"],
        caption=channel["caption"],
        media=content["media"],
        # Without a copy the gate lets only links pass, whatever the end of their address.
        media_type=infer_media_type(
            content["media"], content["mediaType"], stored.content_type if stored else "text/html"
        ),
        media_sha256=content["mediaSha256"],
        stored=stored,
        alt_text=content.get("altText", ""),
        is_ai_generated=content.get("isAiGenerated", False),
        items=tuple(
            _build_item(item, row) for item, row in zip(content.get("mediaItems", []), delivery.post.items, strict=True)
        ),
    )


def _build_item(item: dict[str, Any], row: MediaItem) -> PayloadItem:
    stored = _stored_media(row.media_file, item["mediaSha256"])
    return PayloadItem(
        media_type=infer_media_type(item["media"], item["mediaType"], stored.content_type if stored else ""),
        media_sha256=item["mediaSha256"],
        alt_text=item["altText"],
        stored=stored,
    )


def _stored_media(media_file: MediaFile | None, sha256: str) -> StoredMedia | None:
    """Return the stored copy with the approved hash, else None."""
    if media_file is None or media_file.sha256 != sha256:
        return None
    name, url = str(media_file.file.name), media_store.public_url(media_file)
    return StoredMedia(name, media_file.content_type, media_file.size, url)


def delivery_publisher(delivery: Delivery) -> Publisher:
    return PUBLISHERS[delivery.channel.type]


def is_staged(delivery: Delivery, digest: str) -> bool:
    """Whether what was staged is complete, was made from the content with this digest, and is still fresh."""
    fresh = delivery.staged_at is not None and clock.now() - delivery.staged_at < STAGED_LIFE
    return bool(delivery.staged.get("ready")) and delivery.staged_digest == digest and fresh


def staged_id(staged: dict[str, Any]) -> Any:
    """Return the platform's id of what was staged, of an album the ids; equal ids are the same object."""
    names = ("photo", "photos", "video", "container", "post")
    return next((staged[name] for name in names if staged.get(name)), None)


def seconds_from_now(seconds: float) -> datetime:
    return clock.now() + timedelta(seconds=seconds)


def stage_seconds(item: PostPayload) -> float:
    """Return the longest time that staging takes: reading a stored video and uploading it take up to 120 s each."""
    kinds = [part.media_type for part in item.items] or [item.media_type]
    return 260.0 if "VIDEO" in kinds else min(260.0, commit_seconds() * 2 * len(kinds))


def commit_seconds() -> float:
    """Return the longest time that one publishing call takes, with a margin: a lease must outlast it."""
    return float(settings.GRAPH_CONNECT_TIMEOUT + settings.GRAPH_READ_TIMEOUT + MARGIN)
