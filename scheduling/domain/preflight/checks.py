"""What is checked before a person decides, from what is known: nothing here asks a platform."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from django.core.cache import cache
from django.db.models import F, Q

from accounts import clock
from scheduling.domain.preflight import captions, channels, conflicts, media, schedule
from scheduling.domain.preflight.base import Check, Level
from scheduling.domain.preflight.context import CheckContext, load_context
from scheduling.domain.validation import ChannelContent, find_violations
from scheduling.lifecycle import Status
from scheduling.models import Delivery, DeliveryState, ScheduledPost

__all__ = ["Check", "Level", "max_severity", "refresh_levels", "run_checks", "store_levels"]
ORDER: dict[Level, int] = {"stop": 0, "warn": 1, "unknown": 2, "ok": 3}
OVER = (Status.PUBLISHING, Status.PUBLISHED)
REFRESH_AFTER = timedelta(minutes=1)
REFRESH_SPACING = 5  # seconds
REFRESH_BATCH = 200
WORDS = {
    "scheduledFor.past": "Its instant has passed: approving it means choosing a new one, or publishing it now.",
    "scheduledFor.missing": "It has no date yet: approving it means choosing one.",
}


def run_checks(posts: Sequence[ScheduledPost], zone: ZoneInfo | None) -> dict[UUID, list[Check]]:
    """Return the checks of each post, the worst first, with times in the reader's `zone`.

    Without a zone, times are in UTC and night hours are not checked.
    Needs the posts loaded by `for_wire`; the number of queries does not depend on how many they are. A post that is
    going out or is out has no checks any more: its approval holds what was shown.
    """
    undecided = [post for post in posts if post.status not in OVER]
    known = load_context(undecided)
    return {post.pk: [] for post in posts} | {
        item.pk: sorted(_checks(item, known, zone), key=lambda check: ORDER[check.level]) for item in undecided
    }


def max_severity(checks: Sequence[Check]) -> Level:
    """Return the level that a summary has: that of the worst check, ok for none."""
    return min((check.level for check in checks), key=ORDER.__getitem__, default="ok")


def store_levels(posts: Sequence[ScheduledPost]) -> None:
    """Write the level of each post's worst check to `check_level`, which only the queue's filter reads.

    Needs the posts loaded by `for_wire`. Pages run the checks themselves.
    """
    by_level: dict[Level, list[UUID]] = defaultdict(list)
    for pk, checks in run_checks(posts, None).items():
        by_level[max_severity(checks)].append(pk)
    now = clock.now()
    for level, ids in by_level.items():
        ScheduledPost.objects.filter(pk__in=ids).update(check_level=level, check_level_at=now)


def refresh_levels() -> int:
    """Store the levels of waiting posts that were stored over REFRESH_AFTER ago; return the number of posts.

    Time, channels and other posts change what the checks find.
    """
    # One process at a time: two that update the same rows in different orders could deadlock.
    if not cache.add("checks:refresh", 1, timeout=REFRESH_SPACING):
        return 0
    old = Q(check_level_at=None) | Q(check_level_at__lte=clock.now() - REFRESH_AFTER)
    waiting = ScheduledPost.objects.for_wire().filter(old, status=Status.WAITING_FOR_APPROVAL)
    posts = list(waiting.order_by(F("check_level_at").asc(nulls_first=True))[:REFRESH_BATCH])
    store_levels(posts)
    return len(posts)


def _checks(post: ScheduledPost, known: CheckContext, zone: ZoneInfo | None) -> Iterator[Check]:
    pending = [delivery for delivery in post.deliveries.all() if delivery.state != DeliveryState.PUBLISHED]
    limits = list(_limits(post, pending))
    yield from limits
    yield from schedule.look(post, zone)
    broken = {limit.channel for limit in limits if limit.name.startswith("media")}
    yield from media.look(post, pending, broken if "" not in broken else {item.channel.public_id for item in pending})
    for item in pending:
        yield from channels.look(post, item, known)
        yield from captions.look(post, item)
        yield from conflicts.look(post, item, known, zone or ZoneInfo("UTC"))


def _limits(post: ScheduledPost, deliveries: list[Delivery]) -> Iterator[Check]:
    """Yield what the publish validation refuses: exactly that would refuse the approval."""
    for find_violation in find_violations(
        type=post.type,
        media=post.media,
        media_type=post.media_type,
        scheduled_for=post.scheduled_for,
        channels=[
            ChannelContent(delivery.channel.public_id, delivery.channel.type, delivery.channel.name, delivery.caption)
            for delivery in deliveries
        ],
        now=clock.now(),
        media_metadata=post.media_metadata,
    ):
        public_id = (
            str(find_violation.path[1]) if find_violation.path[0] == "channels" and len(find_violation.path) > 1 else ""
        )
        yield Check(find_violation.code, "stop", WORDS.get(find_violation.code, find_violation.message), public_id)
