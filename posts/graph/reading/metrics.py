"""Which insights a post has (graph-api, section 6), in groups that are asked for together.

One metric that the platform does not know for a post fails the whole call, so those that it is known to refuse now
and then stand in groups of their own, last.
"""

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


def metrics(account_type: str, post_type: str, media_type: str | None = None) -> Groups:
    """Return the metrics of a POST, REEL or STORY of a channel's type."""
    if account_type == "FB_PAGE":
        return PAGE_VIDEO if post_type == "REEL" or media_type == "VIDEO" else PAGE_POST
    return {"REEL": REELS, "STORY": STORY}.get(post_type, FEED)
