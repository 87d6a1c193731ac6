"""A Page's own posts and reels. Facts: graph-api, section 4.

`published_posts` lists the Page's posts without reels. `video_reels` lists these as Video nodes, which have no
counters: they are read from the reel's post, one call each.
"""

from collections.abc import Collection, Mapping
from typing import Any

from posts.graph.account import Account
from posts.graph.errors import InvalidRequest, NotFound, PermissionDenied
from posts.graph.feed.fields import Before, FieldGroup, get_node, missing_columns
from posts.graph.parsing import ImportedPost, address, count, dig, full_id, items, parse_graph_time, parse_id, text

REACTIONS = ("LIKE", "LOVE", "CARE", "HAHA", "WOW", "SAD", "ANGRY")
_TYPES = ",".join(
    f"reactions.type({reaction}).limit(0).summary(total_count).as(r_{reaction.lower()})" for reaction in REACTIONS
)
COUNTERS = (
    FieldGroup("shares", "shares", ("shares",)),
    FieldGroup("comments", "comments.filter(stream).limit(0).summary(true)", ("comments",), people=True),
    FieldGroup("reactions", _TYPES, ("likes", "reactions"), people=True),
)
POST = (
    FieldGroup("post", "id,created_time,message"),
    FieldGroup("from", "from{id}"),
    FieldGroup("is_published", "is_published"),
    FieldGroup("is_expired", "is_expired"),
    FieldGroup("permalink_url", "permalink_url", ("permalink",)),
    FieldGroup("full_picture", "full_picture"),
    FieldGroup("picture", "picture"),
    FieldGroup(
        "attachments",
        "attachments{media_type,type,media{image{src},source},subattachments{media_type}}",
        ("media_type", "media_url", "thumbnail_url"),
    ),
    *COUNTERS,
)
REEL = (
    FieldGroup("reel", "id,created_time,description"),
    FieldGroup("post_id", "post_id"),
    FieldGroup("published", "published"),
    FieldGroup("permalink_url", "permalink_url", ("permalink",)),
    FieldGroup("source", "source", ("media_url",)),
    FieldGroup("picture", "picture", ("thumbnail_url",)),
    *COUNTERS,
)
MEDIA_TYPES = {"photo": "IMAGE", "video": "VIDEO", "album": "CAROUSEL"}
VIDEOS = {"animated_image_video", "video_inline", "video_autoplay", "native_templates_video"}


def post(account: Account, node: Mapping[str, Any], without: Collection[str], _before: Before) -> ImportedPost | None:
    """Return a post of `published_posts`, None for one that the Page did not write or that is not visible."""
    author = parse_id(dig(node, "from", "id"))
    hidden = node.get("is_published") is False or node.get("is_expired") is True
    published_at, post_id = parse_graph_time(node.get("created_time")), parse_id(node.get("id"))
    if hidden or (author and author != account.platform_id) or published_at is None or not post_id:
        return None
    values = {
        "type": "POST",
        "caption": text(node.get("message")),
        "permalink": address(node.get("permalink_url")),
        **_media(node),
        **_counters(node),
    }
    return ImportedPost.without(missing_columns(POST, without), post_id, published_at, values)


def reel(account: Account, node: Mapping[str, Any], without: Collection[str], before: Before) -> ImportedPost | None:
    """Return a reel with its counters, which take a call of their own; None while the reel has no post.

    A post that cannot be read leaves the counters unknown. Raises other GraphErrors.
    """
    post_id, published_at = full_id(account, parse_id(node.get("post_id"))), parse_graph_time(node.get("created_time"))
    if node.get("published") is False or published_at is None or not post_id:
        return None
    counters, unknown = _reel_counters(account, post_id, without, before)
    values = {
        "type": "REEL",
        "media_type": "VIDEO",
        "caption": text(node.get("description")),
        "permalink": address(node.get("permalink_url")),
        "media_url": address(node.get("source")),
        "thumbnail_url": address(node.get("picture")),
        **counters,
    }
    return ImportedPost.without(missing_columns(REEL, without) | unknown, post_id, published_at, values)


def _reel_counters(
    account: Account, post_id: str, without: Collection[str], before: Before
) -> tuple[dict[str, Any], set[str]]:
    """Return a reel's counters, and the columns that are unknown."""
    groups = (FieldGroup("id", "id"), *COUNTERS)
    try:
        response, dropped = get_node(account, post_id, groups, without, guess=False, before=before)
    except (NotFound, InvalidRequest, PermissionDenied):
        return {}, {column for group in COUNTERS for column in group.columns}
    return _counters(response), missing_columns(groups, dropped)


def _media(node: Mapping[str, Any]) -> dict[str, Any]:
    attachment = (items(node.get("attachments")) or [{}])[0]
    kind = str(attachment.get("media_type") or attachment.get("type") or "")
    media_type = "VIDEO" if kind in VIDEOS else MEDIA_TYPES.get(kind, "TEXT")
    image = address(dig(attachment, "media", "image", "src"))
    large, small = address(node.get("full_picture")), address(node.get("picture"))
    if media_type == "VIDEO":
        return {
            "media_type": media_type,
            "media_url": address(dig(attachment, "media", "source")),
            "thumbnail_url": large or image or small,
        }
    media_url = image or large if media_type != "TEXT" else None
    return {"media_type": media_type, "media_url": media_url, "thumbnail_url": small or large or image}


def _counters(node: Mapping[str, Any]) -> dict[str, Any]:
    """Return likes, reactions, comments and shares. Facebook omits `shares` when there are none."""
    counts = {
        reaction.lower(): count(dig(node, f"r_{reaction.lower()}", "summary", "total_count")) for reaction in REACTIONS
    }
    return {
        "likes": counts["like"],
        "reactions": {name: number for name, number in counts.items() if number is not None} or None,
        "comments": count(dig(node, "comments", "summary", "total_count")),
        "shares": count(dig(node, "shares", "count")) if "shares" in node else 0,
    }
