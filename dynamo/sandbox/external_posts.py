"""Posts made outside Dynamo, by users of the app, advertisers or visitors. They are not in the publication log.

kinds    text, link, photo, album, video, reel, story
origins  page (the account itself), ad (Instagram: an AD; a Page: an unpublished ADS_POST), dark (unpublished, for ads),
         visitor (a user who posts on the Page), unpublished, hidden, expired
"""

from datetime import datetime
from typing import Any

from dynamo.sandbox.errors import InvalidControl
from dynamo.sandbox.models import FIRST_SLOT, Account, Post, Video
from dynamo.sandbox.state import SandboxContext, State, now

KINDS = {"text", "link", "photo", "album", "video", "reel", "story"}
ORIGINS = {"page", "ad", "dark", "visitor", "unpublished", "hidden", "expired"}
ITEM = {"id", "kind", "origin", "message", "published_at", "link", "picture", "pictures", "author", "story"}
COUNTERS = {"likes", "comments", "shares", "reactions"}
INSTAGRAM_TYPES = {"video": "VIDEO", "reel": "VIDEO", "album": "CAROUSEL_ALBUM"}
PAGE_MIX = ("photo", "photo", "photo", "text", "reel", "link", "photo", "video", "album", "photo")
INSTAGRAM_MIX = ("photo", "photo", "reel", "album", "photo", "reel")
TEXTS = (
    "Bom dia ☀️",
    "New on the terrace",
    "Season's first figs",
    "Obrigado!",
    "Rooms for the long weekend",
    "Pão quente",
)
DAY = 86_400


def check_keys(values: dict[str, Any], allowed: set[str]) -> None:
    """Raise InvalidControl for keys that are not allowed."""
    if unknown := set(values) - allowed:
        raise InvalidControl(f"unknown: {', '.join(sorted(unknown))}; known: {', '.join(sorted(allowed))}")


def parse_timestamp(value: Any) -> float:
    """Return seconds since the epoch, from a number or from ISO-8601 with a time zone."""
    if not isinstance(value, str):
        return float(value)
    parsed = datetime.fromisoformat(value)
    if parsed.tzinfo is None:
        raise InvalidControl("a time needs a time zone")
    return parsed.timestamp()


def create_posts(context: SandboxContext, given: dict[str, Any]) -> dict[str, Any]:
    """Create `items`, or `count` posts from a `seed`, spread over the last `days`, with `kinds` in turn.

    Returns the ids of items. Seeded posts have generated counters and comments.
    """
    check_keys(given, {"account", "items", "count", "seed", "days", "kinds", "origins"})
    state = context.state
    with state.lock:
        account = state.find(str(given.get("account")))
        if not isinstance(account, Account):
            raise InvalidControl("account is not the id of an account")
        made = [_post_from_item(state, account, item) for item in given.get("items", [])]
        if "count" in given:
            _make_series(state, account, given)
    return {"account": account.id, "ids": [post.id for post in made], "count": int(given.get("count", len(made)))}


def _post_from_item(state: State, account: Account, item: dict[str, Any]) -> Post:
    check_keys(item, ITEM | COUNTERS)
    post = _make_post(
        state,
        account,
        kind=str(item.get("kind", "text" if account.is_page else "photo")),
        origin=str(item.get("origin", "page")),
        at=parse_timestamp(item.get("published_at", now())),
        message=str(item.get("message", "")),
        post_id=str(item.get("id", "")),
    )
    post.link, post.story = str(item.get("link", post.link)), str(item.get("story", ""))
    post.pictures = int(item.get("pictures", post.pictures))
    if "picture" in item:
        post.media_url = str(item["picture"] or "")
    if post.origin == "visitor":
        post.author = item.get("author", {"id": "6900000000000001", "name": "Maria Silva"}) or {}
    if COUNTERS & set(item):
        audience = state.audience(post)
        audience.likes, audience.comments, audience.shares = map(item.get, ("likes", "comments", "shares"))
        audience.reactions = {str(name).upper(): int(count) for name, count in item.get("reactions", {}).items()}
        state.put(audience)
    return state.put(post)


def _make_series(state: State, account: Account, given: dict[str, Any]) -> None:
    count, seed, days = int(given["count"]), int(given.get("seed", 1)), float(given.get("days", 730))
    kinds = given.get("kinds") or (PAGE_MIX if account.is_page else INSTAGRAM_MIX)
    origins = given.get("origins") or ["page"]
    newest = now() - DAY
    for number in range(count):
        draw = number * 7 + seed
        post = _make_post(
            state,
            account,
            kind=str(kinds[draw % len(kinds)]),
            origin=str(origins[number % len(origins)]),
            at=newest - days * DAY * number / max(1, count),
            message="" if draw % 9 == 0 else f"{TEXTS[draw % len(TEXTS)]} · {number}",
        )
        post.seed, post.slot = seed, FIRST_SLOT + len(state.seeded)
        state.put(post)


def _make_post(
    state: State, account: Account, *, kind: str, origin: str, at: float, message: str, post_id: str = ""
) -> Post:
    if kind not in KINDS or origin not in ORIGINS or (not account.is_page and origin == "visitor"):
        known = f"kind is one of {', '.join(sorted(KINDS))}; origin is one of {', '.join(sorted(ORIGINS))}"
        raise InvalidControl(known)
    number = post_id.rpartition("_")[2] or state.mint("1" if account.is_page else "180", 14)
    full = f"{account.id}_{number}" if account.is_page else number
    if full in state.nodes or not number.isdecimal():
        raise InvalidControl("a post's id is unique and consists of digits")
    unpublished = origin == "unpublished" or (account.is_page and origin in {"ad", "dark"})
    post = Post(
        full, account.id, "carousel" if kind == "album" and not account.is_page else kind, message, at,
        None if unpublished else at,
        link=f"https://example.com/{number}" if kind == "link" else "",
        media_url="" if kind in {"text", "link"} else f"/media/{number}.jpg",
        media_type="" if account.is_page else INSTAGRAM_TYPES.get(kind, "IMAGE"),
        foreign=True,
        origin=origin,
        pictures={"photo": 1, "album": 3}.get(kind, 0),
        is_hidden=origin == "hidden",
    )  # fmt: skip
    if account.is_page and kind in {"video", "reel"}:
        video = Video(
            state.mint("1", 14), account.id, kind, at,
            media_url=f"/media/{number}.mp4", description=message, ready_at=at, post=full,
        )  # fmt: skip
        post.video = state.put(video).id
    return post
