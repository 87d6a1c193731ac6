"""The periodic sweep: finds in the database the work whose messages the broker may have lost."""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID

import redis
from django.conf import settings
from django.core.cache import cache
from django.db.models import Q

from accounts import clock
from accounts.domain import audit_log
from scheduling.domain import channel_checks, channel_health, discards, enqueue, event_feed, health, permalinks
from scheduling.domain.notifications import delivery, events, recipients
from scheduling.domain.preflight import checks
from scheduling.domain.publishing import gate, hold
from scheduling.domain.publishing.lease import abandoned_posts, fail_unclaimed
from scheduling.lifecycle import Status
from scheduling.models import Delivery, DeliveryState, ScheduledPost, ScheduledPostQuerySet

log = logging.getLogger(__name__)
BATCH = 500
OVERDUE = timedelta(seconds=2)  # after which an unclaimed post counts as lost by the broker
REPEAT = timedelta(seconds=10)
OVERLOADED_AFTER = 0.5  # seconds after its scheduled time: an unclaimed post means that all workers are busy
DEFERRED_EVERY = 30.0  # seconds
EXPIRY_REMINDERS = 600  # seconds
MAX_SOON = 5000  # posts among which one sweep looks for those that are not staged
BROKER_MARKER = "broker-has-its-memory"
MAX_INSPECTIONS = 20  # per sweep, so that most threads of a worker are free for due posts


def sweep(worker: str = "") -> dict[str, int]:
    """Record the heartbeat of `worker`, run the steps and return their counts. Two sweeps may run at the same time.

    A step that fails is logged and counts -1; the others still run. While the workers are overloaded, the deferrable
    steps run once in DEFERRED_EVERY only.
    """
    health.record_heartbeat(worker)
    health.expect_queue_heartbeats()
    number = _run_step("number", _raise_number)
    # Without a compared number nothing is sent, and while publishing is held nothing is missed either.
    steps: dict[str, Callable[[], int]] = (
        {}
        if number < 1
        else {
            "missed": miss_late,
            "lost_messages": forget_lost_messages,
            "enqueued": enqueue_due_posts,
            "resumed": resume_expired_leases,
            "staged": stage_soon,
        }
    )
    steps |= {
        "channel_checks": examine_channels,
        "permalinks": find_permalinks,
    }
    deferrable: dict[str, Callable[[], int]] = {
        "media": inspect_waiting_media,
        "check_levels": checks.refresh_levels,
        "discards": discards.enqueue_due,
        "sealed": audit_log.seal,
        "events": event_feed.number,
        "reminders": events.remind,
        "expiries": remind_of_expiry,
        "fanned_out": recipients.fan_out,
        "deliveries": delivery.enqueue_due,
    }
    if number < 0:
        del deferrable["events"]  # in a restored database, clients' cursors may be ahead until the hold
    overloaded = number > 0 and _any_due(-OVERLOADED_AFTER)
    if not overloaded or clock.now().timestamp() % DEFERRED_EVERY < settings.SWEEP_INTERVAL:
        steps |= deferrable
    return {"number": number} | {name: _run_step(name, step) for name, step in steps.items()}


def _raise_number() -> int:
    """Return the publishing number, 0 while publishing is held. Raises hold.Unverified."""
    state = hold.raise_number()
    return 0 if state.held_at is not None else max(state.number, 1)


def _publishable(within: float = 0.0) -> ScheduledPostQuerySet:
    """Return the posts due within these seconds, except those whose publishing is paused."""
    posts = ScheduledPost.objects.due(within)
    return posts.none() if hold.is_paused() else posts.not_paused()


def _any_due(within: float = 0.0) -> bool:
    """Whether `_publishable` has a row. `exists` drops the order: PostgreSQL then reads the table from its start."""
    return bool(_publishable(within).values_list("pk")[:1])


def _run_step(name: str, step: Callable[[], int]) -> int:
    try:
        return step()
    except Exception:
        log.exception("the sweep's %s", name)
        return -1


def enqueue_due_posts() -> int:
    """Enqueue posts within ENQUEUE_HORIZON; again when they are due and no worker has claimed them.

    While workers claim posts one after the other, the unclaimed ones are probably queued, not lost.
    """
    now = clock.now()
    busy = ScheduledPost.objects.filter(status=Status.PUBLISHING, updated_at__gt=now - OVERDUE).exists()
    # Compared here, in the order of an index: PostgreSQL expects most of SCHEDULED to be due, and for a condition on
    # `enqueued_at` plans a parallel, compiled scan, which takes 0.2 s among a million posts.
    due = _publishable(-OVERDUE.total_seconds()).values_list("pk", "scheduled_for", "enqueued_at")[:MAX_SOON]
    lost = [pk for pk, at, enqueued_at in due if at and enqueued_at and _is_lost(at, enqueued_at, now, busy=busy)]
    overdue = ScheduledPost.objects.filter(pk__in=lost[:BATCH], status=Status.SCHEDULED).order_by("scheduled_for")
    # Two queries: one with OR would read every post within the horizon each time.
    new = _publishable(settings.ENQUEUE_HORIZON).filter(enqueued_at=None)[:BATCH]
    sent: list[ScheduledPost] = []
    for post in [*overdue, *new][:BATCH]:
        if not enqueue.enqueue_publish(post):
            break
        sent.append(post)
    for post in sent:
        ScheduledPost.objects.filter(pk=post.pk, task_id=post.task_id).update(enqueued_at=now)
    return len(sent)


def _is_lost(scheduled_for: datetime, enqueued_at: datetime, now: datetime, *, busy: bool) -> bool:
    """Whether no worker has claimed a due post long after it was enqueued, so that the broker has lost the message."""
    if enqueued_at > now + REPEAT:  # enqueued by a worker whose clock was fast
        return True
    if scheduled_for <= now - (REPEAT if busy else OVERDUE) and enqueued_at <= now - REPEAT:
        return True
    return not busy and scheduled_for > now - REPEAT and enqueued_at <= now - OVERDUE


def miss_late() -> int:
    """Fail posts past the late limit, so that people are notified although no message arrived."""
    limit = clock.now() - timedelta(seconds=settings.MAX_LATENESS_SECONDS)
    # Without the order PostgreSQL may read the whole table for rows that are rare.
    late = ScheduledPost.objects.filter(status=Status.SCHEDULED, scheduled_for__lt=limit).order_by("scheduled_for")
    rows, state = list(late.select_related("organization")[:BATCH]), hold.current()
    return sum(fail_unclaimed(post, *gate.missed(hold.pause_reason(state, post.organization))) for post in rows)


def forget_lost_messages() -> int:
    """Enqueue everything within ENQUEUE_HORIZON again when the broker has restarted; return how many posts.

    Also when it has kept its data: messages that a worker held for their time are then out of reach for the visibility
    timeout. The cache is in the same Redis as the broker, and without Redis both are on disk. A key that was evicted
    costs repeated messages, which are harmless.
    """
    run_id = _broker_run_id()
    marker = cache.get(BROKER_MARKER)
    if marker is not None and run_id in {marker, ""}:
        return 0
    cache.set(BROKER_MARKER, run_id, timeout=None)
    # By primary keys: PostgreSQL may read the whole table for an update with a subquery.
    ids = list(_publishable(settings.ENQUEUE_HORIZON).values_list("pk", flat=True))
    batches = [ids[start : start + BATCH] for start in range(0, len(ids), BATCH)]
    scheduled = ScheduledPost.objects.filter(status=Status.SCHEDULED)
    return sum(scheduled.filter(pk__in=batch).update(enqueued_at=None) for batch in batches)


def _broker_run_id() -> str:
    """Return the id that Redis takes at each start; empty without Redis, and where Redis refuses INFO."""
    if not settings.REDIS_URL:
        return ""
    try:
        with redis.Redis.from_url(settings.REDIS_URL, socket_timeout=1, socket_connect_timeout=1) as server:
            return str(server.info("server").get("run_id", ""))
    except redis.RedisError:
        return ""


def resume_expired_leases() -> int:
    posts = abandoned_posts()
    limit = clock.now() - timedelta(seconds=settings.MAX_LATENESS_SECONDS)
    late = Q(scheduled_for__lt=limit)  # nothing of them is sent, and they are settled also while publishing is paused
    posts = posts.filter(late) if hold.is_paused() else posts.filter(late | Q(organization__publishing_paused_at=None))
    ids = list(posts.order_by("lease_expires_at").values_list("pk", flat=True)[:BATCH])
    return sum(enqueue.send_task("resume", str(pk)) for pk in ids)


def stage_soon() -> int:
    """Enqueue staging of posts that are due within STAGE_LEAD. The cache limits how often each is enqueued."""
    soon = dict(_publishable(settings.STAGE_LEAD).values_list("pk", "task_id")[:MAX_SOON])
    # Not in one query with the posts, for which PostgreSQL would read all deliveries.
    states: dict[UUID, set[str]] = {}
    for pk, state in Delivery.objects.filter(post__in=list(soon)).values_list("post", "state"):
        states.setdefault(pk, set()).add(state)
    unstaged = [pk for pk in soon if "" in states.get(pk, ()) and DeliveryState.FAILED not in states[pk]]
    return sum(
        cache.add(f"stage:{pk}:{soon[pk]}", 1, timeout=15) and enqueue.send_task("stage", str(pk))
        for pk in unstaged[:BATCH]
    )


def find_permalinks() -> int:
    if _any_due() or not permalinks.missing_permalinks().exists():
        return 0
    return int(enqueue.send_task("fill_permalinks"))


def examine_channels() -> int:
    return 0 if _any_due(30) else channel_checks.check_next_channel()


def remind_of_expiry() -> int:
    return channel_health.remind() if cache.add("expiry-reminders", 1, timeout=EXPIRY_REMINDERS) else 0


def inspect_waiting_media() -> int:
    """Enqueue the inspection of waiting posts' media where the first message was lost."""
    waiting = ScheduledPost.objects.filter(
        status=Status.WAITING_FOR_APPROVAL, media_checked_at=None, updated_at__lte=clock.now() - REPEAT
    )
    enqueued = 0
    for post in waiting.order_by("scheduled_for")[:BATCH]:
        if enqueued == MAX_INSPECTIONS:
            break
        new = cache.add(f"inspect:{post.pk}:{post.version}", 1, timeout=30)
        if new and enqueue.send_task("inspect_media", str(post.pk), post.version):
            enqueued += 1
    return enqueued
