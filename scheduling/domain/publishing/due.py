"""What falls due: foretold without touching anything, or published in this very process. Neither needs a broker."""

from collections.abc import Iterator
from dataclasses import dataclass

from scheduling.domain.publishing import gate, payload, run
from scheduling.domain.publishing.lease import abandoned_posts, load
from scheduling.domain.sweep import due
from scheduling.models import Delivery, ScheduledPost


@dataclass(frozen=True)
class ChannelForecast:
    """One channel of a post. `obstacle` is why nothing would go out there, empty when it would."""

    delivery: Delivery
    staged: bool
    obstacle: str


@dataclass(frozen=True)
class Forecast:
    """A post that falls due. `obstacle` is why nothing of it would go out, empty when the gate is open."""

    post: ScheduledPost
    prospects: list[ChannelForecast]
    obstacle: str

    @property
    def goes(self) -> bool:
        """Whether it would go out on one channel at least."""
        return not self.obstacle and any(not prospect.obstacle for prospect in self.prospects)


def forecasts(within: float = 0.0) -> Iterator[Forecast]:
    """Say of each SCHEDULED post whose instant is at most `within` seconds away what would become of it. Reads only."""
    for pk in due(within).values_list("pk", flat=True):
        if (found := load(str(pk))) is not None:
            yield _forecast(*found)


def publish_inline() -> Iterator[tuple[str, str]]:
    """Publish what is due, and go on with what no worker holds any more; yield (post, what happened) for each.

    Through the same claims as everywhere: workers that are at it too lose nothing and repeat nothing.
    """
    for pk, task_id in list(due(0).values_list("pk", "task_id")):
        yield str(pk), run.publish(str(pk), str(task_id))
    for pk in list(abandoned_posts().order_by("lease_expires_at").values_list("pk", flat=True)):
        yield str(pk), run.resume(str(pk))


def _forecast(post: ScheduledPost, deliveries: list[Delivery]) -> Forecast:
    obstacle = ""
    try:
        gate.authorize(post, deliveries)
    except gate.GateClosed as closed:
        obstacle = f"{closed.code}: {closed.message}"
    if gate.is_past_late_limit(post):
        obstacle = "{}: {}".format(*run.MISSED)
    covered = post.approval.content["channels"] if post.approval else {}
    digest = post.approval.digest if post.approval else ""
    return Forecast(
        post,
        [
            ChannelForecast(delivery, payload.is_staged(delivery, digest), _obstacle(delivery))
            for delivery in deliveries
            if delivery.channel.public_id in covered
        ],
        obstacle,
    )


def _obstacle(delivery: Delivery) -> str:
    try:
        gate.ensure_channel_connected(delivery)
    except gate.GateClosed as closed:
        return f"{closed.code}: {closed.message}"
    return ""
