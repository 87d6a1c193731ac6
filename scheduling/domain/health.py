"""Do posts go out? Red when they are late although every process is up. Reads only."""

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
    """Counts and ages of posts. Ages in seconds; None when there is nothing of the kind.

    `overdue` are SCHEDULED although their instant has passed. `oldest_lease`: how long ago the first lease on a
    PUBLISHING post ran out. `unknown` are outcomes that wait for a person to look.
    """

    overdue: int
    oldest_overdue: float | None
    publishing: int
    oldest_lease: float | None
    unknown: int


@dataclass(frozen=True)
class Health:
    """What was seen, and in `problems` a sentence for each thing that must not stay so."""

    database: bool
    broker: bool
    flow: QueueStats | None = None
    last_round: float | None = None
    workers: int | None = None
    problems: list[str] = field(default_factory=list)

    @property
    def ready(self) -> bool:
        """Whether posts go out, as far as one can tell."""
        return not self.problems


def check_health() -> Health:
    """Look at everything: counts and ages of all organizations together. Never raises."""
    reached = broker_is_reachable()
    try:
        flow, seen = queue_stats(ScheduledPost.objects.all()), heartbeat.worker_status()
    except DatabaseError:
        return Health(database=False, broker=reached, problems=["The database does not answer.", *_broker(reached)])
    problems = [*_broker(reached), *_round(seen), *_late(flow)]
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
    out = posts.filter(status=Status.PUBLISHING).aggregate(count=Count("pk"), oldest=Min("lease_expires_at"))
    failed = posts.filter(status=Status.FAILED)
    unknown = Delivery.objects.filter(state=DeliveryState.UNKNOWN, post__in=failed).count()
    lease = _age(out["oldest"], now)
    return QueueStats(
        due["count"], _age(due["oldest"], now), out["count"], lease if lease and lease > 0 else None, unknown
    )


def _late(flow: QueueStats) -> list[str]:
    said = []
    if flow.oldest_overdue is not None and flow.oldest_overdue > settings.HEALTH_LATE:
        late = f"{_many(flow.overdue, 'post')} should be out already"
        said.append(f"{late}; the oldest has been due for {_seconds(flow.oldest_overdue)}.")
    if flow.oldest_lease is not None and flow.oldest_lease > settings.HEALTH_LATE:
        said.append(f"A post is half published, and no worker has gone on with it for {_seconds(flow.oldest_lease)}.")
    if flow.unknown >= settings.HEALTH_UNKNOWN:
        said.append(f"Of {_many(flow.unknown, 'delivery', 'deliveries')} nobody knows whether they are live.")
    return said


def _round(seen: heartbeat.WorkerStatus) -> list[str]:
    said = _silence(seen)
    if seen.ahead is not None:
        worker, seconds = seen.ahead
        said.append(f"The clock of the worker {worker} is ahead of this machine's by {_seconds(seconds)}: set both.")
    return said


def _silence(seen: heartbeat.WorkerStatus) -> list[str]:
    if seen.last_round is None:
        return ["No worker has ever taken a round of the beat: start a worker and a beat."]
    if seen.last_round > settings.HEALTH_SWEEP:
        since = _seconds(seen.last_round)
        return [f"No worker has taken a round of the beat for {since}: the beat, the broker or every worker is down."]
    return []


def _broker(reached: bool) -> list[str]:  # noqa: FBT001  the one thing that it speaks of
    return [] if reached else ["The broker does not answer."]


def _age(instant: datetime | None, now: datetime) -> float | None:
    return (now - instant).total_seconds() if instant else None


def _many(count: int, one: str, more: str = "") -> str:
    return f"{count:,} {one if count == 1 else more or one + 's'}"


def _seconds(age: float) -> str:
    return f"{age:.0f} s" if age < 120 else f"{age / 60:.0f} min" if age < 7200 else f"{age / 3600:.0f} h"


def as_json(health: Health) -> dict[str, Any]:
    """Return counts and ages for programs: nothing of any post's content."""
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
