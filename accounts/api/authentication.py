"""Authentication of API requests by HMAC signature, or by bearer token for keys that allow it; see docs/signing.md."""

import hashlib
import weakref
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from tempfile import SpooledTemporaryFile

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.utils.http import parse_http_date
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from accounts import clock
from accounts.api.exceptions import AmbiguousAuthentication, BearerRefused, OrganizationInactive, SignatureRefused
from accounts.api.throttling import AddressThrottle, SignatureFailureThrottle
from accounts.datetimes import format_datetime, parse_datetime
from accounts.domain import api_keys
from accounts.domain.request_signatures import full_signature_message, verify_secret, verify_signature
from accounts.models import ApiKey

HEADERS = ("HTTP_X_API_KEY", "HTTP_X_DATE", "HTTP_X_SIGNATURE")  # in request.META
FULL_SIGNATURE = "HTTP_X_SIGNATURE_FULL"
MAX_SKEW = timedelta(seconds=60)  # of `x-date`, in either direction
CHUNK = 1024 * 1024  # bytes of an upload


@dataclass(frozen=True)
class ApiKeyUser:
    """The `request.user` of a signed request. It is not a User, so that no code takes it for a person."""

    key: ApiKey
    is_authenticated: bool = True
    is_active: bool = True
    is_staff: bool = False
    is_superuser: bool = False

    @property
    def pk(self) -> str:
        """The key's id, to which django-mcpz binds what it signs."""
        return self.key.pk


class SignatureAuthentication(BaseAuthentication):
    """Requires a valid signature, or with an `Authorization` header a bearer token.

    Without `authenticate_header` DRF returns 403 for a refused signature instead of 401.
    """

    def authenticate(self, request: Request) -> tuple[ApiKeyUser, ApiKey]:
        """Return the user and the key.

        Raises SignatureRefused (403), BearerRefused (401), AmbiguousAuthentication, OrganizationInactive, Throttled.
        """
        AddressThrottle().check(request)
        key = _bearer_key(request) if "HTTP_AUTHORIZATION" in request.META else _signing_key(request)
        if not key.organization.active:
            raise OrganizationInactive
        api_keys.record_use(key)
        return ApiKeyUser(key), key


def _signing_key(request: Request) -> ApiKey:
    """Return the key that signed the request. Raises SignatureRefused, Throttled."""
    key_id, date, signature = [request.META.get(name, "") for name in HEADERS]
    now = clock.now()
    _check_headers(key_id, date, signature, now)
    failures = SignatureFailureThrottle(key_id)
    failures.check(request)
    key = _find_key(key_id)
    if (
        not verify_signature(key, message=date, signature=signature, at=now)
        or key is None
        or not _check_full_signature(request, key, date=date, at=now)
    ):
        failures.record_failure(request)
        raise SignatureRefused("Invalid signature", "signature.invalid")
    return key


def _bearer_key(request: Request) -> ApiKey:
    """Return the key whose id and secret are the bearer token.

    Whether a key allows bearer tokens is disclosed only to a client that has its secret. A token covers no request, so
    it is refused where the organization requires the full signature. Raises BearerRefused, AmbiguousAuthentication,
    Throttled.
    """
    if any(name in request.META for name in (*HEADERS, FULL_SIGNATURE)):
        raise AmbiguousAuthentication
    if settings.PRODUCTION and not request.is_secure():
        raise BearerRefused("A bearer token needs https", "bearer.tls_required")
    scheme, _, token = request.META["HTTP_AUTHORIZATION"].partition(" ")
    key_id, _, secret = token.strip().partition(".")
    if scheme.lower() != "bearer" or not key_id or not secret:
        raise BearerRefused
    failures = SignatureFailureThrottle(key_id)
    failures.check(request)
    key = _find_key(key_id)
    if not verify_secret(key, secret=secret, at=clock.now()) or key is None:
        failures.record_failure(request)
        raise BearerRefused
    if not key.allow_bearer:
        raise BearerRefused("This key is not allowed as a bearer token: sign the request", "bearer.not_allowed")
    if key.organization.require_full_signature:
        raise BearerRefused("This organization wants requests signed in full", "signature.full_required")
    return key


def _find_key(key_id: str) -> ApiKey | None:
    # PostgreSQL accepts no NUL in text. An id that cannot exist costs a query too: response times are equal.
    valid_id = key_id if key_id.isascii() and key_id.isprintable() else ""
    return ApiKey.objects.select_related("organization").filter(pk=valid_id).first()


def get_api_key(request: Request) -> ApiKey:
    """Return the key of a signed request, with `organization` loaded. Raises TypeError for other requests."""
    if not isinstance(request.auth, ApiKey):
        raise TypeError("This view requires a signed request")
    return request.auth


def _check_full_signature(request: Request, key: ApiKey, *, date: str, at: datetime) -> bool:
    """Whether the full signature is valid, or missing and not required by the organization.

    Call this only after the plain signature was verified: otherwise anyone could learn the organization's settings, or
    make the server read a body. Raises SignatureRefused when a required signature is missing.
    """
    http_request = request._request
    signature = http_request.META.get(FULL_SIGNATURE)
    if signature is None:
        if key.organization.require_full_signature:
            message = "This organization wants requests signed in full: send x-signature-full"
            raise SignatureRefused(message, "signature.full_required")
        return True
    try:
        body_sha256 = _body_sha256(request)
    except RequestDataTooBig:
        if getattr(request.parser_context["view"], "ignores_input", False):
            return True  # the answer is the same 403 whatever the body
        raise
    # gunicorn keeps the target as it was sent; other servers only the decoded path, which is encoded again.
    target = http_request.META.get("RAW_URI") or http_request.get_full_path()
    method = str(http_request.method)
    message = full_signature_message(method=method, target=target, date=date, body_sha256=body_sha256)
    return verify_signature(key, message=message, signature=signature, at=at)


def _body_sha256(request: Request) -> str:
    """Return the hash of the body in hex. An upload is copied to a temporary file, from which the view reads it.

    A view that takes files declares `max_upload_bytes`. Raises RequestDataTooBig.
    """
    http_request, limit = request._request, getattr(request.parser_context["view"], "max_upload_bytes", 0)
    if not limit or not request.content_type.lower().startswith("multipart/"):
        return hashlib.sha256(http_request.body).hexdigest()
    if int(request.META.get("CONTENT_LENGTH") or 0) > limit:
        raise RequestDataTooBig
    hashed = hashlib.sha256()
    copy = SpooledTemporaryFile(max_size=CHUNK)  # noqa: SIM115  closed below
    weakref.finalize(http_request, copy.close)
    while chunk := http_request.read(CHUNK):
        hashed.update(chunk)
        copy.write(chunk)
    copy.seek(0)
    # As Django's request.body does for a body in memory.
    vars(http_request).update(_stream=copy, _read_started=False)
    return hashed.hexdigest()


def _check_headers(key_id: str, date: str, signature: str, now: datetime) -> None:
    """Raise SignatureRefused for what is wrong with the headers, whatever the key is.

    `skewSeconds` is the date minus the server's time: positive when the client's clock is fast.
    """
    if not (key_id and date and signature):
        raise SignatureRefused("Missing authentication headers", "signature.missing")
    time = _parse_date(date)
    if time is None:
        raise SignatureRefused("Invalid date", "signature.date")
    skew = time - now
    if not -MAX_SKEW <= skew <= MAX_SKEW:
        details = {"serverTime": format_datetime(now), "skewSeconds": round(skew.total_seconds(), 3)}
        raise SignatureRefused("Signature expired", "signature.expired", details)


def _parse_date(date: str) -> datetime | None:
    """Return the time of a date header: ISO-8601 with Z or an offset, or one of RFC 9110's three HTTP-dates."""
    with suppress(ValueError):
        return parse_datetime(date)
    with suppress(ValueError, OverflowError, OSError):
        return datetime.fromtimestamp(parse_http_date(date.encode("ascii").decode()), UTC)
    return None
