"""What is checked before a person decides, from what is known: nothing here asks a platform, nothing changes a row."""

from collections.abc import Iterator, Sequence
from uuid import UUID

from accounts import clock
from scheduling.domain.checking import captions, channels
from scheduling.domain.checking.check import Check, Level
from scheduling.domain.validation import ChannelLine, violations
from scheduling.lifecycle import Status
from scheduling.models import Delivery, DeliveryState, ScheduledPost

__all__ = ["Check", "Level", "checks_of", "worst"]
ORDER: dict[Level, int] = {"stop": 0, "warn": 1, "unknown": 2, "ok": 3}
OVER = (Status.PUBLISHING, Status.PUBLISHED)


def checks_of(posts: Sequence[ScheduledPost]) -> dict[UUID, list[Check]]:
    """Return what is to be known about each post before deciding on it, what is worst first.

    Needs the posts loaded by `for_wire`; the number of queries does not depend on how many they are. A post that is
    going out or is out has no checks any more: its approval holds what was shown.
    """
    open_posts = [one for one in posts if one.status not in OVER]
    return {one.pk: [] for one in posts} | {
        one.pk: sorted(_checks(one), key=lambda check: ORDER[check.level]) for one in open_posts
    }


def worst(checks: Sequence[Check]) -> Level:
    """Return the level that a summary has: that of the worst check, ok for none."""
    return min((one.level for one in checks), key=ORDER.__getitem__, default="ok")


def _checks(post: ScheduledPost) -> Iterator[Check]:
    pending = [one for one in post.deliveries.all() if one.state != DeliveryState.PUBLISHED]
    yield from _limits(post, pending)
    for one in pending:
        yield from channels.look(one)
        yield from captions.look(post, one)


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
        yield Check(one.code, "stop", one.message, wire_id)
