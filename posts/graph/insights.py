"""Insights of a post: the metrics that the platform returns, and the reasons for those that it does not."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from accounts import clock
from posts.graph import client
from posts.graph.account import Account
from posts.graph.comments import text
from posts.graph.errors import GraphError, InvalidRequest, PermissionDenied, Transient, UnknownErrorCode
from posts.graph.parsing import full_id, items, metric_value

SECONDS = 20.0
LEAST = 1.0  # seconds that must be left to start another call
REFUSALS = (InvalidRequest, PermissionDenied, UnknownErrorCode, Transient)
NO_DATA = "The platform has no data for it; that is not zero, and may come up to two days late"
NO_TIME = "There was no time left to request it"
# Refusals that concern every metric of the post (graph-api, section 11a).
BEFORE_BUSINESS = 2108006
FEW_VIEWERS = "Not enough viewers"  # with code 10, which otherwise means a missing permission
TOO_FEW_VIEWERS = "Too few people have viewed it: the platform shows no insights of it"
# Metrics by kind of post (graph-api, section 6), in groups that one call requests. One metric that the platform does
# not have for a post fails the whole call: those that are sometimes refused are in groups of their own, last.
Groups = tuple[tuple[str, ...], ...]

PAGE_POST: Groups = (
    (
        "post_media_view", "post_clicks", "post_clicks_by_type", "post_reactions_by_type_total",
        "post_activity_by_action_type",
    ),
    ("post_total_media_view_unique",),  # refused for Pages with few followers
)  # fmt: skip
PAGE_VIDEO: Groups = (*PAGE_POST, ("post_video_views", "post_video_avg_time_watched"))
COMMON = ("views", "reach", "likes", "comments", "saved", "shares", "total_interactions")
FEED: Groups = (
    (*COMMON, "reposts", "follows", "profile_visits"),
    ("total_likes", "total_comments", "total_views"),
    ("facebook_views",),  # refused for what is not shared to Facebook
)
REELS: Groups = (
    (*COMMON, "reposts", "ig_reels_avg_watch_time", "ig_reels_video_view_total_time"),
    ("reels_skip_rate", "total_likes", "total_comments", "total_views"),
    ("facebook_views",),
    ("crossposted_views",),
)
STORY: Groups = (
    ("views", "reach", "shares", "replies", "total_interactions", "reposts", "follows", "profile_visits"),
    ("navigation", "link_clicks", "total_views"),
    ("facebook_views",),
)


@dataclass(frozen=True)
class Metric:
    name: str
    period: str | None
    title: str | None
    description: str | None
    value: Any


@dataclass(frozen=True)
class Insights:
    """The returned metrics, and the reason for each unavailable one, a sentence, by name."""

    metrics: list[Metric]
    unavailable: dict[str, str]
    fetched_at: datetime


def read_insights(account: Account, post_id: str, post_type: str, media_type: str | None, seconds: float) -> Insights:
    """Request every metric of a POST, REEL or STORY within `seconds`.

    A refused metric does not affect the others. A refusal of the first call that concerns all metrics, such as a
    missing permission, is the reason for all of them, without another call. Raises the GraphErrors that concern the
    post or the account, and Transient when no call succeeded.
    """
    if account.type == "FB_PAGE":
        groups = PAGE_VIDEO if post_type == "REEL" or media_type == "VIDEO" else PAGE_POST
    else:
        groups = {"REEL": REELS, "STORY": STORY}.get(post_type, FEED)
    # A Page's video has no insights under its own id, only as the Page's post.
    node = full_id(account, post_id) if account.type == "FB_PAGE" else post_id
    reader = _InsightsReader(account, node, time.monotonic() + seconds)
    order = [name for group in groups for name in group]
    for group in groups:
        reader.read(group)
        if reader.refusal:
            reader.reasons = dict.fromkeys(order, reader.refusal)
            break
    if reader.failure is not None and not reader.succeeded:
        raise reader.failure
    metrics = [reader.metrics[name] for name in order if name in reader.metrics]
    return Insights(metrics, {name: reader.reasons[name] for name in order if name in reader.reasons}, clock.now())


class _InsightsReader:
    def __init__(self, account: Account, node: str, until: float) -> None:
        self.account, self.node, self.until = account, node, until
        self.metrics: dict[str, Metric] = {}
        self.reasons: dict[str, str] = {}
        self.succeeded = False
        self.failure: Transient | None = None
        self.refusal = ""  # the reason why there are no metrics at all

    def read(self, names: tuple[str, ...]) -> None:
        """Request these metrics in one call; when it is refused, each half of them."""
        left = self.until - time.monotonic()
        if left < LEAST:
            self.reasons |= dict.fromkeys(names, NO_TIME)
            return
        try:
            response = client.get(self.account, f"{self.node}/insights", seconds=left, metric=",".join(names))
        except REFUSALS as error:
            if isinstance(error, Transient):
                self.failure = error
            elif not self.reasons and not self.succeeded and (reason := _refusal_of_all(error)):
                self.refusal = reason
                return
            # No error code means no response; a smaller request would not help.
            if len(names) == 1 or error.code is None:
                self.reasons |= dict.fromkeys(names, str(error))
                return
            middle = len(names) // 2
            for half in (names[:middle], names[middle:]):
                if not self.refusal:
                    self.read(half)
            return
        self.succeeded = True
        given = {metric.name: metric for metric in _metrics(response) if metric.name in names}
        self.metrics |= given
        self.reasons |= {name: NO_DATA for name in names if name not in given}


def _refusal_of_all(error: GraphError) -> str:
    """Return the reason when a refusal concerns every metric, else an empty string."""
    if FEW_VIEWERS in error.platform_message:
        return TOO_FEW_VIEWERS
    concerns_all = isinstance(error, PermissionDenied) or error.subcode == BEFORE_BUSINESS
    return str(error) if concerns_all else ""


def _metrics(response: dict[str, Any]) -> Iterator[Metric]:
    for entry in items(response):
        name, value = text(entry.get("name")), metric_value(entry)
        if name and value is not None:
            period, title, description = (text(entry.get(key)) for key in ("period", "title", "description"))
            yield Metric(name, period, title, description, value)
