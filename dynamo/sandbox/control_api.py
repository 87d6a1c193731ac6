"""The control endpoints, all below /__: for tests, fault runs and the demo. JSON in, JSON out."""

import json
from collections.abc import Callable
from typing import Any

from dynamo.sandbox import controlling, external_posts
from dynamo.sandbox.http import Request, Response, answer
from dynamo.sandbox.models import Account
from dynamo.sandbox.publication_log import published_entries
from dynamo.sandbox.state import SandboxContext

ACCOUNT_KEYS = {"id", "type", "name", "token", "username", "scopes", "expired"}


class BadControl(ValueError):
    """The call cannot be understood; the text says why."""


def handle(world: SandboxContext, request: Request) -> Response:
    """Answer a control call; 400 with {"error"} when it is wrong, 404 for an unknown one.

    Pages of other origins are refused, so that a browser that happens to run here cannot order anything.
    """
    origin = request.headers.get("Origin")
    if origin is not None and origin != world.url:
        return answer({"error": "not from another origin"}, 403)
    handler = ROUTES.get((request.method, request.raw_path))
    if handler is None:
        return answer({"error": "unknown", "known": [f"{method} {path}" for method, path in ROUTES]}, 404)
    try:
        return answer(handler(world, request))
    except (ValueError, TypeError) as error:
        return answer({"error": str(error)}, 400)


def _given(request: Request) -> dict[str, Any]:
    given = json.loads(request.body or b"{}")
    if not isinstance(given, dict):
        raise BadControl("the body must be a JSON object")
    return given


def _accounts(world: SandboxContext, _request: Request) -> Any:
    with world.state.lock:
        return {"accounts": [_shown(account) for account in world.state.accounts()]}


def _shown(account: Account) -> dict[str, Any]:
    return {name: getattr(account, name) for name in sorted(ACCOUNT_KEYS - {"token"})}


def _put_account(world: SandboxContext, request: Request) -> Any:
    """Add or change an account by its id; what is not given of a known one stays."""
    given = _given(request)
    texts = {name: given[name] for name in ("id", "type", "name", "token", "username") if name in given}
    if not set(given) <= ACCOUNT_KEYS or not all(isinstance(text, str) for text in texts.values()):
        raise BadControl(f"of {', '.join(sorted(ACCOUNT_KEYS))} an account has what is given, as text")
    if not texts.get("id", "").isdecimal():
        raise BadControl("an account needs an id of digits")
    with world.state.lock:
        known = world.state.nodes.get(given["id"])
        if not isinstance(known, Account):
            if not {"type", "token"} <= set(given):
                raise BadControl("a new account needs type and token")
            if not str(given["type"]).startswith(("FB", "IG", "INSTAGRAM")):
                raise BadControl("type must be FB_PAGE or INSTAGRAM_ACCOUNT")
            known = Account(given["id"], given["type"], given.get("name", given["id"]), given["token"])
        if world.state.tokens.get(given.get("token", ""), known.id) != known.id:
            raise BadControl("the token opens another account")
        changed = Account(**({name: getattr(known, name) for name in ACCOUNT_KEYS} | given))
        return _shown(world.state.put(changed))


def _record(world: SandboxContext, request: Request) -> Any:
    """`?skip=` leaves out what was seen before: the record only grows at its end."""
    return {"posts": published_entries(world, skip=int(request.query.get("skip", 0)))}


def _requests(world: SandboxContext, request: Request) -> Any:
    kept = list(world.requests)
    return {"requests": kept[-int(request.query.get("limit", len(kept) or 1)) :]}


def _order(world: SandboxContext, request: Request) -> Any:
    return world.faults.order(_given(request)).wire()


def _faults(world: SandboxContext, _request: Request) -> Any:
    return {"faults": world.faults.wire()}


def _no_faults(world: SandboxContext, _request: Request) -> Any:
    world.faults.clear()
    return {"faults": []}


def _settings(world: SandboxContext, _request: Request) -> Any:
    return world.settings.wire()


def _set(world: SandboxContext, request: Request) -> Any:
    world.settings.change(_given(request))
    return world.settings.wire()


def _reset(world: SandboxContext, _request: Request) -> Any:
    world.reset()
    return {"ok": True}


def _state(world: SandboxContext, _request: Request) -> Any:
    with world.state.lock:
        posts, others = (sum(map(len, one.values())) for one in (world.state.posts, world.state.foreign))
        return {"posts": posts, "foreign": others, "nodes": len(world.state.nodes)}


def _comments(world: SandboxContext, request: Request) -> Any:
    return controlling.comments(world, _given(request))


def _metrics(world: SandboxContext, request: Request) -> Any:
    return controlling.metrics(world, _given(request))


def _insights(world: SandboxContext, request: Request) -> Any:
    return controlling.insights(world, _given(request))


def _posts(world: SandboxContext, request: Request) -> Any:
    return external_posts.posts(world, _given(request))


ROUTES: dict[tuple[str, str], Callable[[SandboxContext, Request], Any]] = {
    ("GET", "/__accounts"): _accounts,
    ("POST", "/__accounts"): _put_account,
    ("GET", "/__record"): _record,
    ("GET", "/__requests"): _requests,
    ("GET", "/__faults"): _faults,
    ("POST", "/__faults"): _order,
    ("DELETE", "/__faults"): _no_faults,
    ("GET", "/__settings"): _settings,
    ("POST", "/__settings"): _set,
    ("POST", "/__posts"): _posts,
    ("POST", "/__comments"): _comments,
    ("POST", "/__metrics"): _metrics,
    ("POST", "/__insights"): _insights,
    ("GET", "/__state"): _state,
    ("POST", "/__reset"): _reset,
}
