"""Who signed this request."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.utils.http import parse_http_date
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from accounts import clock
from accounts.api.exceptions import OrganizationInactive
from accounts.api.throttling import AddressThrottle, SignatureFailureThrottle
from accounts.datetimes import parse_datetime
from accounts.domain import api_keys
from accounts.domain.request_signatures import full_signature_message, verify_signature
from accounts.models import ApiKey, Organization

FULL = "x-signature-full"
HEADERS = ("HTTP_X_API_KEY", "HTTP_X_DATE", "HTTP_X_SIGNATURE")  # as WSGI names them
MAX_CLOCK_SKEW, AHEAD = timedelta(seconds=60), timedelta(seconds=5)


@dataclass(frozen=True)
class ApiKeyUser:
    """The `request.user` of a signed request. It is no person and never passes for one."""

    key: ApiKey
    organization: Organization
    is_authenticated: bool = True
    is_active: bool = True
    is_staff: bool = False
    is_superuser: bool = False


class SignatureAuthentication(BaseAuthentication):
    """HMAC over the date header, and in full over method, target and body as well.

    A request without a good signature is refused; there are no anonymous ones.

    It names no challenge (`authenticate_header`), which is what makes DRF answer 403 and not 401.
    """

    def authenticate(self, request: Request) -> tuple[ApiKeyUser, ApiKey]:
        """Return the principal and its key. Raises AuthenticationFailed (403), OrganizationInactive, Throttled."""
        AddressThrottle().check(request)
        key_id, date, signature = [request.META.get(name, "") for name in HEADERS]
        now = clock.now()
        problem = _unsound(key_id, date, signature, now)
        if problem:
            raise AuthenticationFailed(problem)
        failures = SignatureFailureThrottle()
        failures.check(request)
        key = ApiKey.objects.select_related("organization").filter(pk=_lookup(key_id)).first()
        if not verify_signature(key, message=date, signature=signature, at=now) or key is None:
            failures.record_failure(request)
            raise AuthenticationFailed("Invalid signature")
        if not _fully(request, key, date=date, at=now):
            failures.record_failure(request)
            raise AuthenticationFailed("Invalid signature")
        if not key.organization.active:
            raise OrganizationInactive
        api_keys.record_use(key)
        return ApiKeyUser(key, key.organization), key


def get_api_key(request: Request) -> ApiKey:
    """Return the key that the request is signed with, its organization loaded."""
    if not isinstance(request.auth, ApiKey):
        raise TypeError("Only signed requests get here")
    return request.auth


def _fully(request: Request, key: ApiKey, *, date: str, at: datetime) -> bool:
    """Whether the request's full signature is right: there need be none, unless the organization wants one.

    Asked only once the plain signature is right, so that nobody learns what an organization wants without a key of it,
    or has a body read. Raises AuthenticationFailed when there is none and there should be.
    """
    plain = request._request
    signature = plain.META.get("HTTP_X_SIGNATURE_FULL")
    if signature is None:
        if key.organization.require_full_signature:
            raise AuthenticationFailed(f"This organization wants requests signed in full: send {FULL}")
        return True
    # What came over the wire, where the server keeps it; else what it must have been, by the rules for URLs.
    target = plain.META.get("RAW_URI") or plain.get_full_path()
    message = full_signature_message(method=str(plain.method), target=target, date=date, body=plain.body)
    return verify_signature(key, message=message, signature=signature, at=at)


def _lookup(key_id: str) -> str:
    # PostgreSQL takes no NUL in a text; an id that cannot be one still costs a query like any other.
    return key_id if key_id.isascii() and key_id.isprintable() else ""


def _unsound(key_id: str, date: str, signature: str, now: datetime) -> str:
    """Return what is wrong with the headers, whoever sent them; nothing when a signature may be right."""
    if not (key_id and date and signature):
        return "Missing authentication headers"
    instant = _instant(date)
    if instant is None:
        return "Invalid date"
    return "" if -AHEAD <= now - instant <= MAX_CLOCK_SKEW else "Signature expired"


def _instant(date: str) -> datetime | None:
    """Return the instant of a date header: ISO-8601 with Z or an offset, or one of RFC 9110's three HTTP-dates."""
    try:
        return parse_datetime(date)
    except ValueError:
        pass
    try:
        return datetime.fromtimestamp(parse_http_date(date.encode("ascii").decode()), UTC)
    except (ValueError, OverflowError, OSError):
        return None
