"""What every answer carries: the request's name, which is also on each line that is logged meanwhile, and headers."""

import logging
import re
import uuid
from collections.abc import Callable
from contextvars import ContextVar

from django.http import HttpRequest
from django.http.response import HttpResponseBase

current: ContextVar[str] = ContextVar("request_id", default="-")
NAME = "dynamo.request_id"  # in request.META
RATE_LIMITS = "dynamo.rate_limits"  # in request.META, by policy: quota, window in seconds, what is left, seconds left
PERMISSIONS_POLICY = ", ".join(f"{item}=()" for item in ("camera", "geolocation", "microphone", "payment", "usb"))
_SANE = re.compile(r"[A-Za-z0-9._:-]{1,100}")


class RequestIdMiddleware:
    """Keep the `x-request-id` that the caller sent when it is a plain word, else make one. Goes outermost."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        given = request.META.get("HTTP_X_REQUEST_ID", "")
        name = given if _SANE.fullmatch(given) else uuid.uuid4().hex
        request.META[NAME] = name
        token = current.set(name)
        try:
            response = self.get_response(request)
        finally:
            current.reset(token)
        response.headers["x-request-id"] = name
        return response


def is_api(request: HttpRequest) -> bool:
    """Whether the request is one of the API's, known or not; else it is for a page or a file."""
    return request.path_info == "/v1" or request.path_info.startswith("/v1/")


class ApiHeadersMiddleware:
    """What the API answers is for the one who asked, and says what is left of their limits; pages use no device."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        response.headers.setdefault("Permissions-Policy", PERMISSIONS_POLICY)
        if is_api(request):
            response.headers.setdefault("Cache-Control", "no-store")
            _set_rate_limit_headers(request, response)
        return response


def _set_rate_limit_headers(request: HttpRequest, response: HttpResponseBase) -> None:
    """Set the headers of the IETF draft on rate limits, for all limits that the request was counted against."""
    limits = request.META.get(RATE_LIMITS)
    if limits:
        quotas = [f'"{policy}";q={quota};w={window}' for policy, (quota, window, _, _) in limits.items()]
        remaining = [f'"{policy}";r={left};t={seconds}' for policy, (_, _, left, seconds) in limits.items()]
        response.headers["RateLimit-Policy"] = ", ".join(quotas)
        response.headers["RateLimit"] = ", ".join(remaining)


class RequestIdFilter(logging.Filter):
    """Put the request's name on each record as `request_id`; `-` outside of requests."""

    def filter(self, record: logging.LogRecord) -> bool:
        # Django logs its verdict on a request after the last middleware is done, and hands the request along.
        meta = getattr(getattr(record, "request", None), "META", {})
        record.request_id = meta.get(NAME) or current.get()
        return True
