"""Sessions of the desk: how long ago the person behind one proved who they are, and an end to all of them."""

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

PROVED_AT, FACTOR = "dynamo_proved_at", "dynamo_factor"


class ReauthenticationRequired(Exception):
    """Before a decision the person has to prove anew who they are. No refusal: they are asked, and go on.

    `code`: by their second factor, else by their password.
    """

    def __init__(self, *, code: bool) -> None:
        super().__init__("Prove that it is you")
        self.code = code


def on_login(*, request: HttpRequest, **_: Any) -> None:
    """Note that somebody has signed in with a password, just now."""
    request.session[PROVED_AT] = clock.now().timestamp()


def mark_authenticated(request: HttpRequest, *, factor: int | None = None) -> None:
    """Note that the person proved who they are; `factor` is that of the second factor that they used, if any."""
    request.session[PROVED_AT] = clock.now().timestamp()
    if factor is not None:
        request.session[FACTOR] = factor


def require_recent_authentication(request: HttpRequest, user: User) -> bool:
    """Return whether a second factor stands behind the session.

    Raises ProofNeeded when the last proof is too old, or when the person has a second factor that this session has not
    seen. The clock may have been set back: a proof from the future proves nothing.
    """
    factor = mfa.get_mfa(user)
    verified = factor is not None and request.session.get(FACTOR) == factor.pk
    at = request.session.get(PROVED_AT)
    age = clock.now().timestamp() - at if isinstance(at, int | float) else None
    if age is None or not -60 <= age <= settings.REAUTHENTICATE_AFTER or (factor is not None and not verified):
        raise ReauthenticationRequired(code=factor is not None)
    return verified


def sign_out_everywhere(actor: Actor, user: User) -> None:
    """Sign the person out everywhere. They may do so themselves, and so may superusers. Raises Forbidden."""
    if actor.user is None or not (actor.user.pk == user.pk or actor.user.is_superuser):
        raise Forbidden("Only the person themselves, or a superuser, signs somebody out everywhere")
    with transaction.atomic():
        User.objects.filter(pk=user.pk).update(session_epoch=F("session_epoch") + 1)
        memberships.record(actor, "sign_out_everywhere", user)
    user.refresh_from_db(fields=["session_epoch"])
