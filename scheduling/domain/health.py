"""Whether publishing works: not ready when posts are late although every process is up. Heartbeats of workers."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from celery import current_app
from django.conf import settings
from django.core.cache import cache
from django.db import DatabaseError, connection
from django.db.models import Count, Min, QuerySet
from kombu.exceptions import ChannelError

from accounts import clock
from posts.graph import versions
from scheduling.domain import retention
from scheduling.domain.publishing import hold
from scheduling.lifecycle import Status
from scheduling.models import Delivery, DeliveryState, ScheduledPost, WorkerHeartbeat

BROKER_TIMEOUT = 1  # seconds
HEARTBEATS_KEPT = timedelta(days=1)
MAX_CLOCK_DIFFERENCE = 5.0  # seconds
READ_ONLY = "The database is read-only: DATABASE_URL leads to a standby, or its disk is full."
QUEUE = "queue:"  # begins the name of a heartbeat that is of a queue, not of the worker that runs the sweep
BACKGROUND_QUEUES = ("media", "notifications")


@dataclass(frozen=True)
class QueueStats:
    """Counts of posts, and ages in seconds; None without such a post.

    `overdue` are SCHEDULED although their time has passed. `oldest_unsettled`: of the posts that are due and neither
    published nor failed, in whatever state. Posts of organizations whose publishing is paused do not count.
    `oldest_lease`: how long ago the first lease on a
    PUBLISHING post expired. `unknown` are deliveries that a person has to resolve.
    """

    overdue: int
    oldest_overdue: float | None
    publishing: int
    oldest_lease: float | None
    unknown: int
    oldest_unsettled: float | None = None


@dataclass(frozen=True)
class WorkerStatus:
    """`last_round`: seconds since the last sweep, None without any. `workers`: how many ran one within HEALTH_SWEEP.

    `silent`: by queue without a heartbeat of late, how many seconds ago the last one was.
    `ahead`: the worker whose clock is furthest ahead of ours, and by how many seconds. Its heartbeat is not counted.
    """

    last_round: float | None
    workers: int
    ahead: tuple[str, float] | None = None
    silent: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Health:
    """The result of the checks; `problems` has a sentence for each problem."""

    database: bool
    broker: bool
    cache: bool
    flow: QueueStats | None = None
    last_round: float | None = None
    workers: int | None = None
    retention_overdue: float | None = None  # seconds; see retention.overdue
    problems: list[str] = field(default_factory=list)

    @property
    def ready(self) -> bool:
        return not self.problems


def check_health() -> Health:
    """Check database, broker, sweep and posts of all organizations together. Never raises."""
    broker = broker_is_reachable()
    problems = [] if broker else ["The broker does not answer."]
    has_cache = cache_works()
    if not has_cache:
        problems.append("The cache does not answer: there are no rate limits until it does.")
    try:
        if is_read_only():
            problems.append(READ_ONLY)
        flow, seen, closed = queue_stats(ScheduledPost.objects.all()), worker_status(), hold.problems()
        retention_overdue = retention.overdue()
    except DatabaseError:
        return Health(
            database=False, broker=broker, cache=has_cache, problems=["The database does not answer.", *problems]
        )
    # A sweep cannot be recorded in a database that is read-only.
    of_sweep = [] if READ_ONLY in problems else sweep_problems(seen)
    problems += [*closed, *of_sweep, *_flow_problems(flow), *_platform_problems()]
    return Health(
        database=True,
        broker=broker,
        cache=has_cache,
        flow=flow,
        last_round=seen.last_round,
        workers=seen.workers,
        retention_overdue=retention_overdue,
        problems=problems,
    )


def cache_works() -> bool:
    """Whether the cache returns what is stored in it. Never raises."""
    key = f"health:{uuid4().hex}"
    try:
        cache.set(key, 1, timeout=10)
        return bool(cache.get(key) == 1)
    except Exception:  # noqa: BLE001  each backend has its own exceptions
        return False


def is_read_only() -> bool:
    """Whether the database refuses writes, as a standby does. Raises DatabaseError."""
    if connection.vendor != "postgresql":
        return False
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('transaction_read_only')")
        return bool(cursor.fetchone() == ("on",))


def broker_is_reachable() -> bool:
    """Whether the broker accepts a connection now. Never raises; one attempt, with short timeouts."""
    try:
        with _broker_channel():
            return True
    except Exception:  # noqa: BLE001  each transport has its own exceptions
        return False


def queue_depths() -> dict[str, int]:
    """Return the messages of each queue that no worker has taken; nothing when the broker does not answer.

    A message with an ETA is taken at once and held by a worker.
    """
    depths = {}
    try:
        with _broker_channel() as channel:
            for queue in settings.CELERY_TASK_QUEUES:
                try:
                    depths[queue.name] = channel.queue_declare(queue=queue.name, passive=True).message_count
                except ChannelError:
                    depths[queue.name] = 0  # on Redis a queue exists while it has messages
    except Exception:  # noqa: BLE001  each transport has its own exceptions
        return {}
    return depths


@contextmanager
def _broker_channel() -> Iterator[Any]:
    timeouts = {"socket_timeout": BROKER_TIMEOUT, "socket_connect_timeout": BROKER_TIMEOUT, "retry_on_timeout": False}
    options = timeouts if current_app.conf.broker_url.startswith("redis") else {}
    with current_app.connection_for_write(connect_timeout=BROKER_TIMEOUT, transport_options=options) as connection:
        connection.ensure_connection(max_retries=0, timeout=BROKER_TIMEOUT)
        with connection.channel() as channel:
            yield channel


def queue_stats(posts: QuerySet[ScheduledPost]) -> QueueStats:
    """Count among `posts`, in three queries."""
    now = clock.now()
    posts = posts.filter(organization__publishing_paused_at=None)
    overdue = posts.filter(status=Status.SCHEDULED, scheduled_for__lte=now)
    due = overdue.aggregate(count=Count("pk"), oldest=Min("scheduled_for"))
    publishing = posts.filter(status=Status.PUBLISHING).aggregate(
        count=Count("pk"), oldest=Min("lease_expires_at"), first=Min("scheduled_for")
    )
    unsettled = [at for at in (due["oldest"], publishing["first"]) if at is not None and at <= now]
    failed = posts.filter(status=Status.FAILED)
    unknown = Delivery.objects.filter(state=DeliveryState.UNKNOWN, post__in=failed).count()
    lease = _age(publishing["oldest"], now)
    return QueueStats(
        due["count"],
        _age(due["oldest"], now),
        publishing["count"],
        lease if lease and lease > 0 else None,
        unknown,
        _age(min(unsettled, default=None), now),
    )


def record_heartbeat(worker: str) -> None:
    """Record that `worker` runs a sweep now; delete heartbeats more than a day away."""
    now = clock.now()
    WorkerHeartbeat.objects.bulk_create(
        [WorkerHeartbeat(worker=(worker or "unnamed")[:200], seen_at=now)],
        update_conflicts=True,
        unique_fields=["worker"],
        update_fields=["seen_at"],
    )
    old = WorkerHeartbeat.objects.exclude(seen_at__range=(now - HEARTBEATS_KEPT, now + HEARTBEATS_KEPT))
    old.exclude(worker__startswith=QUEUE).delete()


def expect_queue_heartbeats() -> None:
    """Create the heartbeats of the queues that never had one, so that a worker that never starts is noticed."""
    now = clock.now()
    expected = [WorkerHeartbeat(worker=f"{QUEUE}{name}", seen_at=now) for name in BACKGROUND_QUEUES]
    WorkerHeartbeat.objects.bulk_create(expected, ignore_conflicts=True)


def record_queue_heartbeat(queue: str) -> int:
    """Record that a worker takes from the queue now; return the number of rows, 0 for an unknown queue."""
    names = [f"{QUEUE}{name}" for name in BACKGROUND_QUEUES if name == queue]
    return WorkerHeartbeat.objects.filter(worker__in=names).update(seen_at=clock.now())


def worker_status() -> WorkerStatus:
    now = clock.now()
    rows = [
        (heartbeat.worker, (now - heartbeat.seen_at).total_seconds())
        for heartbeat in WorkerHeartbeat.objects.order_by("-seen_at")
    ]
    ages = [(worker, age) for worker, age in rows if not worker.startswith(QUEUE)]
    silent = {
        worker.removeprefix(QUEUE): age
        for worker, age in rows
        if worker.startswith(QUEUE) and age > settings.HEALTH_QUEUE
    }
    plausible = [age for _, age in ages if age >= -MAX_CLOCK_DIFFERENCE]
    ahead = (ages[0][0], -ages[0][1]) if ages and ages[0][1] < -MAX_CLOCK_DIFFERENCE else None
    last = max(0.0, plausible[0]) if plausible else None
    return WorkerStatus(last, len([age for age in plausible if age <= settings.HEALTH_SWEEP]), ahead, silent)


def _platform_problems() -> Iterator[str]:
    problem = versions.platform_version().problem
    if problem:
        yield f"The platform refuses the calls of this installation. {problem.rstrip('.')}."


def _flow_problems(flow: QueueStats) -> Iterator[str]:
    if flow.oldest_overdue is not None and flow.oldest_overdue > settings.HEALTH_LATE:
        overdue = f"{_count(flow.overdue, 'post')} overdue"
        yield f"{overdue}; the oldest has been due for {_format_age(flow.oldest_overdue)}."
    elif flow.oldest_unsettled is not None and flow.oldest_unsettled > settings.HEALTH_LATE:
        yield f"A post that has been due for {_format_age(flow.oldest_unsettled)} is still being published."
    if flow.oldest_lease is not None and flow.oldest_lease > settings.HEALTH_LATE:
        yield f"A post has been stuck in PUBLISHING for {_format_age(flow.oldest_lease)} with no worker."
    if flow.unknown >= settings.HEALTH_UNKNOWN:
        verb = "has" if flow.unknown == 1 else "have"
        yield f"{_count(flow.unknown, 'delivery', 'deliveries')} {verb} an unknown outcome; resolve manually."


def sweep_problems(seen: WorkerStatus) -> Iterator[str]:
    if seen.last_round is None:
        yield "The sweep has never run. Start a Celery worker and Celery beat."
    elif seen.last_round > settings.HEALTH_SWEEP:
        age = _format_age(seen.last_round)
        yield f"The sweep last ran {age} ago: Celery beat, the broker or every worker is down."
    for queue, seconds in sorted(seen.silent.items()):
        yield f"No worker has taken from the queue {queue} for {_format_age(seconds)}: start one, or more of them."
    if seen.ahead is not None:
        worker, seconds = seen.ahead
        yield f"The clock of worker {worker} is {_format_age(seconds)} ahead of this machine's: set both."


def _age(at: datetime | None, now: datetime) -> float | None:
    return (now - at).total_seconds() if at else None


def _count(count: int, singular: str, plural: str = "") -> str:
    return f"{count:,} {singular if count == 1 else plural or singular + 's'}"


def _format_age(age: float) -> str:
    if age < 120:
        return f"{age:.0f} s"
    if age < 7200:
        return f"{age / 60:.0f} min"
    return f"{age / 3600:.0f} h"


def as_json(health: Health) -> dict[str, Any]:
    """Return counts and ages as JSON, without any content of posts."""
    flow = health.flow
    return {
        "ready": health.ready,
        "problems": health.problems,
        "database": health.database,
        "broker": health.broker,
        "cache": health.cache,
        "overdue": {"count": flow.overdue, "oldestSeconds": _tenth(flow.oldest_overdue)} if flow else None,
        "publishing": {"count": flow.publishing, "oldestLeaseSeconds": _tenth(flow.oldest_lease)} if flow else None,
        "unsettled": {"oldestSeconds": _tenth(flow.oldest_unsettled)} if flow else None,
        "unknown": {"count": flow.unknown} if flow else None,
        "lastRoundSeconds": _tenth(health.last_round),
        "workers": health.workers,
        "retention": {"overdueSeconds": _tenth(health.retention_overdue)},
    }


def _tenth(age: float | None) -> float | None:
    return None if age is None else round(age, 1)
