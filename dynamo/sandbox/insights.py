"""Likes, comments, shares and insights of a post. Metrics that exist in v26: graph-api, measured and documented."""

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from dynamo.sandbox import errors
from dynamo.sandbox.auth import require
from dynamo.sandbox.comment_threads import STREAM, Thread
from dynamo.sandbox.comments import READ_PEOPLE
from dynamo.sandbox.errors import Refusal, invalid
from dynamo.sandbox.field_parser import Field, keep, parse
from dynamo.sandbox.http import Request
from dynamo.sandbox.instagram import is_current_story
from dynamo.sandbox.models import Audience, Post, Video
from dynamo.sandbox.state import SandboxContext

REACTIONS = ("LIKE", "LOVE", "WOW", "HAHA", "SAD", "ANGRY", "CARE", "THANKFUL", "PRIDE", "FIRE", "HUNDRED", "NONE")


@dataclass
class Tally:
    """`reactions` contains no zeros. `chance` is a pseudo-random number, constant for the post."""

    likes: int
    comments: int
    shares: int
    reactions: dict[str, int]
    chance: int

    @property
    def reacted(self) -> int:
        return sum(self.reactions.values())

    @property
    def views(self) -> int:
        return self.chance % 400 + 60 + 31 * (self.reacted + self.comments + self.shares)


def tally(context: SandboxContext, post: Post) -> Tally:
    """Return the post's counts."""
    thread = Thread(context, post)
    audience = thread.audience
    reactions = {name: count for name, count in audience.reactions.items() if count}
    likes = audience.likes
    if likes is None:
        likes = reactions.get("LIKE", 0)
    elif likes and "LIKE" not in audience.reactions:
        reactions["LIKE"] = likes
    chance = zlib.crc32(post.id.encode())
    return Tally(likes, thread.total(STREAM), audience.shares or 0, reactions, chance)


def shares(context: SandboxContext, post: Post, _field: Field) -> dict[str, int] | None:
    """Return {"count"}, or None without shares."""
    count = tally(context, post).shares
    return {"count": count} if count else None


def reactions(context: SandboxContext, post: Post, field: Field) -> dict[str, Any]:
    """Return the edge of reactions or likes: no names, and the summary if requested."""
    require(context.state.account(post.account), READ_PEOPLE)
    is_likes = field.name == "likes"
    kind = "LIKE" if is_likes else field.modifiers.get("type", "").upper()
    if kind and kind not in REACTIONS:
        raise errors.invalid(f"Param type must be one of {{{', '.join(REACTIONS)}}}")
    counted = tally(context, post)
    answer: dict[str, Any] = {"data": []}
    summary = field.modifiers.get("summary", "").strip("[]")
    if summary and summary not in {"false", "0"}:
        answer["summary"] = {"total_count": counted.reactions.get(kind, 0) if kind else counted.reacted}
        if summary in {"true", "1"}:
            answer["summary"] |= {"can_like": True, "has_liked": False} if is_likes else {"viewer_reaction": "NONE"}
    return answer


def reactions_edge(context: SandboxContext, request: Request) -> dict[str, Any]:
    """GET /{post}/reactions and /{post}/likes."""
    node = request.node
    assert isinstance(node, Post)  # noqa: S101  routing knows the types that have this edge
    given = {name: request.params.text(name) for name in request.params.values}
    wanted = request.params.text("fields")
    field = Field(request.path.rpartition("/")[2], given, parse(wanted) if wanted else None)
    return dict(keep(reactions(context, node, field), field))


# Insights have other names for reactions than the reactions edge.
IN_INSIGHTS = {"LIKE": "like", "LOVE": "love", "WOW": "wow", "HAHA": "haha", "SAD": "sorry", "ANGRY": "anger"}


@dataclass(frozen=True)
class Metric:
    title: str
    value: Callable[[Tally], Any]
    breakdown: str = ""  # its dimension; the value is then in total_value
    parts: tuple[str, ...] = ()


def _present(counts: dict[str, int]) -> dict[str, int]:
    return {name: count for name, count in counts.items() if count}


def _clicks(tally: Tally) -> dict[str, int]:
    clicks = {"photo view": tally.views // 20, "link clicks": tally.views // 90, "other clicks": tally.views // 35}
    return _present(clicks)


def _actions(tally: Tally) -> dict[str, int]:
    return _present({"like": tally.reacted, "comment": tally.comments, "share": tally.shares})


def _by_type(tally: Tally) -> dict[str, int]:
    return _present({name: tally.reactions.get(kind, 0) for kind, name in IN_INSIGHTS.items()})


def _reaction(kind: str) -> Callable[[Tally], int]:
    return lambda tally: tally.reactions.get(kind, 0)


PAGE_POST: dict[str, Metric] = {
    "post_media_view": Metric("Lifetime Post Media Views", lambda tally: tally.views),
    "post_total_media_view_unique": Metric("Lifetime Post Total Viewers", lambda tally: tally.views * 3 // 4),
    "post_clicks": Metric("Lifetime Post Total Clicks", lambda tally: sum(_clicks(tally).values())),
    "post_clicks_by_type": Metric("Lifetime Post Clicks by type", _clicks),
    "post_reactions_by_type_total": Metric("Lifetime Total Post Reactions by Type", _by_type),
    **{
        f"post_reactions_{name}_total": Metric(f"Lifetime Total {name.title()} Reactions of a post.", _reaction(kind))
        for kind, name in IN_INSIGHTS.items()
    },
    "post_activity_by_action_type": Metric("Lifetime Post Stories by action type", _actions),
    "post_activity_by_action_type_unique": Metric("Lifetime Talking About This by action type", _actions),
    "post_video_views": Metric("Lifetime Total Video Views", lambda tally: tally.views // 3),
    "post_video_avg_time_watched": Metric(
        "Lifetime Average time video viewed", lambda tally: 1000 + tally.chance % 9000
    ),
}
VIDEO: dict[str, Metric] = {
    "total_video_views": Metric("Lifetime Total Video Views", lambda tally: tally.views // 3),
    "total_video_views_unique": Metric("Lifetime Unique Video Views", lambda tally: tally.views // 4),
    "total_video_avg_time_watched": Metric("Lifetime Average Time Watched", lambda tally: 1000 + tally.chance % 9000),
    "total_video_view_total_time": Metric("Lifetime Total Video View Time", lambda tally: tally.views * 2000),
    "blue_reels_play_count": Metric("Lifetime Reels Plays", lambda tally: tally.views),
}

_ACTIONS = ("bio_link_clicked", "call", "direction", "email", "other", "text")
_NAVIGATION = ("tap_forward", "tap_back", "tap_exit", "swipe_forward")
_EVERYWHERE: dict[str, Metric] = {
    "views": Metric("Views", lambda tally: tally.views),
    "reach": Metric("Accounts reached", lambda tally: tally.views * 3 // 4),
    "shares": Metric("Shares", lambda tally: tally.shares),
    "reposts": Metric("Reposts", lambda tally: tally.shares // 5),
    "total_interactions": Metric("Interactions", lambda tally: tally.likes + tally.comments + tally.shares),
    "facebook_views": Metric("Facebook views", lambda tally: tally.views // 6),
    "total_views": Metric("Total views", lambda tally: tally.views),
}
_LIKED: dict[str, Metric] = {
    "likes": Metric("Likes", lambda tally: tally.likes),
    "comments": Metric("Comments", lambda tally: tally.comments),
    "saved": Metric("Saved", lambda tally: tally.likes // 9),
    "total_likes": Metric("Total likes", lambda tally: tally.likes),
    "total_comments": Metric("Total comments", lambda tally: tally.comments),
}
_PROFILE: dict[str, Metric] = {
    "follows": Metric("Follows", lambda tally: tally.likes // 40),
    "profile_visits": Metric("Profile visits", lambda tally: tally.views // 50),
    "profile_activity": Metric("Profile activity", lambda tally: tally.views // 150, "action_type", _ACTIONS),
}
FEED = _EVERYWHERE | _LIKED | _PROFILE
REELS = (
    _EVERYWHERE
    | _LIKED
    | {
        "ig_reels_avg_watch_time": Metric("Average watch time", lambda tally: 1000 + tally.chance % 9000),
        "ig_reels_video_view_total_time": Metric("Total watch time", lambda tally: tally.views * 2000),
        "reels_skip_rate": Metric("Skip rate", lambda tally: round(20 + tally.chance % 500 / 10, 1)),
        "crossposted_views": Metric("Crossposted views", lambda tally: tally.views // 8),
    }
)
STORY = (
    _EVERYWHERE
    | _PROFILE
    | {
        "replies": Metric("Replies", lambda tally: tally.comments),
        "navigation": Metric("Navigation", lambda tally: tally.views, "story_navigation_action_type", _NAVIGATION),
        "link_clicks": Metric("Link clicks", lambda tally: tally.views // 45),
    }
)
INSTAGRAM = FEED | REELS | STORY


FEWEST_VIEWERS = 5


def post_insights(context: SandboxContext, request: Request) -> dict[str, Any]:
    """GET /{post}/insights and /{ig-media}/insights."""
    node = request.node
    assert isinstance(node, Post)  # noqa: S101  routing knows the types that have this edge
    params = request.params
    # The schema declares lists of metrics, periods and breakdowns, which the SDKs send as JSON.
    wanted = {name: ",".join(map(str, params.items(name))) for name in ("metric", "period", "breakdown")}
    return read_insights(context, node, wanted | {"metric_type": params.text("metric_type")})


def video_insights(context: SandboxContext, request: Request) -> dict[str, Any]:
    """GET /{video}/video_insights; all metrics without `metric`."""
    node = request.node
    assert isinstance(node, Video)  # noqa: S101  routing knows the types that have this edge
    post = context.state.find(node.post)
    if not isinstance(post, Post):
        return {"data": []}
    names = [str(name) for name in request.params.items("metric")] or list(VIDEO)
    if not set(names) <= set(VIDEO):
        raise invalid("The value must be a valid insights metric")
    counted, audience = tally(context, post), context.state.audience(post)
    return {"data": [_entry(node.id, name, VIDEO[name], counted, audience, {}) for name in names]}


def read_insights(context: SandboxContext, post: Post, wanted: dict[str, str]) -> dict[str, Any]:
    """Return the metrics. `wanted` has metric (comma-separated) and optionally period, breakdown, metric_type."""
    require(context.state.account(post.account), "instagram_manage_insights" if post.media_type else "read_insights")
    names = [name.strip() for name in wanted.get("metric", "").split(",") if name.strip()]
    if not names:
        raise invalid("The parameter metric is required")
    audience, counted = context.state.audience(post), tally(context, post)
    known = {"reel": REELS, "story": STORY}.get(post.kind, FEED) if post.media_type else PAGE_POST
    if post.media_type:
        _check_instagram(known, names, wanted, audience)
    elif not set(names) <= set(PAGE_POST):
        raise invalid("The value must be a valid insights metric")
    for name in names:  # ordered errors: small Pages lack metrics that other Pages have
        code = audience.refused.get(name)
        if code == 100:
            raise invalid("The value must be a valid insights metric")
        if code is not None:
            status = 403 if 200 <= code < 300 else 400
            raise Refusal(code, f"(#{code}) The metric {name} is not available for this object", status=status)
    if post.kind == "story":
        viewers = audience.insights.get("reach", counted.views)
        if isinstance(viewers, int) and viewers < FEWEST_VIEWERS:
            raise Refusal(10, "(#10) Not enough viewers for the media to show insights")
    other_period = not post.media_type and wanted.get("period", "lifetime") not in {"", "lifetime"}
    if audience.insights_empty or other_period or (post.kind == "story" and not is_current_story(post)):
        return {"data": []}
    given = [name for name in dict.fromkeys(names) if audience.insights.get(name, 0) is not None]
    return {"data": [_entry(post.id, name, known[name], counted, audience, wanted) for name in given]}


def _check_instagram(known: dict[str, Metric], names: list[str], wanted: dict[str, str], audience: Audience) -> None:
    for at, name in enumerate(names):
        if name not in INSTAGRAM:
            raise invalid(f"metric[{at}] must be one of the following values: {', '.join(INSTAGRAM)}")
        if name not in known:
            raise invalid(f"The Media Insights API does not support the {name} metric for this media product type.")
        if name in {"crossposted_views", "facebook_views"} and name not in audience.insights:
            raise invalid(f"The media was not shared to Facebook, so that it has no {name}")
    if wanted.get("period", "lifetime") not in {"", "lifetime"}:
        raise invalid("period[0] must be one of the following values: lifetime")
    if wanted.get("breakdown") and any(known[name].breakdown != wanted["breakdown"] for name in names):
        raise Refusal(1, "An unknown error has occurred.", status=500)


def _entry(
    node_id: str, name: str, metric: Metric, counted: Tally, audience: Audience, wanted: dict[str, str]
) -> dict[str, Any]:
    value = audience.insights.get(name, metric.value(counted))
    entry: dict[str, Any] = {"name": name, "period": "lifetime"}
    if wanted.get("breakdown"):
        share = value // (len(metric.parts) + 1)
        results = [{"dimension_values": [part], "value": share} for part in metric.parts]
        results[0]["value"] = value - share * (len(metric.parts) - 1)  # with the remainder
        breakdown = {"dimension_keys": [metric.breakdown], "results": [part for part in results if part["value"]]}
        entry["total_value"] = {"value": value, "breakdowns": [breakdown]}
    elif wanted.get("metric_type") == "total_value":
        entry["total_value"] = {"value": value}
    else:
        entry["values"] = [{"value": value}]
    description = f"{metric.title} of this post since it was published."
    return entry | {"title": metric.title, "description": description, "id": f"{node_id}/insights/{name}/lifetime"}
