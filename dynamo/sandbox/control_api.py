"""The control endpoints, for tests, fault runs and the demo: JSON below the path /__."""

import json
from collections.abc import Callable
from typing import Any

from dynamo.sandbox import external_posts
from dynamo.sandbox.comment_threads import Thread
from dynamo.sandbox.comments import find, remove
from dynamo.sandbox.generated_comments import LARGEST
from dynamo.sandbox.http import Request, Response, answer
from dynamo.sandbox.insights import REACTIONS
from dynamo.sandbox.models import Account, Comment, Post
from dynamo.sandbox.publication_log import published_entries
from dynamo.sandbox.request_parsing import InvalidControl, check_keys, parse_timestamp
from dynamo.sandbox.state import SandboxContext, now

ACCOUNT_KEYS = {"id", "type", "name", "token", "username", "scopes", "expired"}
CROWD_KEYS = {"count", "replies", "seed", "text", "strangers", "unreadable", "began"}
COMMENT_KEYS = {"id", "text", "created_at", "parent", "author", "stranger", "likes", "hidden", "attachment"}


def handle(context: SandboxContext, request: Request) -> Response:
    """Respond to a control call: 400 with {"error"} for an invalid body, 404 for an unknown path.

    Requests from pages of another origin are refused, because a browser on this machine can send them.
    """
    origin = request.headers.get("Origin")
    if origin is not None and origin != context.url:
        return answer({"error": "requests from another origin are refused"}, 403)
    handler = ROUTES.get((request.method, request.raw_path))
    if handler is None:
        return answer({"error": "unknown", "known": [f"{method} {path}" for method, path in ROUTES]}, 404)
    try:
        return answer(handler(context, request))
    except (ValueError, TypeError) as error:
        return answer({"error": str(error)}, 400)


def _json_body(request: Request) -> dict[str, Any]:
    given = json.loads(request.body or b"{}")
    if not isinstance(given, dict):
        raise InvalidControl("the body must be a JSON object")
    return given


def _accounts(context: SandboxContext, _request: Request) -> Any:
    with context.state.lock:
        return {"accounts": [_account_fields(account) for account in context.state.accounts()]}


def _account_fields(account: Account) -> dict[str, Any]:
    return {name: getattr(account, name) for name in sorted(ACCOUNT_KEYS - {"token"})}


def _put_account(context: SandboxContext, request: Request) -> Any:
    """Create an account, or change the given fields of a known one."""
    given = _json_body(request)
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
            known = Account(given["id"], given["type"], given.get("name", given["id"]), given["token"])
        if context.state.tokens.get(given.get("token", ""), known.id) != known.id:
            raise InvalidControl("the token belongs to another account")
        changed = Account(**({name: getattr(known, name) for name in ACCOUNT_KEYS} | given))
        return _account_fields(context.state.put(changed))


def _record(context: SandboxContext, request: Request) -> Any:
    """Return the publication log without its first `?skip=` entries; entries are only appended."""
    return {"posts": published_entries(context, skip=int(request.query.get("skip", 0)))}


def _requests(context: SandboxContext, request: Request) -> Any:
    kept = list(context.requests)
    return {"requests": kept[-int(request.query.get("limit", len(kept) or 1)) :]}


def _add_fault(context: SandboxContext, request: Request) -> Any:
    return context.faults.order(_json_body(request)).as_json()


def _faults(context: SandboxContext, _request: Request) -> Any:
    return {"faults": context.faults.as_json()}


def _no_faults(context: SandboxContext, _request: Request) -> Any:
    context.faults.clear()
    return {"faults": []}


def _settings(context: SandboxContext, _request: Request) -> Any:
    return context.settings.as_json()


def _change_settings(context: SandboxContext, request: Request) -> Any:
    context.settings.change(_json_body(request))
    return context.settings.as_json()


def _reset(context: SandboxContext, _request: Request) -> Any:
    context.reset()
    return {"ok": True}


def _state(context: SandboxContext, _request: Request) -> Any:
    with context.state.lock:
        posts, others = (sum(map(len, table.values())) for table in (context.state.posts, context.state.foreign))
        return {"posts": posts, "foreign": others, "nodes": len(context.state.nodes)}


def _posts(context: SandboxContext, request: Request) -> Any:
    return external_posts.posts(context, _json_body(request))


def _post_of(context: SandboxContext, given: dict[str, Any]) -> Post:
    post = context.state.find(str(given.get("post")))
    if not isinstance(post, Post):
        raise InvalidControl("post is not the id of a post")
    return post


def _comments(context: SandboxContext, request: Request) -> Any:
    """Generate `count` comments of a post, add those in `items`, and delete those whose ids are in `delete`."""
    given = _json_body(request)
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


def _set_audience(context: SandboxContext, post: Post, given: dict[str, Any]) -> None:
    count, share = int(given["count"]), float(given.get("replies", 0.2))
    if not 0 <= count < LARGEST or not 0 <= share < 1:
        raise InvalidControl(f"count must be below {LARGEST}, replies a share below 1")
    began = parse_timestamp(given.get("began", post.timestamp))
    audience = context.state.audience(post)
    audience.crowd, audience.tops = count, max(1, round(count * (1 - share))) if count else 0
    audience.seed, audience.texts = int(given.get("seed", 1)), [str(text) for text in given.get("text", [])]
    audience.strangers, audience.unreadable = float(given.get("strangers", 0.2)), float(given.get("unreadable", 0))
    audience.began, audience.step = began, max(0.0, now() - began) / max(1, count)
    audience.deleted.clear()
    context.state.put(audience)


def _add_comment(context: SandboxContext, post: Post, item: dict[str, Any]) -> str:
    check_keys(item, COMMENT_KEYS)
    account, audience = context.state.account(post.account), context.state.audience(post)
    parent = _get_comment(context, post, str(item["parent"])) if item.get("parent") else None
    if parent and parent.parent:
        raise InvalidControl("a reply cannot have replies")
    author = item.get("author", {"id": "6900000000000001", "name": "Maria Silva"}) or {}
    minted = (
        f"{post.id.rpartition('_')[2]}_{context.state.mint('2', 14)}"
        if account.is_page
        else context.state.mint("180", 14)
    )
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


def _metrics(context: SandboxContext, request: Request) -> Any:
    """Set a post's counters: likes, comments, shares, reactions by name; null resets a counter to the actual number."""
    given = _json_body(request)
    check_keys(given, {"post", "likes", "comments", "shares", "reactions"})
    with context.state.lock:
        audience = context.state.audience(_post_of(context, given))
        for name in ("likes", "comments", "shares"):
            if name in given:
                setattr(audience, name, None if given[name] is None else int(given[name]))
        if "reactions" in given:
            read = {str(name).upper(): int(count) for name, count in (given["reactions"] or {}).items()}
            if unknown := set(read) - set(REACTIONS):
                raise InvalidControl(f"unknown reactions: {', '.join(sorted(unknown))}")
            audience.reactions = read
        context.state.put(audience)
    return {"post": audience.post}


def _insights(context: SandboxContext, request: Request) -> Any:
    """Set a post's insights: `values` by metric (null: no data), `empty`, and `refused`, error codes by metric."""
    given = _json_body(request)
    check_keys(given, {"post", "values", "empty", "refused"})
    with context.state.lock:
        audience = context.state.audience(_post_of(context, given))
        audience.insights.update(given.get("values") or {})
        audience.insights_empty = bool(given.get("empty", audience.insights_empty))
        audience.refused.update({str(name): int(code) for name, code in (given.get("refused") or {}).items()})
        context.state.put(audience)
    return {"post": audience.post}


ROUTES: dict[tuple[str, str], Callable[[SandboxContext, Request], Any]] = {
    ("GET", "/__accounts"): _accounts,
    ("POST", "/__accounts"): _put_account,
    ("GET", "/__record"): _record,
    ("GET", "/__requests"): _requests,
    ("GET", "/__faults"): _faults,
    ("POST", "/__faults"): _add_fault,
    ("DELETE", "/__faults"): _no_faults,
    ("GET", "/__settings"): _settings,
    ("POST", "/__settings"): _change_settings,
    ("POST", "/__posts"): _posts,
    ("POST", "/__comments"): _comments,
    ("POST", "/__metrics"): _metrics,
    ("POST", "/__insights"): _insights,
    ("GET", "/__state"): _state,
    ("POST", "/__reset"): _reset,
}
