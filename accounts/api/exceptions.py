"""Error responses: envelope A for an invalid request, envelope B for everything else (docs/api.md)."""

import json
import logging
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.core.signals import got_request_exception
from django.db import InterfaceError, OperationalError
from django.http import Http404
from rest_framework import exceptions
from rest_framework.response import Response

from accounts.domain.idempotency import Mismatch
from accounts.exceptions import (
    Conflict,
    DomainError,
    Forbidden,
    Incomplete,
    Invalid,
    StaleVersion,
    TooLarge,
    VersionRequired,
)

log = logging.getLogger(__name__)

Path = tuple[str | int, ...]
MAX_PROBLEMS = 5000  # a body of 1 MiB can contain half a million

# The first match wins.
STATUSES: dict[type[DomainError], int] = {
    Mismatch: 422,
    Invalid: 400,
    Forbidden: 403,
    Conflict: 409,
    StaleVersion: 412,
    TooLarge: 413,
    Incomplete: 422,
    VersionRequired: 428,
}

READ_ONLY = "25006"  # SQLSTATE of PostgreSQL: a write to a standby, as during a failover
DATABASE_UNAVAILABLE = "The database does not answer; try again", "database.unavailable"
DATABASE_RETRY_AFTER = 5.0  # seconds

# Status, message and code.
RESPONSES: dict[type[Exception], tuple[int, str, str]] = {
    Http404: (404, "Not found", "not_found"),
    exceptions.NotFound: (404, "Not found", "not_found"),
    PermissionDenied: (403, "Forbidden", "forbidden"),
    RequestDataTooBig: (413, "The body is larger than 1 MiB", "body.too_large"),
    exceptions.UnsupportedMediaType: (
        415,
        "Send JSON in UTF-8, with the content type application/json",
        "body.content_type",
    ),
    exceptions.Throttled: (429, "Too many requests", "rate_limit.exceeded"),
}


class OrganizationInactive(exceptions.APIException):
    status_code = 402
    default_detail = "The organization is inactive"
    default_code = "organization.inactive"


class SignatureRefused(exceptions.AuthenticationFailed):
    """The signature, or its date, is not accepted. `details` is JSON for programs."""

    def __init__(self, message: str, code: str, details: Any = None) -> None:
        super().__init__(message, code)
        self.details = details


class BearerRefused(exceptions.APIException):
    """The bearer token is not accepted. The response has `WWW-Authenticate`.

    Not an AuthenticationFailed, whose status DRF changes to 403: signatures are refused with 403.
    """

    status_code = 401
    default_detail = "Invalid bearer token"
    default_code = "bearer.invalid"


class AmbiguousAuthentication(exceptions.APIException):
    status_code = 422
    default_detail = "Send either a signature or a bearer token"
    default_code = "authentication.ambiguous"


class LengthRequired(exceptions.APIException):
    status_code = 411
    default_detail = "Send a Content-Length"
    default_code = "body.length_required"


class UpstreamFailed(exceptions.APIException):
    """The Graph API failed, on an endpoint that calls it. The message is sent to the client."""

    status_code = 502
    default_code = "platform.failed"


class UpstreamThrottled(exceptions.APIException):
    """The Graph API is rate limiting us, on an endpoint that calls it. `retry_after` is in seconds."""

    status_code = 503
    default_code = "platform.throttled"

    def __init__(self, message: str, *, retry_after: float) -> None:
        super().__init__(message)
        self.wait = retry_after


@dataclass(frozen=True)
class ValidationProblem:
    """One entry of envelope A. `path` starts at the body's root, or is the query parameter's name.

    `type` is Joi's code; `message` is Joi's sentence without its label; `context` adds `limit`, `valids` etc.
    """

    path: Path
    type: str
    message: str
    context: dict[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return the entry; "?" replaces halves of surrogate pairs, which UTF-8 cannot encode."""
        label: Any = self.path[-1] if self.path else "value"
        if isinstance(label, int):
            label = f"[{label}]"
        context = {"label": label, **self.context}
        if self.path:
            context["key"] = self.path[-1]
        message = f'"{label}" {self.message}'
        entry = {"message": message, "path": self.path, "type": self.type, "context": context}
        return dict(json.loads(json.dumps(entry, ensure_ascii=False).encode(errors="replace")))


class RequestValidationError(Exception):
    """The body or the query string is invalid: 422, envelope A with all problems."""

    def __init__(self, problems: Iterable[ValidationProblem]) -> None:
        super().__init__("Invalid request")
        self.problems = list(problems)

    def to_response_body(self) -> dict[str, Any]:
        return {"error": [problem.to_json() for problem in self.problems[:MAX_PROBLEMS]]}


def from_drf_error(detail: Any, path: Path = ()) -> Iterator[ValidationProblem]:
    """Yield the problems in the `detail` of a DRF ValidationError; its keys, at any depth, are the path."""
    if isinstance(detail, dict):
        for key, nested in detail.items():
            yield from from_drf_error(nested, (*path, key))
    else:
        for message in detail:
            code = message.code or "any.invalid"
            yield ValidationProblem(path, str(code), str(message), getattr(code, "context", {}))


def error_response(status: int, message: str, code: str, details: Any = None, *, wait: float | None = None) -> Response:
    """Return envelope B; `wait` becomes Retry-After, in whole seconds rounded up."""
    body: dict[str, Any] = {"message": message, "code": code}
    if details is not None:
        body["details"] = details
    headers = {} if wait is None else {"Retry-After": str(max(1, math.ceil(wait)))}
    return Response(body, status=status, headers=headers)


def is_database_unavailable(error: BaseException | None) -> bool:
    """Whether the database does not answer, refuses connections or does not accept writes now."""
    if isinstance(error, OperationalError | InterfaceError):
        return True
    return getattr(getattr(error, "__cause__", None), "sqlstate", "") == READ_ONLY


def exception_handler(error: Exception, context: dict[str, Any]) -> Response:
    """Return the response to an exception of a view. An unexpected one is logged and becomes a 500 without details."""
    if isinstance(error, exceptions.ParseError):
        error = RequestValidationError([ValidationProblem((), "object.base", "must be valid JSON")])
    elif isinstance(error, exceptions.ValidationError):
        error = RequestValidationError(from_drf_error(error.detail))
    if isinstance(error, RequestValidationError):
        return Response(error.to_response_body(), status=422)
    wait = getattr(error, "wait", None)
    if isinstance(error, DomainError):
        status = next((status for kind, status in STATUSES.items() if isinstance(error, kind)), 400)
        return error_response(status, error.message, error.code, error.details, wait=wait)
    for kind, (status, message, code) in RESPONSES.items():
        if isinstance(error, kind):
            return error_response(status, message, code, wait=wait)
    if isinstance(error, exceptions.APIException):
        detail: Any = error.detail  # one sentence with its code: ValidationError, which has several, is above
        details = getattr(error, "details", None)
        response = error_response(error.status_code, str(detail), detail.code, details, wait=wait)
        if error.status_code == 401:
            # RFC 6750: a request without credentials gets no error code.
            reason = "" if detail.code == "bearer.missing" else ', error="invalid_token"'
            response.headers["WWW-Authenticate"] = f'Bearer realm="dynamo"{reason}'
        return response
    request = context["request"]
    if is_database_unavailable(error):
        log.error("%s %s failed: %s", request.method, request.path, type(error.__cause__ or error).__name__)
        return error_response(503, *DATABASE_UNAVAILABLE, wait=DATABASE_RETRY_AFTER)
    log.error("%s %s failed", request.method, request.path, exc_info=error)
    got_request_exception.send(sender=exception_handler, request=request)
    return error_response(500, "Internal server error", "server.error")
