"""Who was seen at work: the beat's round arrives through the broker at a worker, and leaves a line in the database."""

from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings

from accounts import clock
from scheduling.models import Pulse

FORGET = timedelta(days=1)


@dataclass(frozen=True)
class Signs:
    """Seconds since a round was taken, None when there never was one; how many workers took one lately."""

    last_round: float | None
    workers: int


def note(worker: str) -> None:
    """Note that this worker takes a round now; forget those that have not been seen for a day."""
    now = clock.now()
    Pulse.objects.bulk_create(
        [Pulse(worker=(worker or "unnamed")[:200], seen_at=now)],
        update_conflicts=True,
        unique_fields=["worker"],
        update_fields=["seen_at"],
    )
    Pulse.objects.filter(seen_at__lt=now - FORGET).delete()


def signs() -> Signs:
    """Return what the lines say."""
    now = clock.now()
    seen = list(Pulse.objects.order_by("-seen_at").values_list("seen_at", flat=True))
    lately = now - timedelta(seconds=settings.HEALTH_ROUND)
    last = max(0.0, (now - seen[0]).total_seconds()) if seen else None
    return Signs(last, sum(at >= lately for at in seen))
