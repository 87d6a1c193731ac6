"""What falls due: foretold without touching anything, or published in this very process. Neither needs a broker."""

from collections.abc import Iterator
from dataclasses import dataclass

from scheduling.domain.publishing import gate, payload, run
from scheduling.domain.publishing.lease import left_alone, load
from scheduling.domain.sweep import due
from scheduling.models import Delivery, ScheduledPost


@dataclass(frozen=True)
class Prospect:
    """One channel of a post. `obstacle` is why nothing would go out there, empty when it would."""

    delivery: Delivery
    staged: bool
    obstacle: str


@dataclass(frozen=True)
class Forecast:
    """A post that falls due. `obstacle` is why nothing of it would go out, empty when the gate is open."""

    post: ScheduledPost
    prospects: list[Prospect]
    obstacle: str

    @property
    def goes(self) -> bool:
        """Whether it would go out on one channel at least."""
        return not self.obstacle and any(not one.obstacle for one in self.prospects)


def forecasts(within: float = 0.0) -> Iterator[Forecast]:
    """Say of each SCHEDULED post whose instant is at most `within` seconds away what would become of it. Reads only."""
    for pk in due(within).values_list("pk", flat=True):
        if (found := load(str(pk))) is not None:
            yield _forecast(*found)


def publish_here() -> Iterator[tuple[str, str]]:
    """Publish what is due, and go on with what no worker holds any more; yield (post, what happened) for each.

    Through the same claims as everywhere: workers that are at it too lose nothing and repeat nothing.
    """
    for pk, task_id in list(due(0).values_list("pk", "task_id")):
        yield str(pk), run.publish(str(pk), str(task_id))
    for pk in list(left_alone().order_by("lease_until").values_list("pk", flat=True)):
        yield str(pk), run.resume(str(pk))


def _forecast(post: ScheduledPost, deliveries: list[Delivery]) -> Forecast:
    obstacle = ""
    try:
        gate.permit(post, deliveries)
    except gate.GateClosed as closed:
        obstacle = f"{closed.code}: {closed.message}"
    if gate.too_late(post):
        obstacle = "{}: {}".format(*run.MISSED)
    covered = post.approval.content["channels"] if post.approval else {}
    digest = post.approval.digest if post.approval else ""
    return Forecast(
        post,
        [
            Prospect(one, payload.is_staged(one, digest), _obstacle(one))
            for one in deliveries
            if one.channel.wire_id in covered
        ],
        obstacle,
    )


def _obstacle(delivery: Delivery) -> str:
    try:
        gate.channel_open(delivery)
    except gate.GateClosed as closed:
        return f"{closed.code}: {closed.message}"
    return ""
