"""Meta's callbacks and webhooks, and the public status page of a data deletion.

Outside the API and its keys, and without CSRF tokens: the callers are Meta's servers, and the signature with the app
secret is the credential. Without GRAPH_APP_SECRET everything that needs a signature is refused.
"""

import hmac
import logging
import re
from collections.abc import Callable

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.api.throttling import WindowThrottle
from accounts.client_ip import client_ip
from posts.domain import meta_callbacks, post_refresh
from posts.domain.meta_callbacks import InvalidSignedRequest, SignedRequest
from posts.models import DataDeletion

log = logging.getLogger(__name__)
MAX_FORM = 16 * 1024  # bytes
MAX_WEBHOOK = 1024 * 1024
CHALLENGE = re.compile(r"[\w.~-]{1,200}", re.ASCII)


class _Refused(Exception):
    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def _answer_refusals(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    def wrapped(request: HttpRequest) -> HttpResponse:
        try:
            return view(request)
        except _Refused as refusal:
            return JsonResponse({"message": str(refusal)}, status=refusal.status)

    return wrapped


@csrf_exempt
@never_cache
@require_POST
@_answer_refusals
def deauthorize(request: HttpRequest) -> HttpResponse:
    """Disconnect the channels of a user who removed the app."""
    meta_callbacks.deauthorize(_signed_request(request))
    return JsonResponse({"success": True})


@csrf_exempt
@never_cache
@require_POST
@_answer_refusals
def data_deletion(request: HttpRequest) -> HttpResponse:
    """Delete a user's data; answer with the confirmation code and the page that shows it."""
    deletion = meta_callbacks.delete_data(_signed_request(request))
    url = settings.PUBLIC_URL + reverse("meta_data_deletion_status", args=[deletion.code])
    return JsonResponse({"url": url, "confirmation_code": deletion.code})


@never_cache
@require_safe
def data_deletion_status(request: HttpRequest, code: str) -> HttpResponse:
    """Show that the request with this confirmation code is completed, and nothing else. Raises Http404."""
    deletion = DataDeletion.objects.filter(pk=code).first() if code.isprintable() else None
    if deletion is None:
        raise Http404
    return render(request, "dynamo/data_deletion.html", {"deletion": deletion})


@csrf_exempt
@never_cache
@require_http_methods(["GET", "POST"])
@_answer_refusals
def webhook(request: HttpRequest) -> HttpResponse:
    """GET: confirm the address to Meta by its challenge. POST: take note of changes of published posts."""
    return _verify(request) if request.method == "GET" else _receive(request)


def _verify(request: HttpRequest) -> HttpResponse:
    expected, given = settings.GRAPH_WEBHOOK_VERIFY_TOKEN, request.GET.get("hub.verify_token", "")
    challenge = request.GET.get("hub.challenge", "")
    is_subscription = request.GET.get("hub.mode") == "subscribe" and CHALLENGE.fullmatch(challenge)
    if (
        not expected
        or not is_subscription
        or not hmac.compare_digest(expected.encode(), given.encode(errors="replace"))
    ):
        raise _Refused(403, "Wrong verify token")
    return HttpResponse(challenge, content_type="text/plain")


def _receive(request: HttpRequest) -> HttpResponse:
    body = _body(request, MAX_WEBHOOK)
    if not post_refresh.is_genuine(body, request.headers.get("X-Hub-Signature-256", "")):
        raise _wrong_signature(request)
    try:
        post_refresh.receive(body)
    except ValueError:
        raise _Refused(400, "The body is not JSON") from None
    return JsonResponse({"success": True})


def _signed_request(request: HttpRequest) -> SignedRequest:
    _body(request, MAX_FORM)
    try:
        return meta_callbacks.parse_signed_request(request.POST.get("signed_request", ""))
    except InvalidSignedRequest:
        raise _wrong_signature(request) from None


def _body(request: HttpRequest, largest: int) -> bytes:
    """Return the body, which `request.POST` reads again. Raises _Refused for more than `largest` bytes."""
    try:
        body = request.body
    except RequestDataTooBig:
        body = None
    if body is None or len(body) > largest:
        raise _Refused(413, "The body is too large")
    return body


def _wrong_signature(request: HttpRequest) -> _Refused:
    """Return the refusal, and log it, a limited number of times per address and minute."""
    limit = settings.SIGNATURE_FAILURES_PER_MINUTE
    address = client_ip(request)
    if limit and WindowThrottle().increment(f"meta:{address}") > limit:
        return _Refused(429, "Too many wrong signatures")
    log.warning("A callback of Meta with a wrong signature was refused: %s from %s", request.path_info, address)
    return _Refused(403, "Wrong signature")
