"""A published post's insights, read from the platform at each call and never from a copy."""

from dataclasses import dataclass
from datetime import datetime

from accounts import clock
from posts.domain.channels import graph_account
from posts.graph import insights as graph
from posts.graph.insights import Metric, metrics
from posts.models import Channel


@dataclass(frozen=True)
class Insights:
    """`items` are the metrics that the platform returned; `unavailable` maps the others to the reason, a sentence."""

    items: list[Metric]
    unavailable: dict[str, str]
    fetched_at: datetime


def insights(
    channel: Channel,
    post_id: str,
    type: str,  # noqa: A002  the contract's word
    *,
    media_type: str | None = None,
    seconds: float = graph.SECONDS,
) -> Insights:
    """Request all metrics that a post of this type has on the channel's platform, within `seconds`.

    A metric that is refused or has no data is unavailable. Raises GraphErrors when the post or the channel cannot be
    read at all.
    """
    account = graph_account(channel)
    given = graph.insights(account, post_id, metrics(channel.type, type, media_type), seconds=seconds)
    return Insights(given.metrics, given.unavailable, clock.now())
