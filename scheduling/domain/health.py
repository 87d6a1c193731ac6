"""Whether publishing works: not ready when posts are late although every process is up. Reads only."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from celery import current_app
from django.conf import settings
from django.db import DatabaseError
from django.db.models import Count, Min, QuerySet

from accounts import clock
from scheduling.domain import heartbeat
from scheduling.lifecycle import Status
from scheduling.models import Delivery, DeliveryState, ScheduledPost

BROKER_TIMEOUT = 1  # seconds


@dataclass(frozen=True)
class QueueStats:
    """Counts of posts, and ages in seconds; None without such a post.

    `overdue` are SCHEDULED although their time has passed. `oldest_lease`: how long ago the first lease on a
    PUBLISHING post expired. `unknown` are deliveries that a person has to resolve.
    """

    overdue: int
    oldest_overdue: float | None
    publishing: int
    oldest_lease: float | None
    unknown: int


@dataclass(frozen=True)
class Health:
    """The result of the checks; `problems` has a sentence for each problem."""

    database: bool
    broker: bool
    flow: QueueStats | None = None
    last_round: float | None = None
    workers: int | None = None
    problems: list[str] = field(default_factory=list)

    @property
    def ready(self) -> bool:
        return not self.problems


def check_health() -> Health:
    """Check database, broker, sweep and posts of all organizations together. Never raises."""
    reached = broker_is_reachable()
    try:
        flow, seen = queue_stats(ScheduledPost.objects.all()), heartbeat.worker_status()
    except DatabaseError:
        return Health(
            database=False, broker=reached, problems=["The database does not answer.", *_broker_problems(reached)]
        )
    problems = [*_broker_problems(reached), *_sweep_problems(seen), *_flow_problems(flow)]
    return Health(
        database=True,
        broker=reached,
        flow=flow,
        last_round=seen.last_round,
        workers=seen.workers,
        problems=problems,
    )


def broker_is_reachable() -> bool:
    """Whether the broker accepts a connection now. Never raises; one attempt, with short timeouts."""
    timeouts = {"socket_timeout": BROKER_TIMEOUT, "socket_connect_timeout": BROKER_TIMEOUT, "retry_on_timeout": False}
    options = timeouts if current_app.conf.broker_url.startswith("redis") else {}
    try:
        with current_app.connection_for_write(connect_timeout=BROKER_TIMEOUT, transport_options=options) as connection:
            connection.ensure_connection(max_retries=0, timeout=BROKER_TIMEOUT)
            with connection.channel():
                return True
    except Exception:  # noqa: BLE001  each transport has its own exceptions
        return False


def queue_stats(posts: QuerySet[ScheduledPost]) -> QueueStats:
    """Count among `posts`, in three queries."""
    now = clock.now()
    overdue = posts.filter(status=Status.SCHEDULED, scheduled_for__lte=now)
    due = overdue.aggregate(count=Count("pk"), oldest=Min("scheduled_for"))
    publishing = posts.filter(status=Status.PUBLISHING).aggregate(count=Count("pk"), oldest=Min("lease_expires_at"))
    failed = posts.filter(status=Status.FAILED)
    unknown = Delivery.objects.filter(state=DeliveryState.UNKNOWN, post__in=failed).count()
    lease = _age(publishing["oldest"], now)
    return QueueStats(
        due["count"], _age(due["oldest"], now), publishing["count"], lease if lease and lease > 0 else None, unknown
    )


def _flow_problems(flow: QueueStats) -> list[str]:
    problems = []
    if flow.oldest_overdue is not None and flow.oldest_overdue > settings.HEALTH_LATE:
        overdue = f"{_count(flow.overdue, 'post')} overdue"
        problems.append(f"{overdue}; the oldest has been due for {_format_age(flow.oldest_overdue)}.")
    if flow.oldest_lease is not None and flow.oldest_lease > settings.HEALTH_LATE:
        age = _format_age(flow.oldest_lease)
        problems.append(f"A post has been stuck in PUBLISHING for {age} with no worker.")
    if flow.unknown >= settings.HEALTH_UNKNOWN:
        verb = "has" if flow.unknown == 1 else "have"
        problems.append(
            f"{_count(flow.unknown, 'delivery', 'deliveries')} {verb} an unknown outcome; resolve manually."
        )
    return problems


def _sweep_problems(seen: heartbeat.WorkerStatus) -> list[str]:
    problems = []
    if seen.last_round is None:
        problems.append("The sweep has never run. Start a Celery worker and Celery beat.")
    elif seen.last_round > settings.HEALTH_SWEEP:
        age = _format_age(seen.last_round)
        problems.append(f"The sweep last ran {age} ago: Celery beat, the broker or every worker is down.")
    if seen.ahead is not None:
        worker, seconds = seen.ahead
        problems.append(f"The clock of worker {worker} is {_format_age(seconds)} ahead of this machine's: set both.")
    return problems


def _broker_problems(reached: bool) -> list[str]:  # noqa: FBT001  the only argument
    return [] if reached else ["The broker does not answer."]


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
        "overdue": {"count": flow.overdue, "oldestSeconds": _tenth(flow.oldest_overdue)} if flow else None,
        "publishing": {"count": flow.publishing, "oldestLeaseSeconds": _tenth(flow.oldest_lease)} if flow else None,
        "unknown": {"count": flow.unknown} if flow else None,
        "lastRoundSeconds": _tenth(health.last_round),
        "workers": health.workers,
    }


def _tenth(age: float | None) -> float | None:
    return None if age is None else round(age, 1)
