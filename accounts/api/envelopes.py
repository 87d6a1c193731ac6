"""How the API says no: envelope A for the request's shape, envelope B for everything else."""

import logging
import math
from typing import Any

from django.core.exceptions import PermissionDenied, RequestDataTooBig, ValidationError
from django.core.signals import got_request_exception
from django.http import Http404
from rest_framework import exceptions
from rest_framework.response import Response

from accounts.api.fields import translated
from accounts.api.problems import ShapeError
from accounts.errors import Conflict, Forbidden, Incomplete, Invalid, Refusal, Stale

log = logging.getLogger(__name__)

# The first that fits.
STATUSES: dict[type[Refusal], int] = {Invalid: 400, Forbidden: 403, Conflict: 409, Stale: 412, Incomplete: 422}

MESSAGES: dict[type[Exception], tuple[int, str]] = {
    Http404: (404, "Not found"),
    exceptions.NotFound: (404, "Not found"),
    PermissionDenied: (403, "Forbidden"),
    RequestDataTooBig: (413, "The body is larger than 1 MiB"),
    exceptions.UnsupportedMediaType: (415, "Send JSON in UTF-8, with the content type application/json"),
    exceptions.Throttled: (429, "Too many requests"),
}


class OrganizationInactive(exceptions.APIException):
    """The key is good; its organization is not."""

    status_code = 402
    default_detail = "The organization is inactive"


class LengthRequired(exceptions.APIException):
    """The body's length is not known, so that it cannot be read."""

    status_code = 411
    default_detail = "Send a Content-Length"


class UpstreamFailed(exceptions.APIException):
    """The Graph API failed, on an endpoint that reads live. The message must be fit for clients."""

    status_code = 502


class UpstreamBusy(exceptions.APIException):
    """The Graph API is throttling us, on an endpoint that reads live. `retry_after` is in seconds."""

    status_code = 503

    def __init__(self, message: str, *, retry_after: float) -> None:
        super().__init__(message)
        self.wait = retry_after


def envelope(status: int, message: str, details: Any = None, *, wait: float | None = None) -> Response:
    """Return envelope B; `wait` becomes Retry-After, in whole seconds rounded up."""
    body: dict[str, Any] = {"message": message}
    if details is not None:
        body["details"] = details
    headers = {} if wait is None else {"Retry-After": str(max(1, math.ceil(wait)))}
    return Response(body, status=status, headers=headers)


def exception_handler(error: Exception, context: dict[str, Any]) -> Response:
    """Return the answer to whatever a view raised. What nobody expected is logged, and is a bare 500."""
    if isinstance(error, exceptions.ParseError):
        error = ShapeError.one("object.base", "must be valid JSON")
    elif isinstance(error, exceptions.ValidationError | ValidationError):
        error = translated(error)
    if isinstance(error, ShapeError):
        return Response(error.as_wire(), status=422)
    if isinstance(error, Refusal):
        status = next((status for kind, status in STATUSES.items() if isinstance(error, kind)), 400)
        return envelope(status, error.message, error.details)
    for kind, (status, message) in MESSAGES.items():
        if isinstance(error, kind):
            return envelope(status, message, wait=getattr(error, "wait", None))
    if isinstance(error, exceptions.APIException):
        return envelope(error.status_code, str(error.detail), wait=getattr(error, "wait", None))
    request = context["request"]
    log.error("%s %s failed", request.method, request.path, exc_info=error)
    got_request_exception.send(sender=exception_handler, request=request)
    return envelope(500, "Internal server error")
