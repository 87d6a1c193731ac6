"""A published post's insights, read from the platform when they are asked for and never from a copy."""

from dataclasses import dataclass
from datetime import datetime

from accounts import clock
from posts.domain.channels import graph_account
from posts.graph import insights as reading
from posts.graph.insights import Metric, metrics
from posts.models import Channel


@dataclass(frozen=True)
class Insights:
    """`items` that the platform gave; `unavailable` maps the others to the reason, a sentence."""

    items: list[Metric]
    unavailable: dict[str, str]
    fetched_at: datetime


def insights(
    channel: Channel,
    post_id: str,
    type: str,  # noqa: A002  the contract's word
    *,
    media_type: str | None = None,
    seconds: float = reading.SECONDS,
) -> Insights:
    """Return all metrics that a post of this type has on the channel's platform, within `seconds`.

    A metric that is refused, or of which nothing is known, is unavailable. Raises GraphErrors when the post or the
    channel cannot be read at all.
    """
    account = graph_account(channel)
    found = reading.insights(account, post_id, metrics(channel.type, type, media_type), seconds=seconds)
    return Insights(found.figures, found.unavailable, clock.now())
