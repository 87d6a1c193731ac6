"""The metrics that are alive on v26, by kind of post, and what they say of one. graph-api: measured and documented."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from dynamo.sandbox.models import Post
from dynamo.sandbox.reading.tallies import Tally

Value = Callable[[Tally], Any]
# Names of reactions in insights differ from those of the reactions edge.
IN_INSIGHTS = {"LIKE": "like", "LOVE": "love", "WOW": "wow", "HAHA": "haha", "SAD": "sorry", "ANGRY": "anger"}


@dataclass(frozen=True)
class Metric:
    title: str
    value: Value
    breakdown: str = ""  # the dimension it comes in; its value then stands in total_value
    parts: tuple[str, ...] = ()


def _present(counts: dict[str, int]) -> dict[str, int]:
    return {name: count for name, count in counts.items() if count}


def _by_type(tally: Tally) -> dict[str, int]:
    return _present({name: tally.reactions.get(kind, 0) for kind, name in IN_INSIGHTS.items()})


def _clicks(tally: Tally) -> dict[str, int]:
    return _present(
        {"photo view": tally.views // 20, "link clicks": tally.views // 90, "other clicks": tally.views // 35}
    )


def _actions(tally: Tally) -> dict[str, int]:
    return _present({"like": tally.reacted, "comment": tally.comments, "share": tally.shares})


def _reaction(kind: str) -> Value:
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


def of(post: Post) -> dict[str, Metric]:
    """Return the metrics that this post has."""
    if not post.media_type:
        return PAGE_POST
    return {"reel": REELS, "story": STORY}.get(post.kind, FEED)
