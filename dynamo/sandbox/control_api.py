"""The control endpoints, for tests, fault runs and the demo: JSON below the path /__."""

import json
from collections.abc import Callable
from typing import Any

from dynamo.sandbox import external_posts
from dynamo.sandbox.comment_threads import LARGEST, Thread
from dynamo.sandbox.comments import find, remove
from dynamo.sandbox.errors import InvalidControl
from dynamo.sandbox.external_posts import check_keys, parse_timestamp
from dynamo.sandbox.faults import FaultBook
from dynamo.sandbox.http import Request, Response, iso_milliseconds, json_response
from dynamo.sandbox.insights import REACTIONS
from dynamo.sandbox.models import Account, Comment, Post
from dynamo.sandbox.state import SandboxContext, now

Given = dict[str, Any]
ACCOUNT_KEYS = {"id", "type", "name", "token", "username", "scopes", "expired"}
CROWD_KEYS = {"count", "replies", "seed", "text", "strangers", "unreadable", "began"}
COMMENT_KEYS = {"id", "text", "created_at", "parent", "author", "stranger", "likes", "hidden", "attachment"}


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


def _accounts(context: SandboxContext, _given: Given) -> Any:
    with context.state.lock:
        accounts = [node for node in context.state.nodes.values() if isinstance(node, Account)]
        return {"accounts": [_account_fields(account) for account in accounts]}


def _account_fields(account: Account) -> dict[str, Any]:
    return {name: getattr(account, name) for name in sorted(ACCOUNT_KEYS - {"token"})}


def _put_account(context: SandboxContext, given: Given) -> Any:
    """Create an account, or change the given fields of a known one."""
    texts = {name: given[name] for name in ("id", "type", "name", "token", "username") if name in given}
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
        "link": post.link or None,
        "media": post.media_url or context.stored_url(post.sha256) or None,
        "media_sha256": post.sha256 or None,
        "photos": post.photos,
        "video": post.video or None,
        "container": post.container or None,
        "published_at": iso_milliseconds(post.visible_at or 0),
        "deleted_at": iso_milliseconds(post.deleted_at) if post.deleted_at is not None else None,
        "permalink": context.permalink(post.id),
        "created_by": origin,
        "calls": max(1, context.state.calls[post.key]),
    }


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
        for comment_id in given.get("delete", []):
            remove(context, _get_comment(context, post, str(comment_id)))
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
    comment = context.state.find(comment_id) or find(context, context.state.account(post.account), comment_id)
    if not isinstance(comment, Comment) or comment.post != post.id:
        raise InvalidControl(f"{comment_id} is not a comment on this post")
    return comment


def _metrics(context: SandboxContext, given: Given) -> Any:
    """Set a post's counters: likes, comments, shares, reactions by name; null resets a counter to the actual number."""
    check_keys(given, {"post", "likes", "comments", "shares", "reactions"})
    with context.state.lock:
        audience = context.state.audience(_post_of(context, given))
        for name in {"likes", "comments", "shares"} & set(given):
            setattr(audience, name, None if given[name] is None else int(given[name]))
        if "reactions" in given:
            read = {str(name).upper(): int(count) for name, count in (given["reactions"] or {}).items()}
            if unknown := set(read) - set(REACTIONS):
                raise InvalidControl(f"unknown reactions: {', '.join(sorted(unknown))}")
            audience.reactions = read
        context.state.put(audience)
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
    ("GET", "/__record"): _record,
    ("GET", "/__requests"): _requests,
    ("GET", "/__faults"): lambda context, _given: {"faults": context.faults.as_json()},
    ("POST", "/__faults"): lambda context, given: context.faults.add(given).as_json(),
    ("DELETE", "/__faults"): _clear_faults,
    ("GET", "/__settings"): lambda context, _given: context.settings.as_json(),
    ("POST", "/__settings"): _change_settings,
    ("POST", "/__posts"): external_posts.create_posts,
    ("POST", "/__comments"): _comments,
    ("POST", "/__metrics"): _metrics,
    ("POST", "/__insights"): _insights,
    ("GET", "/__state"): _state,
    ("POST", "/__reset"): _reset,
}
