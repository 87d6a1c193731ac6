"""A Page's own posts and reels. Facts: graph-api, section 4.

`published_posts` has what the Page published, without reels; those stand in `video_reels` as Video nodes, which have no
counters: the counters are read from the reel's post, one call each.
"""

from collections.abc import Callable, Collection, Mapping
from typing import Any

from posts.graph import client
from posts.graph.account import Account
from posts.graph.errors import InvalidRequest, NotFound, PermissionDenied
from posts.graph.feed.fields import Part, asked, blamed, untold
from posts.graph.parsing import Found, address, count, ident, inside, items, text
from posts.graph.publishers.recent_posts import instant

Before = Callable[[], None]
REACTIONS = ("LIKE", "LOVE", "CARE", "HAHA", "WOW", "SAD", "ANGRY")
_TYPES = ",".join(f"reactions.type({one}).limit(0).summary(total_count).as(r_{one.lower()})" for one in REACTIONS)
COUNTERS = (
    Part("shares", "shares", ("shares",)),
    Part("comments", "comments.filter(stream).limit(0).summary(true)", ("comments",), people=True),
    Part("reactions", _TYPES, ("likes", "reactions"), people=True),
)
POST = (
    Part("post", "id,created_time,message"),
    Part("from", "from{id}"),
    Part("is_published", "is_published"),
    Part("is_expired", "is_expired"),
    Part("permalink_url", "permalink_url", ("permalink",)),
    Part("full_picture", "full_picture"),
    Part("picture", "picture"),
    Part(
        "attachments",
        "attachments{media_type,type,media{image{src},source},subattachments{media_type}}",
        ("media_type", "media_url", "thumbnail_url"),
    ),
    *COUNTERS,
)
REEL = (
    Part("reel", "id,created_time,description"),
    Part("post_id", "post_id"),
    Part("published", "published"),
    Part("permalink_url", "permalink_url", ("permalink",)),
    Part("source", "source", ("media_url",)),
    Part("picture", "picture", ("thumbnail_url",)),
    *COUNTERS,
)
MEDIA_TYPES = {"photo": "IMAGE", "video": "VIDEO", "album": "CAROUSEL"}
FILMS = {"animated_image_video", "video_inline", "video_autoplay", "native_templates_video"}


def post(account: Account, said: Mapping[str, Any], without: Collection[str], _before: Before) -> Found | None:
    """Return a post of `published_posts`, None for one that the Page did not write or that nobody sees."""
    author = ident(inside(said.get("from"), "id"))
    hidden = said.get("is_published") is False or said.get("is_expired") is True
    at, name = instant(said.get("created_time")), ident(said.get("id"))
    if hidden or (author and author != account.platform_id) or at is None or not name:
        return None
    values = {
        "type": "POST",
        "caption": text(said.get("message")),
        "permalink": address(said.get("permalink_url")),
        **_media(said),
        **_counters(said),
    }
    return _found(name, at, values, untold(POST, without))


def reel(account: Account, said: Mapping[str, Any], without: Collection[str], before: Before) -> Found | None:
    """Return a reel with its counters, read by a call of its own; None while the platform names no post for it.

    Raises GraphErrors, but not for a post that cannot be read: its counters are then not known.
    """
    post_id, at = full(account, ident(said.get("post_id"))), instant(said.get("created_time"))
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
    return _found(post_id, at, values, untold(REEL, without) | lacking)


def full(account: Account, post_id: str) -> str:
    """Return the id in the form that every edge takes, {page}_{post}."""
    return post_id if not post_id or "_" in post_id else f"{account.platform_id}_{post_id}"


def _counted(
    account: Account, post_id: str, without: Collection[str], before: Before
) -> tuple[dict[str, Any], set[str]]:
    """Return a reel's counters, and the columns that nothing was learned about."""
    parts = (Part("id", "id"), *COUNTERS)
    left_out = set(without)
    for _ in parts:
        before()
        try:
            said = client.get(account, post_id, fields=asked(parts, left_out))
        except NotFound:
            break
        except (InvalidRequest, PermissionDenied) as error:
            worse = blamed(error, parts, left_out)
            if not worse:
                break
            left_out |= worse
        else:
            return _counters(said), untold(parts, left_out)
    return {}, {column for part in COUNTERS for column in part.columns}


def _found(name: str, at: Any, values: dict[str, Any], unknown: set[str]) -> Found:
    return Found(name, at, {column: value for column, value in values.items() if column not in unknown})


def _media(said: Mapping[str, Any]) -> dict[str, Any]:
    hung = (items(said.get("attachments")) or [{}])[0]
    kind = str(hung.get("media_type") or hung.get("type") or "")
    media_type = "VIDEO" if kind in FILMS else MEDIA_TYPES.get(kind, "TEXT")
    image = address(inside(hung, "media", "image", "src"))
    large, small = address(said.get("full_picture")), address(said.get("picture"))
    if media_type == "VIDEO":
        return {
            "media_type": media_type,
            "media_url": address(inside(hung, "media", "source")),
            "thumbnail_url": large or image or small,
        }
    shown = image or large if media_type != "TEXT" else None
    return {"media_type": media_type, "media_url": shown, "thumbnail_url": small or large or image}


def _counters(said: Mapping[str, Any]) -> dict[str, Any]:
    """Return likes, reactions, comments and shares. Shares are the one field that is left out when it is 0."""
    by_name = {one.lower(): count(inside(said.get(f"r_{one.lower()}"), "summary", "total_count")) for one in REACTIONS}
    told = {name: number for name, number in by_name.items() if number is not None}
    shares = count(inside(said.get("shares"), "count")) if "shares" in said else 0
    return {
        "likes": by_name["like"],
        "reactions": told or None,
        "comments": count(inside(said.get("comments"), "summary", "total_count")),
        "shares": shares,
    }
