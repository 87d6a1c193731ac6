"""Checks for conflicts on a channel: posts close in time, and repeated captions or media."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

from accounts import clock
from scheduling.domain.content import caption_hash
from scheduling.domain.preflight.base import Check
from scheduling.domain.preflight.context import LATELY, NEAR, CheckContext, NeighbouringPost, media_hashes
from scheduling.lifecycle import Status
from scheduling.models import Delivery, DeliveryState, ScheduledPost

STATUS_LABELS: dict[str, str] = {
    Status.DRAFT: "is in a draft",
    Status.WAITING_FOR_APPROVAL: "waits for approval",
    Status.SCHEDULED: "is scheduled",
    Status.PUBLISHING: "is being published",
    Status.FAILED: "failed",
}


def check_conflicts(post: ScheduledPost, delivery: Delivery, known: CheckContext, zone: ZoneInfo) -> Iterator[Check]:
    """Yield the conflicts on one channel, or one check that there are none."""
    channel, name = delivery.channel, delivery.channel.name
    conflicts = []
    at = post.scheduled_for
    near = [other for other in _others(post, known.near[channel.pk]) if at and other.at and abs(at - other.at) <= NEAR]
    if near:
        message = f"{name}: another post is due within {NEAR.seconds // 60} minutes, {_when(near[0].at, zone)}."
        if len(near) > 1:
            message = f"{name}: {len(near)} other posts are due within {NEAR.seconds // 60} minutes."
        conflicts.append(Check("clash.near", "warn", message, channel.public_id))
    captions = _recent(post, known.same_caption[channel.pk, caption_hash(delivery.caption)])
    if captions:
        message = f"{name}: the same caption {_describe(captions[0], zone)}."
        conflicts.append(Check("clash.caption", "warn", message, channel.public_id, captions[0].live))
    same = [other for sha256 in media_hashes(post) for other in known.same_media[channel.pk, sha256]]
    media = _recent(post, same)
    if media:
        kind = "video" if str(post.media_metadata.get("contentType", "")).startswith("video/") else "image"
        message = f"{name}: the same {kind} {_describe(media[0], zone)}."
        conflicts.append(Check("clash.media", "warn", message, channel.public_id, media[0].live))
    yield from conflicts
    if not conflicts:
        message = f"{name}: no similar post in {LATELY.days} days and none within {NEAR.seconds // 60} minutes."
        yield Check("clash", "ok", message, channel.public_id)


def _others(post: ScheduledPost, posts: Iterable[NeighbouringPost]) -> list[NeighbouringPost]:
    return [item for item in posts if item.post_id != post.pk]


def _recent(post: ScheduledPost, posts: Iterable[NeighbouringPost]) -> list[NeighbouringPost]:
    """Return the others since LATELY and the future ones: published first, then the latest first."""
    since = clock.now() - LATELY
    kept = [other for other in _others(post, posts) if other.at is None or other.at >= since]
    return sorted(kept, key=lambda other: (other.live, other.at is not None, other.at or since), reverse=True)


def _describe(other: NeighbouringPost, zone: ZoneInfo) -> str:
    if other.status == DeliveryState.UNKNOWN:
        return f"may be published, since {_when(other.at, zone)}"
    if other.live:
        return f"was published {_when(other.at, zone)}"
    label = STATUS_LABELS.get(other.status, "is in another post")
    return f"{label}, for {_when(other.at, zone)}" if other.at and other.status != Status.FAILED else label


def _when(at: datetime | None, zone: ZoneInfo) -> str:
    if at is None:
        return "without a date"
    local = at.astimezone(zone)
    return f"{local.day} {local:%b} at {local:%H:%M}{'' if zone.key != 'UTC' else ' UTC'}"
