"""Runs the checks that a reviewer sees before deciding. Reads the database only."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from django.core.cache import cache
from django.db.models import F, Q

from accounts import clock
from posts.domain.superpowers import deviations, template_of
from scheduling.domain.preflight import captions, channels, conflicts, media
from scheduling.domain.preflight.base import Check, Level
from scheduling.domain.preflight.context import CheckContext, load_context
from scheduling.domain.validation import find_violations
from scheduling.lifecycle import Status
from scheduling.models import Delivery, DeliveryState, ScheduledPost

__all__ = ["Check", "Level", "max_severity", "refresh_levels", "run_checks", "store_levels"]
ORDER: dict[Level, int] = {"stop": 0, "warn": 1, "unknown": 2, "ok": 3}
DECIDED = (Status.PUBLISHING, Status.PUBLISHED)
REFRESH_AFTER = timedelta(minutes=1)
REFRESH_SPACING = 5  # seconds
REFRESH_BATCH = 200
NIGHT_HOURS = (23, *range(7))
MESSAGES = {
    "scheduledFor.past": "The scheduled time has passed: choose a new time or publish it now.",
    "scheduledFor.missing": "No date and time yet: choose them to approve.",
    "mediaType.missing": "Instagram needs an image or a video: choose the media type.",
}


def run_checks(posts: Sequence[ScheduledPost], zone: ZoneInfo | None) -> dict[UUID, list[Check]]:
    """Return the checks of each post, the worst first, with times in the reader's `zone`.

    Without a zone, times are in UTC and night hours are not checked. Posts that are PUBLISHING or PUBLISHED have no
    checks: their approval holds those of the reviewer's page.
    Needs the posts loaded by `for_wire`; the number of queries does not depend on the number of posts.
    """
    undecided = [post for post in posts if post.status not in DECIDED]
    known = load_context(undecided)
    return {post.pk: [] for post in posts} | {
        post.pk: sorted(_checks(post, known, zone), key=lambda check: ORDER[check.level]) for post in undecided
    }


def max_severity(checks: Sequence[Check]) -> Level:
    """Return the level of the worst check; ok without checks."""
    return min((check.level for check in checks), key=ORDER.__getitem__, default="ok")


def store_levels(posts: Sequence[ScheduledPost]) -> None:
    """Write the level of each post's worst check, for the queue's filter. Needs the posts loaded by `for_wire`."""
    by_level: dict[Level, list[UUID]] = defaultdict(list)
    for pk, checks in run_checks(posts, None).items():
        by_level[max_severity(checks)].append(pk)
    now = clock.now()
    for level, ids in by_level.items():
        ScheduledPost.objects.filter(pk__in=ids).update(check_level=level, check_level_at=now)


def refresh_levels() -> int:
    """Store the levels of waiting posts again after REFRESH_AFTER, as time changes them; return how many posts."""
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
    yield from _schedule(post, zone)
    broken = {limit.channel for limit in limits if limit.name.startswith("media")}
    if "" in broken:
        broken = {delivery.channel.public_id for delivery in pending}
    yield from media.check_media(post, pending, broken)
    yield from captions.check_media_characters(post)
    for delivery in pending:
        yield from channels.check_channel(post, delivery, known)
        yield from captions.check_caption(post, delivery)
        yield from captions.check_characters(delivery)
        yield from _superpower(post, delivery, known)
        yield from conflicts.check_conflicts(post, delivery, known, zone or ZoneInfo("UTC"))


def _limits(post: ScheduledPost, deliveries: list[Delivery]) -> Iterator[Check]:
    """Yield the violations of the publish validation, which the approval would refuse."""
    for violation in find_violations(post, deliveries):
        public_id = str(violation.path[1]) if violation.path[0] == "channels" and len(violation.path) > 1 else ""
        yield Check(violation.code, "stop", MESSAGES.get(violation.code, violation.message), public_id)


def _superpower(post: ScheduledPost, delivery: Delivery, known: CheckContext) -> Iterator[Check]:
    """Yield a warning for a superpower that differs from the template that it names."""
    template = template_of(delivery.superpower, post.organization_id, known.templates)
    if template is not None and delivery.superpower and (changed := deviations(delivery.superpower, template)):
        name, values = delivery.channel.name, "1 value" if len(changed) == 1 else f"{len(changed)} values"
        message = f"{name}: the superpower differs from the template “{template.name}” in {values}."
        yield Check("superpower.template", "warn", message, delivery.channel.public_id)


def _schedule(post: ScheduledPost, zone: ZoneInfo | None) -> Iterator[Check]:
    """Yield the check of the hour in `zone`. A time that has passed is reported by the validation."""
    if post.scheduled_for is None or post.scheduled_for <= clock.now():
        return
    if zone is None:
        yield Check("schedule", "ok", "The scheduled time is in the future.")
        return
    local, place = post.scheduled_for.astimezone(zone), zone.key.rpartition("/")[2].replace("_", " ")
    if local.hour in NIGHT_HOURS:
        yield Check("schedule.night", "warn", f"Published at {local:%H:%M} at night, {place} time.")
    else:
        yield Check("schedule", "ok", f"Published at {local:%H:%M} on a {local:%A}, {place} time.")
