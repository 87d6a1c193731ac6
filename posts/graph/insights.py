"""Insights of a post from the platform: as many metrics as it gives, and why it does not give the others."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from posts.graph import client
from posts.graph.account import Account
from posts.graph.comments import text
from posts.graph.errors import InvalidRequest, PermissionDenied, Transient, UnknownErrorCode

SECONDS = 20.0
LEAST = 1.0  # seconds that a call is worth starting with
REFUSALS = (InvalidRequest, PermissionDenied, UnknownErrorCode, Transient)
NO_DATA = "The platform has no data for it; that is not zero, and may come up to two days late"
NO_TIME = "There was no time left to ask for it"
# Metrics by kind of post (graph-api, section 6), in groups that one call requests. One metric that the platform does
# not know for a post fails the whole call: those that it refuses at times are in groups of their own, last.
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
    """A metric's value: a number, or numbers by kind."""

    name: str
    period: str | None
    title: str | None
    description: str | None
    value: Any


@dataclass
class Insights:
    """What was given, and for what was not the reason, by name."""

    figures: list[Metric] = field(default_factory=list)
    unavailable: dict[str, str] = field(default_factory=dict)


def insights(account: Account, post_id: str, groups: Groups, *, seconds: float = SECONDS) -> Insights:
    """Ask for every metric within `seconds`. A metric that is refused does not keep the others from answering.

    Raises the GraphError that concerns the post or the account rather than a metric, and when the platform failed
    before it gave anything.
    """
    # A Page's video has no insights under its own id, only as the Page's post.
    bare = account.type == "FB_PAGE" and "_" not in post_id
    asking = _Asking(account, f"{account.platform_id}_{post_id}" if bare else post_id, time.monotonic() + seconds)
    for group in groups:
        asking.ask(group)
    if asking.failure is not None and not asking.answered:
        raise asking.failure
    order = [name for group in groups for name in group]
    asking.found.figures.sort(key=lambda figure: order.index(figure.name))
    asking.found.unavailable = {
        name: asking.found.unavailable[name] for name in order if name in asking.found.unavailable
    }
    return asking.found


class _Asking:
    def __init__(self, account: Account, node: str, until: float) -> None:
        self.account, self.node, self.until = account, node, until
        self.found = Insights()
        self.answered = False
        self.failure: Transient | None = None

    def ask(self, names: tuple[str, ...]) -> None:
        """Ask for these together, and when that is refused for each half of them."""
        left = self.until - time.monotonic()
        if left < LEAST:
            self._without(names, NO_TIME)
            return
        try:
            said = client.get_with_deadline(
                self.account, f"{self.node}/insights", {"metric": ",".join(names)}, seconds=left
            )
        except REFUSALS as error:
            if isinstance(error, Transient):
                self.failure = error
            # Without a code nobody answered, and who asks for less gets no more.
            if len(names) == 1 or error.code is None:
                self._without(names, str(error))
                return
            middle = len(names) // 2
            self.ask(names[:middle])
            self.ask(names[middle:])
            return
        self.answered = True
        given = {figure.name: figure for figure in _figures(said)}
        self.found.figures += [given[name] for name in names if name in given]
        self._without(tuple(name for name in names if name not in given), NO_DATA)

    def _without(self, names: tuple[str, ...], reason: str) -> None:
        self.found.unavailable |= dict.fromkeys(names, reason)


def _figures(said: dict[str, Any]) -> Iterator[Metric]:
    data = said.get("data")
    for item in data if isinstance(data, list) else []:
        if isinstance(item, dict) and (name := text(item.get("name"))):
            value = _value(item)
            if value is not None:
                period, title, description = (text(item.get(key)) for key in ("period", "title", "description"))
                yield Metric(name, period, title, description, value)


def _value(one: dict[str, Any]) -> Any:
    """Return the latest value, or the total; None when there is none, which is not zero."""
    values = one.get("values")
    if isinstance(values, list) and values and isinstance(values[-1], dict):
        return values[-1].get("value")
    total = one.get("total_value")
    return total.get("value") if isinstance(total, dict) else None


def metrics(account_type: str, post_type: str, media_type: str | None = None) -> Groups:
    """Return the metrics of a POST, REEL or STORY of a channel's type."""
    if account_type == "FB_PAGE":
        return PAGE_VIDEO if post_type == "REEL" or media_type == "VIDEO" else PAGE_POST
    return {"REEL": REELS, "STORY": STORY}.get(post_type, FEED)
