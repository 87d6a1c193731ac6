"""What the platform sends to an app: webhooks of subscribed accounts, and callbacks with a signed_request.

`POST /__webhook` configures the app's webhook as the App Dashboard does: the address has to return the challenge. The
bodies are escaped as the platform's are, so that only a signature over the raw bytes fits.
"""

import base64
import hashlib
import hmac
import json
import secrets
import threading
import urllib.error
import urllib.request
from typing import Any
from urllib.parse import urlencode, urlsplit

from dynamo.sandbox.errors import InvalidControl, invalid
from dynamo.sandbox.http import Request
from dynamo.sandbox.models import Account, Comment, Post
from dynamo.sandbox.state import HangUp, SandboxContext, now

FIELDS = {
    True: {"feed", "mention", "conversations", "messages"},  # of a Page; the others are not played
    False: {"comments", "live_comments", "mentions", "story_insights"},
}
OBJECTS = {True: "page", False: "instagram"}
USUAL = {"page": ["feed"], "instagram": ["comments"]}  # what Dynamo's documentation asks for
TIMEOUT = 10  # seconds
TRIES, PAUSE = 3, 1.0  # of a delivery, and seconds between two
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def subscribe(context: SandboxContext, request: Request) -> Any:
    """Subscribe the app to fields of the account; the list replaces the one before."""
    fields = [str(field) for field in request.params.items("subscribed_fields")]
    if not fields or not set(fields) <= FIELDS[request.account.is_page]:
        raise invalid(f"Param subscribed_fields must be one of {', '.join(sorted(FIELDS[request.account.is_page]))}")
    _store(context, request, fields)
    return {"success": True}


def subscriptions(context: SandboxContext, request: Request) -> Any:
    fields = context.state.account(request.account_id).subscribed
    return {"data": [{"subscribed_fields": fields}] if fields else []}


def unsubscribe(context: SandboxContext, request: Request) -> Any:
    _store(context, request, [])
    return {"success": True}


def _store(context: SandboxContext, request: Request, fields: list[str]) -> None:
    with context.state.lock:
        account = context.state.account(request.account_id)  # that of the request may have a token of the login
        account.subscribed = fields
        context.state.put(account)


def comment_changed(context: SandboxContext, post: Post, comment: Comment, verb: str) -> None:
    """Announce a comment: `verb` add, edited or remove. Instagram announces added ones only."""
    account = context.state.account(post.account)
    author = {} if comment.stranger or not comment.author_id else {"id": comment.author_id}
    if account.is_page:
        value = {
            "item": "comment", "verb": verb, "comment_id": comment.id, "post_id": post.id,
            "parent_id": comment.parent or post.id, "created_time": int(comment.created_at),
            **({"from": author | {"name": comment.author_name}} if author else {}),
            **({} if verb == "remove" else {"message": comment.text}),
        }  # fmt: skip
        _announce(context, account, "feed", value)
    elif verb == "add":
        value = {
            "id": comment.id, "text": comment.text, "media": {"id": post.id, "media_product_type": "FEED"},
            **({"parent_id": comment.parent} if comment.parent else {}),
            **({"from": author | {"username": comment.author_name}} if author else {}),
        }  # fmt: skip
        _announce(context, account, "comments", value)


def reactions_changed(context: SandboxContext, post: Post) -> None:
    """Announce a reaction to a Page's post. Instagram has no webhook for likes."""
    account = context.state.account(post.account)
    if account.is_page:
        value = {
            "item": "reaction", "verb": "add", "reaction_type": "like", "post_id": post.id, "parent_id": post.id,
            "created_time": int(now()),
        }  # fmt: skip
        _announce(context, account, "feed", value)


def configure(context: SandboxContext, given: dict[str, Any]) -> Any:
    """Set the app's webhook address after it has returned the challenge; an empty `url` removes it.

    `fields` are the fields of each object that are sent, {"page": ["feed"]}; without it those of USUAL.
    """
    if not set(given) <= {"url", "verify_token", "fields"}:
        raise InvalidControl("a webhook has url, verify_token and fields")
    url, fields = str(given.get("url", "")), given.get("fields", USUAL)
    known = {OBJECTS[is_page]: names for is_page, names in FIELDS.items()}
    if not isinstance(fields, dict) or not all(set(names) <= known.get(name, set()) for name, names in fields.items()):
        raise InvalidControl('fields are lists of an object\'s fields: {"page": ["feed"]}')
    if url:
        challenge = str(secrets.randbelow(10**9))
        query = {"hub.mode": "subscribe", "hub.verify_token": str(given.get("verify_token", ""))}
        status, body = _send(f"{_http(url)}?{urlencode({**query, 'hub.challenge': challenge})}")
        if (status, body) != (200, challenge):
            raise InvalidControl(f"the address did not return the challenge: HTTP {status}")
    context.webhook_url, context.webhook_fields = url, fields if url else {}
    return {"url": url}


def app_subscriptions(context: SandboxContext, request: Request) -> Any:
    """GET /{app-id}/subscriptions, with the app's own token only."""
    return {
        "data": [
            {
                "object": name,
                "callback_url": context.webhook_url,
                "active": True,
                "fields": [{"name": field, "version": request.version} for field in fields],
            }
            for name, fields in context.webhook_fields.items()
        ]
    }


def deliveries(context: SandboxContext, _given: dict[str, Any]) -> Any:
    return {"url": context.webhook_url, "deliveries": list(context.webhook_deliveries)}


def send_signed_request(context: SandboxContext, given: dict[str, Any]) -> Any:
    """Send a callback about the user `user_id` to `url`: {"url", "user_id"}; return status and body of the answer."""
    payload = {"algorithm": "HMAC-SHA256", "issued_at": int(now()), "user_id": str(given.get("user_id"))}
    encoded = _base64url(json.dumps(payload).encode())
    signature = _base64url(hmac.new(context.settings.app_secret.encode(), encoded.encode(), hashlib.sha256).digest())
    body = urlencode({"signed_request": f"{signature}.{encoded}"}).encode()
    status, answer = _send(_http(str(given.get("url"))), body, {"Content-Type": "application/x-www-form-urlencoded"})
    return {"status": status, "body": answer}


def _announce(context: SandboxContext, account: Account, field: str, value: dict[str, Any]) -> None:
    """Send a webhook in a thread of its own, as often as TRIES until it is answered with 200."""
    name = OBJECTS[account.is_page]
    if field not in account.subscribed or field not in context.webhook_fields.get(name, []):
        return
    entry = {"id": account.id, "time": int(now()), "changes": [{"field": field, "value": value}]}
    document = {"object": name, "entry": [entry]}
    body = json.dumps(document, separators=(",", ":")).replace("/", "\\/").encode()
    signature = hmac.new(context.settings.app_secret.encode(), body, hashlib.sha256).hexdigest()
    headers = {"Content-Type": "application/json", "X-Hub-Signature-256": f"sha256={signature}"}
    arguments = (context, context.webhook_url, body, headers)
    threading.Thread(target=_deliver, args=arguments, name="webhook", daemon=True).start()


def _deliver(context: SandboxContext, url: str, body: bytes, headers: dict[str, str]) -> None:
    for number in range(TRIES):
        status, _ = _send(url, body, headers)
        context.webhook_deliveries.append({"status": status, "body": body.decode()})
        if status == 200:
            return
        try:
            context.wait(PAUSE * (number + 1))
        except HangUp:
            return


def _send(url: str, body: bytes | None = None, headers: dict[str, str] | None = None) -> tuple[int, str]:
    """Return status and body; status 0 when there is no answer."""
    request = urllib.request.Request(url, data=body, headers=headers or {})  # noqa: S310  _http has checked the scheme
    try:
        with OPENER.open(request, timeout=TIMEOUT) as answer:
            return answer.status, answer.read().decode("utf-8", "replace")
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode("utf-8", "replace")
    except OSError:
        return 0, ""


def _http(url: str) -> str:
    if urlsplit(url).scheme not in {"http", "https"}:
        raise InvalidControl("url must be an http or https URL")
    return url


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
