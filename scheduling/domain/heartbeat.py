"""Heartbeats of workers: each periodic sweep records in the database which worker ran it."""

from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings

from accounts import clock
from scheduling.models import WorkerHeartbeat

KEPT = timedelta(days=1)
MAX_CLOCK_DIFFERENCE = 5.0  # seconds


@dataclass(frozen=True)
class WorkerStatus:
    """`last_round`: seconds since the last sweep, None without any. `workers`: how many ran one within HEALTH_SWEEP.

    `ahead`: the worker whose clock is furthest ahead of ours, and by how many seconds. Its heartbeat is not counted.
    """

    last_round: float | None
    workers: int
    ahead: tuple[str, float] | None = None


def record(worker: str) -> None:
    """Record that `worker` runs a sweep now; delete heartbeats more than a day away."""
    now = clock.now()
    WorkerHeartbeat.objects.bulk_create(
        [WorkerHeartbeat(worker=(worker or "unnamed")[:200], seen_at=now)],
        update_conflicts=True,
        unique_fields=["worker"],
        update_fields=["seen_at"],
    )
    WorkerHeartbeat.objects.exclude(seen_at__range=(now - KEPT, now + KEPT)).delete()


def worker_status() -> WorkerStatus:
    now = clock.now()
    ages = [
        (heartbeat.worker, (now - heartbeat.seen_at).total_seconds())
        for heartbeat in WorkerHeartbeat.objects.order_by("-seen_at")
    ]
    plausible = [age for _, age in ages if age >= -MAX_CLOCK_DIFFERENCE]
    ahead = (ages[0][0], -ages[0][1]) if ages and ages[0][1] < -MAX_CLOCK_DIFFERENCE else None
    last = max(0.0, plausible[0]) if plausible else None
    return WorkerStatus(last, len([age for age in plausible if age <= settings.HEALTH_SWEEP]), ahead)
