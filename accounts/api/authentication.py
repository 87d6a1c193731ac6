"""Who signed this request."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.utils.http import parse_http_date
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from accounts import clock
from accounts.api.envelopes import OrganizationInactive
from accounts.api.wire import parse_instant
from accounts.domain import last_use
from accounts.domain.signing import genuine
from accounts.models import ApiKey, Organization

OLDEST, AHEAD = timedelta(seconds=60), timedelta(seconds=5)


@dataclass(frozen=True)
class KeyPrincipal:
    """The `request.user` of a signed request. It is no person and never passes for one."""

    key: ApiKey
    organization: Organization
    is_authenticated: bool = True
    is_active: bool = True
    is_staff: bool = False
    is_superuser: bool = False


class SignatureAuthentication(BaseAuthentication):
    """HMAC over the date header. A request without a good signature is refused; there are no anonymous ones.

    It names no challenge (`authenticate_header`), which is what makes DRF answer 403 and not 401.
    """

    def authenticate(self, request: Request) -> tuple[KeyPrincipal, ApiKey]:
        """Return the principal and its key. Raises AuthenticationFailed (403) or OrganizationInactive (402)."""
        given = [request.headers.get(name, "") for name in ("x-api-key", "x-date", "x-signature")]
        if not all(given):
            raise AuthenticationFailed("Missing authentication headers")
        key_id, date, signature = given
        now = clock.now()
        age = now - _instant(date)
        if not -AHEAD <= age <= OLDEST:
            raise AuthenticationFailed("Signature expired")
        key = ApiKey.objects.select_related("organization").filter(pk=_lookup(key_id)).first()
        if not genuine(key, date=date, signature=signature, at=now) or key is None:
            raise AuthenticationFailed("Invalid signature")
        if not key.organization.active:
            raise OrganizationInactive
        last_use.note(key)
        return KeyPrincipal(key, key.organization), key


def key_of(request: Request) -> ApiKey:
    """Return the key that the request is signed with, its organization loaded."""
    if not isinstance(request.auth, ApiKey):
        raise TypeError("Only signed requests get here")
    return request.auth


def _lookup(key_id: str) -> str:
    # PostgreSQL takes no NUL in a text; an id that cannot be one still costs a query like any other.
    return key_id if key_id.isascii() and key_id.isprintable() else ""


def _instant(date: str) -> datetime:
    """Return the instant of a date header: ISO-8601 with Z or an offset, or one of RFC 9110's three HTTP-dates."""
    try:
        return parse_instant(date)
    except ValueError:
        pass
    try:
        return datetime.fromtimestamp(parse_http_date(date.encode("ascii").decode()), UTC)
    except (ValueError, OverflowError, OSError):
        raise AuthenticationFailed("Invalid date") from None
