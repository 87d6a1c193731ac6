"""The `Idempotency-Key` header of POST requests: a repeated request gets the first answer again."""

import hashlib
import re
from collections.abc import Callable

from django.db import transaction
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.authentication import get_api_key
from accounts.api.exceptions import RequestValidationError, ValidationProblem
from accounts.domain import idempotency
from accounts.domain.idempotency import StoredAnswer

HEADER = "Idempotency-Key"
MAX_LENGTH = 255
KEPT_HEADERS = ("Content-Type", "Location", "ETag")
_VISIBLE_ASCII = re.compile(r"[!-~]+")


def key_of(request: Request) -> str | None:
    """Return the request's key; None without the header. Raises RequestValidationError."""
    key = request.headers.get(HEADER)
    if key is None or (len(key) <= MAX_LENGTH and _VISIBLE_ASCII.fullmatch(key)):
        return key
    problem = ValidationProblem((HEADER,), "string.base", f"must be 1 to {MAX_LENGTH} visible ASCII characters")
    raise RequestValidationError([problem])


def is_answered(request: Request, key: str) -> bool:
    return idempotency.is_answered(get_api_key(request), key)


def run_once(request: Request, key: str, body_digest: str, handler: Callable[[], HttpResponseBase]) -> HttpResponseBase:
    """Return the stored answer to the request, or that of `handler`, which runs in the transaction that stores it.

    A crash leaves either both the effect and the answer, or neither. Only answers of 2xx are kept: an exception, and
    any other answer, frees the key. Raises what `idempotency.claim` raises.
    """
    api_key = get_api_key(request)
    request_digest = hashlib.sha256(f"{request.path}\n{body_digest}".encode()).hexdigest()
    with transaction.atomic():
        if stored := idempotency.claim(api_key, key, request_digest):
            headers = {**stored.headers, "Idempotency-Replayed": "true"}
            return HttpResponse(stored.body, status=stored.status, headers=headers)
        response = handler()
        if 200 <= response.status_code < 300:
            idempotency.store(api_key, key, _to_stored(response))
        else:
            idempotency.release(api_key, key)
    return response


def _to_stored(response: HttpResponseBase) -> StoredAnswer:
    """Raises TypeError for a response that is streamed."""
    headers = {name: response.headers[name] for name in KEPT_HEADERS if name in response.headers}
    if isinstance(response, Response):  # not rendered yet
        headers["Content-Type"] = "application/json"
        return StoredAnswer(response.status_code, headers, JSONRenderer().render(response.data).decode())
    if not isinstance(response, HttpResponse):
        raise TypeError("A streamed response cannot be kept")
    return StoredAnswer(response.status_code, headers, response.content.decode())
