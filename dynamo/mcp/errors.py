"""Errors of the tools: the API's, as one JSON object that a language model can act on."""

import json
from collections.abc import Iterable
from typing import Any

from django_mcpz.server import ToolError
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.exceptions import exception_handler
from posts.api.views import upstream_error
from posts.graph.errors import GraphError

MAX_VIOLATIONS = 20
# The tools by the API's words for what the state of a post allows.
TOOLS = {
    "submit-for-approval": "submit_for_approval",
    "reject": "withdraw",
    "revert": "withdraw",
    "update": "update_draft",
    "delete": "delete_draft",
}
REPAIR = "Repair each entry of `violations` at its `path`, then call the tool again."
REPORT = "Do not try again: report it."

# What to do, by code; docs/agents.md describes the same for the API.
DO_THIS = {
    "database.unavailable": "Wait for `retryAfter` seconds, and repeat the call unchanged, at most three times.",
    "external_id.in_use": "You drafted this already: read that post with get_post instead of creating another.",
    "idempotency.in_progress": "Your first call still runs: wait for `retryAfter` seconds, then repeat it unchanged.",
    "idempotency.mismatch": "You used this idempotencyKey for another draft: find that mistake, then use a new key.",
    "media.quota": "The space for media is used up: report it.",
    "media.size": "Use a smaller file.",
    "media.unavailable": "The URL cannot be fetched now: check it, and try again once.",
    "media.unusable": "Use an image or a video.",
    "not_found": "It was deleted, or your key may not see it: drop it.",
    "organization.inactive": REPORT,
    "platform.failed": "Wait a minute, and repeat the call at most three times.",
    "platform.throttled": "Wait for `retryAfter` seconds, then repeat the call.",
    "precondition.failed": "The post was changed since you read it: read it with get_post, keep what a person wrote, "
    "and send its present `version`.",
    "precondition.required": "A person edited the post: read it with get_post, and send its `version`.",
    "publishing.held": "The database was restored, and the post may be published: wait until an operator releases it.",
    "publishing.unverified": "Wait a minute, and repeat the call at most three times.",
    "rate_limit.exceeded": "Wait for `retryAfter` seconds, then repeat the call.",
    "scope.missing": REPORT,
    "server.error": "Repeat the call at most once, then report it.",
    "state.conflict": "Read `details.status`, and choose from `allowed`.",
    "superpower.hashtag_in_use": "Choose another hashtag.",
}
BY_STATUS = {400: REPAIR, 404: DO_THIS["not_found"], 409: DO_THIS["state.conflict"], 422: REPAIR}


def allowed_tools(actions: Iterable[str]) -> list[str]:
    """Return the tools for the actions that the state of a post allows."""
    return list(dict.fromkeys(TOOLS[action] for action in actions if action in TOOLS))


def to_tool_error(error: Exception, request: Request) -> ToolError:
    """Return the tool error for an exception of a tool. An unexpected one is logged, and the client gets no details.

    Its text is the JSON object `{"code", "message", "violations", "allowed", "retryAfter", "doThis"}`, with `details`
    when there are more.
    """
    known = upstream_error(error) if isinstance(error, GraphError) else error
    response = exception_handler(known, {"request": request})
    return ToolError(json.dumps(error_json(response), ensure_ascii=False))


def error_json(response: Response) -> dict[str, Any]:
    """Return the tool's error for a response with envelope A or B."""
    body: dict[str, Any] = response.data
    details = body.get("details")
    entries = body["error"] if "error" in body else details if isinstance(details, list) else []
    violations = [
        {"path": entry["path"], "message": entry["message"], "code": entry.get("code") or entry.get("type")}
        for entry in entries[:MAX_VIOLATIONS]
    ]
    details = dict(details) if isinstance(details, dict) else {}
    code = body.get("code", "request.invalid")
    wait = response.headers.get("Retry-After")
    error = {
        "code": code,
        "message": body.get("message") or violations[0]["message"],
        "violations": violations,
        "allowed": allowed_tools(details.pop("allowed", [])),
        "retryAfter": int(wait) if wait else None,
        "doThis": DO_THIS.get(code) or BY_STATUS.get(response.status_code, REPORT),
    }
    return {**error, "details": details} if details else error
