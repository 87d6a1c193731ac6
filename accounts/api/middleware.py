"""Request ids, in the response and on each log line of the request, and headers of all responses."""

import logging
import re
import uuid
from collections.abc import Callable, Mapping
from contextvars import ContextVar

from django.http import HttpRequest
from django.http.response import HttpResponseBase

current: ContextVar[str] = ContextVar("request_id", default="-")
task_ids: ContextVar[Mapping[str, str] | None] = ContextVar("task_ids", default=None)  # see dynamo/celery.py
REQUEST_ID = "dynamo.request_id"  # key of request.META
RATE_LIMITS = "dynamo.rate_limits"  # key of request.META; by policy: quota, window in s, remaining requests and s
PERMISSIONS_POLICY = ", ".join(f"{feature}=()" for feature in ("camera", "geolocation", "microphone", "payment", "usb"))
_VALID_ID = re.compile(r"[A-Za-z0-9._:-]{1,100}")


class ResponseHeadersMiddleware:
    """Sets the request id (the client's when it is valid, else a new one) and other headers. Goes first."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        given = request.META.get("HTTP_X_REQUEST_ID", "")
        request_id = given if _VALID_ID.fullmatch(given) else uuid.uuid4().hex
        request.META[REQUEST_ID] = request_id
        token = current.set(request_id)
        try:
            response = self.get_response(request)
        finally:
            current.reset(token)
        response.headers.setdefault("Permissions-Policy", PERMISSIONS_POLICY)
        if is_api(request):
            response.headers.setdefault("Cache-Control", "no-store")
            # IETF draft-ietf-httpapi-ratelimit-headers
            if limits := request.META.get(RATE_LIMITS):
                quotas = [f'"{policy}";q={quota};w={window}' for policy, (quota, window, _, _) in limits.items()]
                usage = [f'"{policy}";r={left};t={seconds}' for policy, (_, _, left, seconds) in limits.items()]
                response.headers["RateLimit-Policy"] = ", ".join(quotas)
                response.headers["RateLimit"] = ", ".join(usage)
        response.headers["x-request-id"] = request_id
        return response


def is_api(request: HttpRequest) -> bool:
    """Whether the path is /mcp, or below /v1, whether or not a view exists there."""
    return request.path_info in {"/v1", "/mcp"} or request.path_info.startswith("/v1/")


class RequestIdFilter(logging.Filter):
    """Sets `request_id` on each log record, `-` outside of requests and what they enqueued; and the ids of the task."""

    def filter(self, record: logging.LogRecord) -> bool:
        # django.request logs after the middleware has returned, with the request on the record.
        meta = getattr(getattr(record, "request", None), "META", {})
        record.request_id = meta.get(REQUEST_ID) or current.get()
        for name, value in (task_ids.get() or {}).items():
            vars(record).setdefault(name, value)
        return True
