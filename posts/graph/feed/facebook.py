"""A Page's own posts and reels. Facts: graph-api, section 4.

`published_posts` has what the Page published, without reels; those stand in `video_reels` as Video nodes, which have no
counters: the counters are read from the reel's post, one call each.
"""

from collections.abc import Callable, Collection, Mapping
from typing import Any

from posts.graph import client
from posts.graph.account import Account
from posts.graph.errors import InvalidRequest, NotFound, PermissionDenied
from posts.graph.feed.fields import FieldGroup, fields_param, groups_to_drop, missing_columns
from posts.graph.parsing import ImportedPost, address, count, dig, items, parse_id, text
from posts.graph.publishers.recent_posts import parse_graph_time

Before = Callable[[], None]
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
FILMS = {"animated_image_video", "video_inline", "video_autoplay", "native_templates_video"}


def post(account: Account, said: Mapping[str, Any], without: Collection[str], _before: Before) -> ImportedPost | None:
    """Return a post of `published_posts`, None for one that the Page did not write or that nobody sees."""
    author = parse_id(dig(said.get("from"), "id"))
    hidden = said.get("is_published") is False or said.get("is_expired") is True
    at, name = parse_graph_time(said.get("created_time")), parse_id(said.get("id"))
    if hidden or (author and author != account.platform_id) or at is None or not name:
        return None
    values = {
        "type": "POST",
        "caption": text(said.get("message")),
        "permalink": address(said.get("permalink_url")),
        **_media(said),
        **_counters(said),
    }
    return _found(name, at, values, missing_columns(POST, without))


def reel(account: Account, said: Mapping[str, Any], without: Collection[str], before: Before) -> ImportedPost | None:
    """Return a reel with its counters, read by a call of its own; None while the platform names no post for it.

    Raises GraphErrors, but not for a post that cannot be read: its counters are then not known.
    """
    post_id, at = full(account, parse_id(said.get("post_id"))), parse_graph_time(said.get("created_time"))
    if said.get("published") is False or at is None or not post_id:
        return None
    counted, lacking = _counted(account, post_id, without, before)
    values = {
        "type": "REEL",
        "media_type": "VIDEO",
        "caption": text(said.get("description")),
        "permalink": address(said.get("permalink_url")),
        "media_url": address(said.get("source")),
        "thumbnail_url": address(said.get("picture")),
        **counted,
    }
    return _found(post_id, at, values, missing_columns(REEL, without) | lacking)


def full(account: Account, post_id: str) -> str:
    """Return the id in the form that every edge takes, {page}_{post}."""
    return post_id if not post_id or "_" in post_id else f"{account.platform_id}_{post_id}"


def _counted(
    account: Account, post_id: str, without: Collection[str], before: Before
) -> tuple[dict[str, Any], set[str]]:
    """Return a reel's counters, and the columns that nothing was learned about."""
    parts = (FieldGroup("id", "id"), *COUNTERS)
    left_out = set(without)
    for _ in parts:
        before()
        try:
            said = client.get(account, post_id, fields=fields_param(parts, left_out))
        except NotFound:
            break
        except (InvalidRequest, PermissionDenied) as error:
            worse = groups_to_drop(error, parts, left_out)
            if not worse:
                break
            left_out |= worse
        else:
            return _counters(said), missing_columns(parts, left_out)
    return {}, {column for part in COUNTERS for column in part.columns}


def _found(name: str, at: Any, values: dict[str, Any], unknown: set[str]) -> ImportedPost:
    return ImportedPost(name, at, {column: value for column, value in values.items() if column not in unknown})


def _media(said: Mapping[str, Any]) -> dict[str, Any]:
    hung = (items(said.get("attachments")) or [{}])[0]
    kind = str(hung.get("media_type") or hung.get("type") or "")
    media_type = "VIDEO" if kind in FILMS else MEDIA_TYPES.get(kind, "TEXT")
    image = address(dig(hung, "media", "image", "src"))
    large, small = address(said.get("full_picture")), address(said.get("picture"))
    if media_type == "VIDEO":
        return {
            "media_type": media_type,
            "media_url": address(dig(hung, "media", "source")),
            "thumbnail_url": large or image or small,
        }
    shown = image or large if media_type != "TEXT" else None
    return {"media_type": media_type, "media_url": shown, "thumbnail_url": small or large or image}


def _counters(said: Mapping[str, Any]) -> dict[str, Any]:
    """Return likes, reactions, comments and shares. Shares are the one field that is left out when it is 0."""
    by_name = {
        reaction.lower(): count(dig(said.get(f"r_{reaction.lower()}"), "summary", "total_count"))
        for reaction in REACTIONS
    }
    told = {name: number for name, number in by_name.items() if number is not None}
    shares = count(dig(said.get("shares"), "count")) if "shares" in said else 0
    return {
        "likes": by_name["like"],
        "reactions": told or None,
        "comments": count(dig(said.get("comments"), "summary", "total_count")),
        "shares": shares,
    }
