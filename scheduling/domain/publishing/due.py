"""Due posts, and what publishing them would do. Reads only, without a broker."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from django.db.models import QuerySet

from accounts import clock
from scheduling.domain.publishing import gate, payload
from scheduling.domain.publishing.lease import load_post
from scheduling.lifecycle import Status
from scheduling.models import Delivery, ScheduledPost


@dataclass(frozen=True)
class ChannelForecast:
    """One channel of a post. `obstacle` is why it would not be published there; empty when it would."""

    delivery: Delivery
    staged: bool
    obstacle: str


@dataclass(frozen=True)
class Forecast:
    """A due post. `obstacle` is why no channel of it would be published; empty when the gate is open."""

    post: ScheduledPost
    channels: list[ChannelForecast]
    obstacle: str

    @property
    def publishable(self) -> bool:
        """Whether it would be published on at least one channel."""
        return not self.obstacle and any(not channel.obstacle for channel in self.channels)


def due_posts(within: float) -> QuerySet[ScheduledPost]:
    """Return the SCHEDULED posts whose time is at most `within` seconds away, soonest first."""
    until = clock.now() + timedelta(seconds=within)
    return ScheduledPost.objects.filter(status=Status.SCHEDULED, scheduled_for__lte=until).order_by("scheduled_for")


def forecasts(within: float = 0.0) -> Iterator[Forecast]:
    """Yield for each post that is due `within` seconds what publishing it would do."""
    for pk in due_posts(within).values_list("pk", flat=True):
        if (loaded := load_post(str(pk))) is not None:
            yield _forecast(*loaded)


def _forecast(post: ScheduledPost, deliveries: list[Delivery]) -> Forecast:
    obstacle = ""
    try:
        gate.authorize(post, deliveries)
    except gate.GateClosed as closed:
        obstacle = f"{closed.code}: {closed.message}"
    if gate.is_past_late_limit(post):
        obstacle = "{}: {}".format(*gate.MISSED)
    covered = post.approval.content["channels"] if post.approval else {}
    channels = [
        ChannelForecast(delivery, payload.is_staged(delivery, post.approved_digest), _channel_obstacle(delivery))
        for delivery in deliveries
        if delivery.channel.public_id in covered
    ]
    return Forecast(post, channels, obstacle)


def _channel_obstacle(delivery: Delivery) -> str:
    try:
        gate.ensure_channel_connected(delivery)
    except gate.GateClosed as closed:
        return f"{closed.code}: {closed.message}"
    return ""
