"""What a call raises. Every exception derives from DynamoError."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx2

AUTHENTICATION_MESSAGES = {
    "Missing authentication headers",
    "Invalid date",
    "Signature expired",
    "Invalid signature",
}


@dataclass(frozen=True)
class Violation:
    """One thing that is wrong with the request. `path` leads from the body's root to the field, or is a parameter."""

    path: tuple[str | int, ...]
    message: str
    code: str

    def __str__(self) -> str:
        return f"{'.'.join(str(part) for part in self.path) or 'request'}: {self.message}"


class DynamoError(Exception):
    """A call failed."""


class NoResponse(DynamoError):
    """The server gave no complete response. `sent` is False when it certainly did not receive the request."""

    def __init__(self, message: str, *, sent: bool) -> None:
        super().__init__(message)
        self.sent = sent


class UnexpectedResponse(DynamoError):
    """A successful response without the documented content, for example of another server."""


class ApiError(DynamoError):
    """The server refused the request.

    `code` is the stable machine word, empty from a server without it. `allowed` has the actions that the post's state,
    `post_status`, allows. `retry_after` is in seconds. `details` is the rest of the response.
    """

    def __init__(self, response: httpx2.Response) -> None:
        body = _json_object(response)
        details = body.get("details")
        given = details if isinstance(details, dict) else {}
        self.status = response.status_code
        self.code = str(body.get("code") or "")
        self.details = details
        self.violations = list(_violations(body))
        self.allowed = [str(action) for action in given.get("allowed") or []]
        self.post_status: str | None = given.get("status")
        self.retry_after = _retry_after(response)
        self.request_id = response.headers.get("x-request-id", "")
        self.message = str(body.get("message") or "") or _fallback_message(response, self.violations)
        super().__init__(self.message)

    def __str__(self) -> str:
        parts = [str(violation) for violation in self.violations]
        if all(violation.message != self.message for violation in self.violations):
            parts.insert(0, self.message)  # otherwise it repeats the first violation
        if self.allowed:
            parts.append(f"allowed: {', '.join(self.allowed)}")
        return f"{self.status} {'; '.join(parts)}"


class AuthenticationFailed(ApiError):
    """401, or 403 for the signature. `details` may have `serverTime` and `skewSeconds` when the clock is wrong."""


class OrganizationInactive(ApiError):
    """402."""


class PermissionDenied(ApiError):
    """403: the key lacks the scope, or only a person may do this."""


class NotFound(ApiError):
    """404: it does not exist, or belongs to another organization, or to channels that the key may not use."""


class InvalidRequest(ApiError):
    """400, 405, 413, 415 or 422: `violations` names what has to change."""


class Conflict(ApiError):
    """409: the state of the post does not allow it (`allowed`), or the value is in use."""


class StaleVersion(ApiError):
    """412: the post was changed since it was read; or 428: the version is required."""


class RateLimited(ApiError):
    """429: wait for `retry_after` seconds."""


class ServerError(ApiError):
    """500; 502 and 503 when the platform failed or limits calls."""


KINDS: dict[int, type[ApiError]] = {
    400: InvalidRequest,
    401: AuthenticationFailed,
    402: OrganizationInactive,
    403: PermissionDenied,
    404: NotFound,
    405: InvalidRequest,
    409: Conflict,
    412: StaleVersion,
    413: InvalidRequest,
    415: InvalidRequest,
    422: InvalidRequest,
    428: StaleVersion,
    429: RateLimited,
}


def api_error(response: httpx2.Response) -> ApiError:
    """Return the exception for a response that is not a success."""
    kind = KINDS.get(response.status_code, ServerError if response.status_code >= 500 else ApiError)
    if response.status_code == 403:
        body = _json_object(response)
        if str(body.get("code")).startswith("signature.") or body.get("message") in AUTHENTICATION_MESSAGES:
            kind = AuthenticationFailed
    return kind(response)


def _json_object(response: httpx2.Response) -> dict[str, Any]:
    try:
        body = response.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _violations(body: dict[str, Any]) -> Iterator[Violation]:
    """Yield the entries of envelope A (`error`), or those that envelope B has in `details`."""
    entries = body["error"] if isinstance(body.get("error"), list) else body.get("details")
    for entry in entries if isinstance(entries, list) else []:
        if isinstance(entry, dict) and "message" in entry:
            code = entry.get("code") or entry.get("type") or ""
            yield Violation(tuple(entry.get("path") or ()), str(entry["message"]), str(code))


def _retry_after(response: httpx2.Response) -> float | None:
    """Return the seconds of Retry-After, which holds seconds or an HTTP-date; None without a valid one."""
    value = response.headers.get("retry-after", "")
    if value.isdecimal():
        return float(value)
    try:
        return max(0.0, (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return None


def _fallback_message(response: httpx2.Response, violations: list[Violation]) -> str:
    if violations:
        return violations[0].message
    if response.has_redirect_location:
        return f"The server redirects to {response.headers['location']}: use that address"
    return f"The response is not one of Dynamo's API ({response.reason_phrase})"
