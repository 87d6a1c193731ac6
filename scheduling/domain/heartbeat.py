"""Who was seen at work: the beat's round arrives through the broker at a worker, and leaves a line in the database."""

from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings

from accounts import clock
from scheduling.models import WorkerHeartbeat

FORGET = timedelta(days=1)


AHEAD = 5.0  # seconds by which clocks may differ


@dataclass(frozen=True)
class WorkerStatus:
    """Seconds since a round was taken, None when there never was one; how many workers took one lately.

    `ahead`: the worker whose clock is furthest ahead of ours, and by how many seconds. Its sign says nothing more.
    """

    last_round: float | None
    workers: int
    ahead: tuple[str, float] | None = None


def note(worker: str) -> None:
    """Note that this worker takes a round now; forget those that have not been seen for a day."""
    now = clock.now()
    WorkerHeartbeat.objects.bulk_create(
        [WorkerHeartbeat(worker=(worker or "unnamed")[:200], seen_at=now)],
        update_conflicts=True,
        unique_fields=["worker"],
        update_fields=["seen_at"],
    )
    WorkerHeartbeat.objects.exclude(seen_at__range=(now - FORGET, now + FORGET)).delete()


def worker_status() -> WorkerStatus:
    """Return what the lines say."""
    now = clock.now()
    ages = [
        (worker_heartbeat.worker, (now - worker_heartbeat.seen_at).total_seconds())
        for worker_heartbeat in WorkerHeartbeat.objects.order_by("-seen_at")
    ]
    believed = [age for _, age in ages if age >= -AHEAD]
    ahead = (ages[0][0], -ages[0][1]) if ages and ages[0][1] < -AHEAD else None
    last = max(0.0, believed[0]) if believed else None
    return WorkerStatus(last, sum(age <= settings.HEALTH_SWEEP for age in believed), ahead)
