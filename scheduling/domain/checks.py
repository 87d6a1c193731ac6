"""What is checked before a person decides, from what is known: nothing here asks a platform, nothing changes a row."""

from collections.abc import Iterator, Sequence
from uuid import UUID
from zoneinfo import ZoneInfo

from accounts import clock
from scheduling.domain.checking import captions, channels, clashes, instants, media
from scheduling.domain.checking.check import Check, Level
from scheduling.domain.checking.known import Known, learn
from scheduling.domain.validation import ChannelLine, violations
from scheduling.lifecycle import Status
from scheduling.models import Delivery, DeliveryState, ScheduledPost

__all__ = ["Check", "Level", "checks_of", "worst"]
ORDER: dict[Level, int] = {"stop": 0, "warn": 1, "unknown": 2, "ok": 3}
OVER = (Status.PUBLISHING, Status.PUBLISHED)
WORDS = {
    "scheduledFor.past": "Its instant has passed: approving it means choosing a new one, or publishing it now.",
    "scheduledFor.missing": "It has no date yet: approving it means choosing one.",
}


def checks_of(posts: Sequence[ScheduledPost]) -> dict[UUID, list[Check]]:
    """Return what is to be known about each post before deciding on it, what is worst first.

    Needs the posts loaded by `for_wire`; the number of queries does not depend on how many they are. A post that is
    going out or is out has no checks any more: its approval holds what was shown.
    """
    undecided = [one for one in posts if one.status not in OVER]
    known = learn(undecided)
    return {one.pk: [] for one in posts} | {
        one.pk: sorted(_checks(one, known), key=lambda check: ORDER[check.level]) for one in undecided
    }


def worst(checks: Sequence[Check]) -> Level:
    """Return the level that a summary has: that of the worst check, ok for none."""
    return min((one.level for one in checks), key=ORDER.__getitem__, default="ok")


def _checks(post: ScheduledPost, known: Known) -> Iterator[Check]:
    pending = [one for one in post.deliveries.all() if one.state != DeliveryState.PUBLISHED]
    limits = list(_limits(post, pending))
    yield from limits
    yield from instants.look(post, None)
    broken = {one.channel for one in limits if one.name.startswith("media")}
    yield from media.look(post, pending, broken if "" not in broken else {one.channel.wire_id for one in pending})
    for one in pending:
        yield from channels.look(post, one, known)
        yield from captions.look(post, one)
        yield from clashes.look(post, one, known, ZoneInfo("UTC"))


def _limits(post: ScheduledPost, deliveries: list[Delivery]) -> Iterator[Check]:
    """Yield what the publish validation refuses: exactly that would refuse the approval."""
    for one in violations(
        type=post.type,
        media=post.media,
        media_type=post.media_type,
        scheduled_for=post.scheduled_for,
        channels=[
            ChannelLine(one.channel.wire_id, one.channel.type, one.channel.name, one.caption) for one in deliveries
        ],
        now=clock.now(),
        media_facts=post.media_facts,
    ):
        wire_id = str(one.path[1]) if one.path[0] == "channels" and len(one.path) > 1 else ""
        yield Check(one.code, "stop", WORDS.get(one.code, one.message), wire_id)
