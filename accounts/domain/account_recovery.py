"""Forgotten passwords, and what an administrator can do for a colleague who cannot sign in.

A password is only ever set by its owner, behind a link that is mailed to the address of the account: an administrator
who learned or chose it could approve posts as that person. Second factor, password and sessions are reset by the
person, by a superuser, or by an ADMIN of the only organization that the person belongs to. Superusers and members of
several organizations are left to superusers, because an ADMIN must gain nothing in another organization.
"""

import logging

from axes.utils import reset as reset_lockout
from celery import current_app
from django.conf import settings
from django.contrib.auth.tokens import default_token_generator
from django.core.mail import send_mail
from django.db import transaction
from django.db.models import QuerySet
from django.urls import reverse
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_decode, urlsafe_base64_encode
from kombu.exceptions import OperationalError

from accounts.domain import memberships, mfa, sessions
from accounts.domain.actors import Actor, user_actor
from accounts.domain.reviewers import MfaRequired
from accounts.exceptions import Conflict, Forbidden, Invalid
from accounts.models import Membership, User

log = logging.getLogger(__name__)
INVALID_LINK = "This link is invalid or has expired. Ask for a new one."


def users_with_email(email: str) -> QuerySet[User]:
    """Return the active users with this address who may sign in to the admin."""
    return User.objects.filter(email__iexact=email.strip(), is_active=True, is_staff=True).exclude(email="")


def request_password_reset(email: str) -> None:
    """Enqueue the mail to each account with this address.

    The same work is done when there is none, and the mail is sent by a worker, so that neither the response nor its
    time reveals whether the address exists. Without a broker no mail is sent.
    """
    ids = list(users_with_email(email).order_by("pk").values_list("pk", flat=True)[:5])

    def send() -> None:
        try:
            current_app.send_task("accounts.send_password_reset", args=[ids], retry=False)
        except (OperationalError, OSError) as error:
            log.warning("could not enqueue a password reset: %s", type(error).__name__)

    transaction.on_commit(send)


def send_password_link(user: User, *, asked_by: str = "") -> bool:
    """Mail the link that sets a new password; return whether the mail server accepted it.

    The link works once, for PASSWORD_RESET_TIMEOUT. `asked_by` is the administrator who reset the password.
    """
    uid = urlsafe_base64_encode(force_bytes(user.pk))
    path = reverse("admin_password_reset_confirm", args=[uid, default_token_generator.make_token(user)])
    minutes = settings.PASSWORD_RESET_TIMEOUT // 60
    reason = (
        f"{asked_by} has reset the password of your Dynamo account. The old one no longer works."
        if asked_by
        else "Someone asked for a new password for your Dynamo account. If it was not you, ignore this e-mail."
    )
    text = (
        f"{reason}\n\nYour username is {user.get_username()}. Choose a new password here:\n\n{settings.ADMIN_URL}{path}"
        f"\n\nThe link works once, for {minutes} minutes.\n"
    )
    return _send(user, "Set a new password", text)


def user_of_link(uid: str, token: str) -> User:
    """Return the user of a link. Raises Invalid when it is forged, used or expired."""
    try:
        pk = int(urlsafe_base64_decode(uid).decode("ascii"))
        user = User.objects.filter(pk=pk, is_active=True, is_staff=True).first()
    except (ValueError, OverflowError):
        user = None
    if user is None or not default_token_generator.check_token(user, token):
        raise Invalid(INVALID_LINK)
    return user


def set_password(uid: str, token: str, password: str) -> User:
    """Set the password, which ends all sessions and the link, and end a lockout of the login. Raises Invalid.

    The caller has validated the password. A second factor stays in force. Locks the user.
    """
    with transaction.atomic():
        user = User.objects.select_for_update().get(pk=user_of_link(uid, token).pk)
        if not default_token_generator.check_token(user, token):  # used by a concurrent request
            raise Invalid(INVALID_LINK)
        user.set_password(password)
        user.save(update_fields=["password"])
        memberships.record(user_actor(user), "change", user, changed={}, password="set by an e-mailed link")  # noqa: S106  not one
    reset_lockout(username=user.get_username())
    _send(user, "Your password was changed", "The password of your Dynamo account was changed by an e-mailed link.\n")
    return user


def reset_account(
    actor: Actor, membership: Membership, *, verified: bool, sign_out: bool, reset_mfa: bool, reset_password: bool
) -> bool:
    """Reset what is asked of a colleague's account and mail them; return whether the mail server accepted the mail.

    `verified`: a two-factor code was verified in the actor's session. Locks the user. Raises Forbidden unless
    `memberships.may_recover`; MfaRequired when the organization requires two-factor authentication and `verified` is
    false; Conflict without a device to remove, or without an address or mail server for the new password.
    """
    user = membership.user
    if not memberships.may_recover(actor, user) or (actor.user and actor.user.pk == user.pk):
        raise Forbidden("Only a superuser can reset this account")
    if membership.organization.require_mfa and not verified:
        raise MfaRequired
    if reset_password and not (user.email and settings.MAIL_GOES_OUT):
        raise Conflict("The new password is set by a link in an e-mail, and none can be sent to this person")
    done = []
    with transaction.atomic():
        user = User.objects.select_for_update().get(pk=user.pk)
        if reset_mfa:
            mfa.remove(actor, user)
            done.append("reset your two-factor authentication: set it up again under Profile")
        if reset_password:
            user.set_unusable_password()  # ends all sessions
            user.save(update_fields=["password"])
            memberships.record(actor, "change", user, changed={}, password="reset")  # noqa: S106  not one
        if sign_out and not reset_password:
            sessions.sign_out_everywhere(actor, user)
            done.append("ended all your sessions")
    sent = True
    if done:
        text = f"{actor.name} has {' and '.join(done)}.\n\nIf you did not ask for this, tell another administrator.\n"
        sent = _send(user, "Your account was reset", text)
    return (not reset_password or send_password_link(user, asked_by=actor.name)) and sent


def _send(user: User, subject: str, text: str) -> bool:
    if not user.email or not settings.MAIL_GOES_OUT:
        return False
    try:
        return bool(send_mail(f"Dynamo: {subject}", text, None, [user.email]))
    except OSError as error:  # of which SMTPException is one
        log.warning("could not send an e-mail about an account: %s", type(error).__name__)
        return False
