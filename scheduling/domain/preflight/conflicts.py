"""Clashes: the same thing twice on one channel, or two things at once."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

from accounts import clock
from scheduling.domain.content import caption_hash
from scheduling.domain.preflight.base import Check
from scheduling.domain.preflight.context import LATELY, NEAR, CheckContext, NeighbouringPost
from scheduling.lifecycle import Status
from scheduling.models import Delivery, ScheduledPost

WORDS = {
    Status.DRAFT: "is in a draft",
    Status.WAITING_FOR_APPROVAL: "waits for approval",
    Status.SCHEDULED: "is scheduled",
    Status.PUBLISHING: "is going out",
    Status.FAILED: "did not go out",
}


def look(post: ScheduledPost, delivery: Delivery, known: CheckContext, zone: ZoneInfo) -> Iterator[Check]:
    """Yield what clashes on one channel, or that nothing does."""
    channel, where = delivery.channel, delivery.channel.name
    found = []
    near = [other for other in _others(post, known.near[channel.pk]) if _close(post.scheduled_for, other.at)]
    if near:
        said = f"{where}: another post goes out within {NEAR.seconds // 60} minutes, {_when(near[0].at, zone)}."
        if len(near) > 1:
            said = f"{where}: {len(near)} other posts go out within {NEAR.seconds // 60} minutes."
        found.append(Check("clash.near", "warn", said, channel.public_id))
    captions = _recent(post, known.same_caption[channel.pk, caption_hash(delivery.caption)])
    if captions:
        said = f"{where}: the same caption {_fate(captions[0], zone)}."
        found.append(Check("clash.caption", "warn", said, channel.public_id))
    media = _recent(post, known.same_media[channel.pk, post.media_sha256]) if post.media_sha256 else []
    if media:
        said = f"{where}: the same {_kind(post)} {_fate(media[0], zone)}."
        found.append(Check("clash.media", "warn", said, channel.public_id))
    yield from found
    if not found:
        said = f"{where}: nothing alike in {LATELY.days} days, and nothing else within {NEAR.seconds // 60} minutes."
        yield Check("clash", "ok", said, channel.public_id)


def _others(post: ScheduledPost, found: Iterable[NeighbouringPost]) -> list[NeighbouringPost]:
    return [item for item in found if item.post_id != post.pk]


def _recent(post: ScheduledPost, found: Iterable[NeighbouringPost]) -> list[NeighbouringPost]:
    """Return the others of the last days or of days to come: what is live first, the latest first."""
    since = clock.now() - LATELY
    kept = [other for other in _others(post, found) if other.at is None or other.at >= since]
    return sorted(kept, key=lambda one: (one.live, one.at is not None, one.at or since), reverse=True)


def _close(one: datetime | None, other: datetime | None) -> bool:
    return one is not None and other is not None and abs(one - other) <= NEAR


def _fate(other: NeighbouringPost, zone: ZoneInfo) -> str:
    if other.live:
        return f"went live {_when(other.at, zone)}"
    done = WORDS.get(Status(other.status), "is in another post") if other.status else "is in another post"
    return f"{done}, for {_when(other.at, zone)}" if other.at and other.status != Status.FAILED else done


def _kind(post: ScheduledPost) -> str:
    return "film" if str(post.media_metadata.get("contentType", "")).startswith("video/") else "picture"


def _when(at: datetime | None, zone: ZoneInfo) -> str:
    if at is None:
        return "without a date"
    local = at.astimezone(zone)
    return f"{local.day} {local:%b} at {local:%H:%M}{'' if zone.key != 'UTC' else ' UTC'}"
