"""The beat's round: what the broker may have lost is found again in the database."""

import logging
from collections.abc import Callable
from datetime import timedelta

from django.conf import settings
from django.core.cache import cache
from django.db.models import Q, QuerySet

from accounts import clock
from accounts.domain import audit_log
from scheduling.domain import channel_checks, enqueue, heartbeat, permalinks
from scheduling.domain.notifications import delivery, events, recipients
from scheduling.domain.preflight import checks
from scheduling.domain.publishing.lease import abandoned_posts, fail_unclaimed
from scheduling.domain.publishing.run import MISSED
from scheduling.lifecycle import Status
from scheduling.models import DeliveryState, ScheduledPost

log = logging.getLogger(__name__)
BATCH = 500
OVERDUE = timedelta(seconds=2)  # a message that has not been acted on by then counts as lost
REPEAT = timedelta(seconds=10)
PRESSED = 0.5  # seconds after its instant at which a post that nobody has taken shows that the workers have no time
UNHURRIED = 30.0  # seconds
LOOKS = 20  # at media in a round: however many wait, most of a worker's threads are free for what falls due


def sweep(worker: str = "") -> dict[str, int]:
    """Do one round, note `worker` as seen, and return the counts. Safe at any time, anywhere, twice at once.

    A chore that fails is logged and counts -1; it does not keep the others from being done. While posts wait for a
    worker that is free, what can wait does, for half a minute at the most.
    """
    heartbeat.note(worker)
    chores: dict[str, Callable[[], int]] = {
        "missed": miss_late,
        "handed": enqueue_due_posts,
        "resumed": resume_expired_leases,
        "staging": stage_soon,
        "examining": examine_channels,
        "permalinks": find_permalinks,
    }
    unhurried: dict[str, Callable[[], int]] = {
        "inspecting": inspect_waiting_media,
        "checked": checks.refresh_levels,
        "sealed": audit_log.seal,
        "reminded": events.remind,
        "spread": recipients.fan_out,
        "dispatching": delivery.enqueue_due,
        "forgotten": events.delete_old,
    }
    if not is_overloaded() or clock.now().timestamp() % UNHURRIED < settings.SWEEP_INTERVAL:
        chores |= unhurried
    return {name: _done(name, chore) for name, chore in chores.items()}


def _done(name: str, chore: Callable[[], int]) -> int:
    try:
        return chore()
    except Exception:
        log.exception("the sweep's %s", name)
        return -1


def due(horizon: float) -> QuerySet[ScheduledPost]:
    """Return the SCHEDULED posts whose instant is at most `horizon` seconds away, soonest first. Reads only."""
    until = clock.now() + timedelta(seconds=horizon)
    return ScheduledPost.objects.filter(status=Status.SCHEDULED, scheduled_for__lte=until).order_by("scheduled_for")


def is_overloaded() -> bool:
    """Whether a post waits although its instant has come."""
    return due(-PRESSED).exists()


def enqueue_due_posts() -> int:
    """Hand posts within the horizon to Celery; again when their instant has passed and nobody took them.

    While the workers take one post after the other, those that are not taken yet are rather in a queue than lost.
    """
    now = clock.now()
    busy = ScheduledPost.objects.filter(status=Status.PUBLISHING, updated_at__gt=now - OVERDUE).exists()
    lost = Q(scheduled_for__lte=now - (REPEAT if busy else OVERDUE), enqueued_at__lte=now - REPEAT)
    if not busy:
        lost |= Q(scheduled_for__lte=now - OVERDUE, scheduled_for__gt=now - REPEAT, enqueued_at__lte=now - OVERDUE)
    lost |= Q(scheduled_for__lte=now - OVERDUE, enqueued_at__gt=now + REPEAT)  # by a clock that was set back since
    sent: list[ScheduledPost] = []
    for post in due(settings.ENQUEUE_HORIZON).filter(Q(enqueued_at=None) | lost)[:BATCH]:
        if not enqueue.enqueue_publish(post):
            break
        sent.append(post)
    for post in sent:
        ScheduledPost.objects.filter(pk=post.pk, task_id=post.task_id).update(enqueued_at=now)
    return len(sent)


def miss_late() -> int:
    """Fail what is past the late limit, so that a person is told although no message ever arrived."""
    limit = clock.now() - timedelta(seconds=settings.MAX_LATENESS_SECONDS)
    late = ScheduledPost.objects.filter(status=Status.SCHEDULED, scheduled_for__lt=limit)[:BATCH]
    return sum(fail_unclaimed(post, code=MISSED[0], message=MISSED[1]) for post in late)


def resume_expired_leases() -> int:
    """Send someone after each PUBLISHING post whose lease has run out."""
    ids = list(abandoned_posts().order_by("lease_expires_at").values_list("pk", flat=True)[:BATCH])
    return sum(enqueue.send_task("resume", str(pk)) for pk in ids)


def stage_soon() -> int:
    """Have what falls due within the staging lead prepared. The cache only saves us from asking too often."""
    soon = due(settings.STAGE_LEAD).filter(deliveries__state="").distinct()
    asked = 0
    for post in soon.exclude(deliveries__state=DeliveryState.FAILED)[:BATCH]:
        if cache.add(f"stage:{post.pk}:{post.task_id}", 1, timeout=15) and enqueue.send_task("stage", str(post.pk)):
            asked += 1
    return asked


def find_permalinks() -> int:
    """Have the addresses read that are missing, when nothing more urgent is due."""
    return int(permalinks.missing() and not due(0).exists() and enqueue.send_task("fill_permalinks"))


def examine_channels() -> int:
    """Have a channel asked how it is, when nothing more urgent falls due."""
    return 0 if due(30).exists() else channel_checks.check_next_channel()


def inspect_waiting_media() -> int:
    """Have the media of waiting posts looked at, where the message that asked for it was lost."""
    waiting = ScheduledPost.objects.filter(
        status=Status.WAITING_FOR_APPROVAL, media_checked_at=None, updated_at__lte=clock.now() - REPEAT
    )
    asked = 0
    for post in waiting.order_by("scheduled_for")[:BATCH]:
        if asked == LOOKS:
            break
        fresh = cache.add(f"inspect:{post.pk}:{post.version}", 1, timeout=30)
        asked += fresh and enqueue.send_task("inspect_media", str(post.pk), post.version)
    return asked
