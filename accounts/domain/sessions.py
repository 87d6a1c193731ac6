"""Admin sessions: when the user last authenticated, and ending all sessions of a user."""

from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.http import HttpRequest

from accounts import clock
from accounts.domain import memberships, mfa
from accounts.domain.actors import Actor
from accounts.exceptions import Forbidden
from accounts.models import User

AUTHENTICATED_AT = "dynamo_authenticated_at"  # session key: Unix time of the last password or code
MFA_DEVICE_ID = "dynamo_mfa_device_id"  # session key: id of the TotpDevice whose code was verified


class ReauthenticationRequired(Exception):
    """The user has to authenticate again: with a two-factor code if `code` is true, else with the password."""

    def __init__(self, *, code: bool) -> None:
        super().__init__("Re-authentication required")
        self.code = code


def mark_authenticated(request: HttpRequest, *, device_id: int | None = None, **_: Any) -> None:
    """Record in the session that the user has just authenticated, with a code of the device if one is given."""
    request.session[AUTHENTICATED_AT] = clock.now().timestamp()
    if device_id is not None:
        request.session[MFA_DEVICE_ID] = device_id


def require_recent_authentication(request: HttpRequest, user: User) -> bool:
    """Return whether a code of the user's present device was verified in this session.

    Raises ReauthenticationRequired when the last authentication is older than REAUTHENTICATE_AFTER seconds, or more
    than a minute in the future (the clock was set back), or when the user has a device that this session has not seen.
    """
    device = mfa.get_mfa(user)
    verified = device is not None and request.session.get(MFA_DEVICE_ID) == device.pk
    at = request.session.get(AUTHENTICATED_AT)
    age = clock.now().timestamp() - at if isinstance(at, int | float) else None
    if age is None or not -60 <= age <= settings.REAUTHENTICATE_AFTER or (device is not None and not verified):
        raise ReauthenticationRequired(code=device is not None)
    return verified


def sign_out_everywhere(actor: Actor, user: User) -> None:
    """End all sessions of the user. Raises Forbidden unless `memberships.may_recover`."""
    if not memberships.may_recover(actor, user):
        raise Forbidden("You do not have permission to end the sessions of this user")
    with transaction.atomic():
        User.objects.filter(pk=user.pk).update(session_epoch=F("session_epoch") + 1)
        memberships.record(actor, "sign_out_everywhere", user)
    user.refresh_from_db(fields=["session_epoch"])
