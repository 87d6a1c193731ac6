"""The control endpoints, for tests, fault runs and the demo: JSON below the path /__."""

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

from dynamo.sandbox import webhooks
from dynamo.sandbox.comment_threads import LARGEST, Thread
from dynamo.sandbox.comments import find_node, remove
from dynamo.sandbox.errors import InvalidControl
from dynamo.sandbox.faults import FaultBook
from dynamo.sandbox.http import Request, Response, iso_milliseconds, json_response
from dynamo.sandbox.insights import REACTIONS
from dynamo.sandbox.login import KINDS as TOKEN_KINDS
from dynamo.sandbox.login import PERMISSIONS, issue
from dynamo.sandbox.models import FIRST_SLOT, Account, Comment, Container, Node, Person, Photo, Post, Video
from dynamo.sandbox.state import SandboxContext, State, now

Given = dict[str, Any]
ACCOUNT_KEYS = {"id", "type", "name", "token", "username", "scopes", "expired", "page", "subscribed"}
CROWD_KEYS = {"count", "replies", "seed", "text", "strangers", "unreadable", "began"}
COMMENT_KEYS = {"id", "text", "created_at", "parent", "author", "stranger", "likes", "hidden", "attachment"}
# Posts made outside Dynamo. Origins: page (the account itself), ad (Instagram: an AD; a Page: an unpublished ADS_POST),
# dark (unpublished, for ads), visitor (a user who posts on the Page), unpublished, hidden, expired.
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


def handle(context: SandboxContext, request: Request) -> Response:
    """Respond to a control call: 400 with {"error"} for an invalid body, 404 for an unknown path.

    Requests from pages of another origin are refused, because a browser on this machine can send them.
    """
    origin = request.headers.get("Origin")
    if origin is not None and origin != context.url:
        return json_response({"error": "requests from another origin are refused"}, 403)
    handler = ROUTES.get((request.method, request.raw_path))
    if handler is None:
        return json_response({"error": "unknown", "known": [f"{method} {path}" for method, path in ROUTES]}, 404)
    try:
        return json_response(handler(context, _parse_body(request) if request.method == "POST" else request.query))
    except (ValueError, TypeError) as error:
        return json_response({"error": str(error)}, 400)


def _parse_body(request: Request) -> Given:
    given = json.loads(request.body or b"{}")
    if not isinstance(given, dict):
        raise InvalidControl("the body must be a JSON object")
    return given


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


def _accounts(context: SandboxContext, _given: Given) -> Any:
    with context.state.lock:
        accounts = [node for node in context.state.nodes.values() if isinstance(node, Account)]
        return {"accounts": [_account_fields(account) for account in accounts]}


def _account_fields(account: Account) -> dict[str, Any]:
    return {name: getattr(account, name) for name in sorted(ACCOUNT_KEYS - {"token"})}


def _put_account(context: SandboxContext, given: Given) -> Any:
    """Create an account, or change the given fields of a known one."""
    texts = {name: given[name] for name in ("id", "type", "name", "token", "username", "page") if name in given}
    if not set(given) <= ACCOUNT_KEYS or not all(isinstance(text, str) for text in texts.values()):
        raise InvalidControl(f"an account has these fields, as text: {', '.join(sorted(ACCOUNT_KEYS))}")
    if not texts.get("id", "").isdecimal():
        raise InvalidControl("an account's id consists of digits")
    with context.state.lock:
        known = context.state.nodes.get(given["id"])
        if not isinstance(known, Account):
            if not {"type", "token"} <= set(given):
                raise InvalidControl("a new account needs type and token")
            if not str(given["type"]).startswith(("FB", "IG", "INSTAGRAM")):
                raise InvalidControl("type must be FB_PAGE or INSTAGRAM_ACCOUNT")
            known = Account(given["id"], given["type"], str(given.get("name", given["id"])), given["token"])
        if context.state.tokens.get(given.get("token", ""), known.id) != known.id:
            raise InvalidControl("the token belongs to another account")
        changed = Account(**({name: getattr(known, name) for name in ACCOUNT_KEYS} | given))
        return _account_fields(context.state.put(changed))


def _put_person(context: SandboxContext, given: Given) -> Any:
    """Create a user of the platform, or change the given fields of a known one."""
    check_keys(given, {"id", "name", "pages", "permissions", "chosen"})
    with context.state.lock:
        known = context.state.nodes.get(str(given.get("id")))
        if not str(given.get("id")).isdecimal() or not isinstance(known, Person | None):
            raise InvalidControl("id is a person's: digits, and not the id of something else")
        person = known or Person(str(given["id"]), str(given.get("name", "Maria Silva")))
        person = Person(**(vars(person) | given))
        unknown = {*person.pages, *person.chosen} - set(context.state.nodes) | set(person.permissions) - PERMISSIONS
        if unknown or set(person.permissions.values()) - {"granted", "declined", "expired"}:
            raise InvalidControl(f"unknown Pages, permissions or statuses: {', '.join(sorted(unknown))}")
        return vars(context.state.put(person))


def _put_token(context: SandboxContext, given: Given) -> Any:
    """Issue a token of a person, or with `account` of a Page by way of the person, as the platform's tools do.

    `expires_in` and `data_access_expires_in` are seconds from now; 0 is never.
    """
    check_keys(given, {"person", "kind", "account", "expires_in", "data_access_expires_in"})
    kind = str(given.get("kind", "USER"))
    with context.state.lock:
        person, account = context.state.find(str(given.get("person"))), context.state.find(str(given.get("account")))
        if not isinstance(person, Person) or kind not in TOKEN_KINDS:
            raise InvalidControl(f"person is the id of a person, kind is one of {', '.join(TOKEN_KINDS)}")
        if (kind == "PAGE") != (isinstance(account, Account) and account.is_page):
            raise InvalidControl("account is the id of a Page, for the kind PAGE")
        times = {name: float(given.get(name, 0)) for name in ("expires_in", "data_access_expires_in")}
        page = account.id if isinstance(account, Account) else ""
        return {"access_token": issue(context, person, kind, account=page, **times).id}


def _record(context: SandboxContext, given: Given) -> Any:
    """Return the publication log without its first `?skip=` entries: every post that became visible, in order.

    Tests of exactly-once read it. Entries are only appended; a text that went live twice has two entries.
    """
    with context.state.lock:
        live = context.state.live(now())
    # Without the lock: a long log must not delay publishing.
    return {"posts": [_log_entry(context, post) for post in live[int(given.get("skip", 0)) :]]}


def _log_entry(context: SandboxContext, post: Post) -> dict[str, Any]:
    """Return a post as JSON; `calls` is the number of writes for the same text, photo, session or container."""
    origin = dict(post.created_by)
    origin["received_at"] = iso_milliseconds(origin.get("received_at") or post.created_at)
    return {
        "account": post.account,
        "account_type": context.state.account(post.account).type,
        "id": post.id,
        "kind": post.kind,
        "message": post.message,
        "alt_text": post.alt_text,
        "link": post.link or None,
        "media": post.media_url or context.stored_url(post.sha256) or None,
        "media_sha256": post.sha256 or None,
        "photos": post.photos,
        "items": [_item_fields(node) for node in map(context.state.nodes.get, [*post.photos, *post.children])],
        "is_ai_generated": post.ai_generated,
        "video": post.video or None,
        "container": post.container or None,
        "published_at": iso_milliseconds(post.visible_at or 0),
        "deleted_at": iso_milliseconds(post.deleted_at) if post.deleted_at is not None else None,
        "permalink": context.permalink(post.id),
        "created_by": origin,
        "calls": max(1, context.state.calls[post.key]),
    }


def _item_fields(node: Node | None) -> dict[str, Any]:
    """Return one medium of an album or a carousel as it is shown."""
    if not isinstance(node, Photo | Container):
        return {}
    return {"media_sha256": node.sha256, "alt_text": node.alt_text}


def _requests(context: SandboxContext, given: Given) -> Any:
    kept = list(context.requests)
    return {"requests": kept[-int(given.get("limit", len(kept) or 1)) :]}


def _clear_faults(context: SandboxContext, _given: Given) -> Any:
    context.faults = FaultBook()
    return {"faults": []}


def _change_settings(context: SandboxContext, given: Given) -> Any:
    context.settings.change(given)
    return context.settings.as_json()


def _reset(context: SandboxContext, _given: Given) -> Any:
    context.reset()
    return {"ok": True}


def _state(context: SandboxContext, _given: Given) -> Any:
    with context.state.lock:
        posts, others = (sum(map(len, table.values())) for table in (context.state.posts, context.state.foreign))
        return {"posts": posts, "foreign": others, "nodes": len(context.state.nodes)}


def _posts(context: SandboxContext, given: Given) -> Any:
    """Create posts that were made outside Dynamo: `items`, or `count` from a `seed`, spread over the last `days`.

    Returns the ids of items. Seeded posts have generated counters and comments. None is in the publication log.
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


def _post_from_item(state: State, account: Account, item: Given) -> Post:
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


def _make_series(state: State, account: Account, given: Given) -> None:
    count, seed, days = int(given["count"]), int(given.get("seed", 1)), float(given.get("days", 730))
    kinds = given.get("kinds") or (PAGE_MIX if account.is_page else INSTAGRAM_MIX)
    origins = given.get("origins") or ["page"]
    day = 86_400
    newest = now() - day
    for number in range(count):
        draw = number * 7 + seed
        post = _make_post(
            state,
            account,
            kind=str(kinds[draw % len(kinds)]),
            origin=str(origins[number % len(origins)]),
            at=newest - days * day * number / max(1, count),
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


def _post_of(context: SandboxContext, given: Given) -> Post:
    post = context.state.find(str(given.get("post")))
    if not isinstance(post, Post):
        raise InvalidControl("post is not the id of a post")
    return post


def _comments(context: SandboxContext, given: Given) -> Any:
    """Generate `count` comments of a post, add those in `items`, and delete those whose ids are in `delete`."""
    check_keys(given, CROWD_KEYS | {"post", "items", "delete"})
    with context.state.lock:
        post = _post_of(context, given)
        if "count" in given:
            _set_audience(context, post, given)
        added = [_add_comment(context, post, item) for item in given.get("items", [])]
        for comment_id in added:
            webhooks.comment_changed(context, post, _get_comment(context, post, comment_id), "add")
        for comment_id in given.get("delete", []):
            comment = _get_comment(context, post, str(comment_id))
            remove(context, comment)
            webhooks.comment_changed(context, post, comment, "remove")
        thread = Thread(context, post)
        return {"post": post.id, "comments": thread.total("stream"), "ids": added}


def _set_audience(context: SandboxContext, post: Post, given: Given) -> None:
    count, share = int(given["count"]), float(given.get("replies", 0.2))
    if not 0 <= count < LARGEST or not 0 <= share < 1:
        raise InvalidControl(f"count must be below {LARGEST}, replies a share below 1")
    audience = context.state.audience(post)
    audience.crowd, audience.tops = count, max(1, round(count * (1 - share))) if count else 0
    audience.seed, audience.texts = int(given.get("seed", 1)), [str(text) for text in given.get("text", [])]
    audience.strangers, audience.unreadable = float(given.get("strangers", 0.2)), float(given.get("unreadable", 0))
    audience.began = parse_timestamp(given.get("began", post.timestamp))
    audience.step = max(0.0, now() - audience.began) / max(1, count)
    audience.deleted.clear()
    context.state.put(audience)


def _add_comment(context: SandboxContext, post: Post, item: Given) -> str:
    check_keys(item, COMMENT_KEYS)
    account, audience = context.state.account(post.account), context.state.audience(post)
    parent = _get_comment(context, post, str(item["parent"])) if item.get("parent") else None
    if parent and parent.parent:
        raise InvalidControl("a reply cannot have replies")
    author = item.get("author", {"id": "6900000000000001", "name": "Maria Silva"}) or {}
    minted = context.state.mint("2" if account.is_page else "180", 14)
    if account.is_page:
        minted = f"{post.id.rpartition('_')[2]}_{minted}"
    comment = Comment(
        id=str(item.get("id", minted)),
        post=post.id,
        account=post.account,
        text=str(item.get("text", "")),
        created_at=parse_timestamp(item.get("created_at", now())),
        parent=parent.id if parent else "",
        author_id=str(author.get("id", "")),
        author_name=str(author.get("name", author.get("username", ""))),
        stranger=bool(item.get("stranger", False)),
        like_count=int(item.get("likes", 0)),
        hidden=bool(item.get("hidden", False)),
        attachment=item.get("attachment"),
    )
    if comment.id in context.state.nodes or not comment.id.replace("_", "").isdecimal():
        raise InvalidControl("a comment's id is unique and consists of digits")
    context.state.put(audience)
    if parent and parent.id in context.state.nodes:
        parent.replies += 1
        context.state.put(parent)
    elif parent:
        audience.more_replies[parent.id] = audience.more_replies.get(parent.id, 0) + 1
        context.state.put(audience)
    return context.state.put(comment).id


def _get_comment(context: SandboxContext, post: Post, comment_id: str) -> Comment:
    comment = find_node(context, context.state.account(post.account), comment_id)
    if not isinstance(comment, Comment) or comment.post != post.id:
        raise InvalidControl(f"{comment_id} is not a comment on this post")
    return comment


def _metrics(context: SandboxContext, given: Given) -> Any:
    """Set a post's counters: likes, comments, shares, reactions by name; null resets a counter to the actual number."""
    check_keys(given, {"post", "likes", "comments", "shares", "reactions"})
    with context.state.lock:
        post = _post_of(context, given)
        audience = context.state.audience(post)
        for name in {"likes", "comments", "shares"} & set(given):
            setattr(audience, name, None if given[name] is None else int(given[name]))
        if "reactions" in given:
            read = {str(name).upper(): int(count) for name, count in (given["reactions"] or {}).items()}
            if unknown := set(read) - set(REACTIONS):
                raise InvalidControl(f"unknown reactions: {', '.join(sorted(unknown))}")
            audience.reactions = read
        context.state.put(audience)
        webhooks.reactions_changed(context, post)
    return {"post": audience.post}


def _insights(context: SandboxContext, given: Given) -> Any:
    """Set a post's insights: `values` by metric (null: no data), `empty`, and `refused`, error codes by metric."""
    check_keys(given, {"post", "values", "empty", "refused"})
    with context.state.lock:
        audience = context.state.audience(_post_of(context, given))
        audience.insights.update(given.get("values") or {})
        audience.insights_empty = bool(given.get("empty", audience.insights_empty))
        audience.refused.update({str(name): int(code) for name, code in (given.get("refused") or {}).items()})
        context.state.put(audience)
    return {"post": audience.post}


ROUTES: dict[tuple[str, str], Callable[[SandboxContext, Given], Any]] = {
    ("GET", "/__accounts"): _accounts,
    ("POST", "/__accounts"): _put_account,
    ("POST", "/__people"): _put_person,
    ("POST", "/__tokens"): _put_token,
    ("GET", "/__record"): _record,
    ("GET", "/__requests"): _requests,
    ("GET", "/__faults"): lambda context, _given: {"faults": context.faults.as_json()},
    ("POST", "/__faults"): lambda context, given: context.faults.add(given).as_json(),
    ("DELETE", "/__faults"): _clear_faults,
    ("GET", "/__settings"): lambda context, _given: context.settings.as_json(),
    ("POST", "/__settings"): _change_settings,
    ("POST", "/__posts"): _posts,
    ("POST", "/__comments"): _comments,
    ("POST", "/__metrics"): _metrics,
    ("POST", "/__insights"): _insights,
    ("GET", "/__webhook"): webhooks.deliveries,
    ("POST", "/__webhook"): webhooks.configure,
    ("POST", "/__signed_request"): webhooks.send_signed_request,
    ("GET", "/__state"): _state,
    ("POST", "/__reset"): _reset,
}
