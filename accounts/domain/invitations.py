"""Invitations: an admin invites an e-mail address; the link works once and expires.

An invitation is valid only while the user who sent it still administers the organization.
"""

import logging
from datetime import timedelta
from zoneinfo import available_timezones

from django.conf import settings
from django.core import signing
from django.core.exceptions import ValidationError
from django.core.mail import send_mail
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from accounts import clock
from accounts.domain import memberships
from accounts.domain.actors import Actor, user_actor
from accounts.exceptions import Conflict, Forbidden, Invalid
from accounts.models import Invitation, Membership, Organization, Role, User

log = logging.getLogger(__name__)
SALT = "accounts.invitation"
MAILED_SALT = "accounts.invitation.mailed"
CONSOLE = "django.core.mail.backends.console.EmailBackend"
INVALID_LINK = "This invitation is invalid or has expired. Ask for a new one."


def invite(
    actor: Actor,
    *,
    organization: Organization,
    email: str,
    role: str,
    may_review: bool = False,
    review_channels: list[str] | None = None,
) -> tuple[Invitation, str]:
    """Create an invitation and return it with the token of a link, which is not stored and proves no mailbox.

    Revokes an open invitation to the same address. Raises Forbidden unless the actor administers the organization,
    Invalid for a wrong address, role or channel, Conflict for a member or a concurrent invitation.
    """
    if actor.user is None or not memberships.is_admin_of(actor.user, organization.pk):
        raise Forbidden("Only administrators of the organization can invite people")
    email = email.strip().lower()
    try:
        validate_email(email)
    except ValidationError:
        raise Invalid("Invalid e-mail address") from None
    if role not in Role.values:
        raise Invalid("Unknown role")
    memberships.check_channels(organization, review_channels)
    if Membership.objects.filter(organization=organization, user__email__iexact=email).exists():
        raise Conflict(f"{email} is already a member of {organization}")
    invitation = Invitation(
        organization=organization,
        email=email,
        role=role,
        may_review=may_review,
        review_channels=review_channels,
        invited_by=actor.user,
        expires_at=clock.now() + timedelta(seconds=settings.INVITATION_LIFE),
    )
    try:
        with transaction.atomic():
            _open().filter(organization=organization, email=email).update(revoked_at=clock.now())
            invitation.save(force_insert=True)
            memberships.record(actor, "send", invitation, **_details(invitation))
    except IntegrityError:
        raise Conflict(f"Another user is inviting {email}") from None
    return invitation, signing.dumps(str(invitation.pk), salt=SALT)


def mailed_token(invitation: Invitation) -> str:
    """Return the token of the link that is only mailed: accepting with it proves the invited mailbox."""
    return signing.dumps(str(invitation.pk), salt=MAILED_SALT)


def send(invitation: Invitation, link: str) -> bool:
    """Mail the link; return whether the mail server accepted it. The invitation is valid in either case.

    Without a mail server nothing is written to the log instead, because the log would show the link.
    """
    if not settings.MAIL_GOES_OUT or settings.EMAIL_BACKEND == CONSOLE:
        return False
    sender = str(invitation.invited_by.get_full_name() or invitation.invited_by.get_username())
    until = f"{invitation.expires_at:%d %B %Y, %H:%M} UTC"
    text = (
        f"{sender} invites you to {invitation.organization} on Dynamo, where posts are approved before publishing.\n\n"
        f"{link}\n\nThe link works once, until {until}. If you did not expect this e-mail, ignore it.\n"
    )
    subject = " ".join(f"Your invitation to {invitation.organization}".split())
    try:
        return bool(send_mail(subject, text, None, [invitation.email]))
    except OSError as error:
        log.warning("could not send an invitation e-mail: %s", type(error).__name__)
        return False


def find(token: str) -> Invitation:
    """Return the open invitation of a link's token. Raises Invalid when it is forged, used, revoked or expired."""
    return _read(token)[0]


def _read(token: str) -> tuple[Invitation, bool]:
    """Return the invitation, and whether the token is the one that was only mailed."""
    life = timedelta(seconds=settings.INVITATION_LIFE)
    mailed = True
    try:
        pk = signing.loads(token, salt=MAILED_SALT, max_age=life)
    except signing.BadSignature:
        mailed = False
        try:
            pk = signing.loads(token, salt=SALT, max_age=life)
        except signing.BadSignature:
            raise Invalid(INVALID_LINK) from None
    valid = _open().filter(pk=pk, expires_at__gt=clock.now(), organization__active=True)
    invitation = valid.select_related("organization", "invited_by").first()
    if invitation is None or not memberships.is_admin_of(invitation.invited_by, invitation.organization_id):
        raise Invalid(INVALID_LINK)
    return invitation, mailed


def accept(token: str, user: User) -> Membership:
    """Accept the invitation for a user with the invited address. Raises Invalid, Forbidden, Conflict."""
    invitation, proved = _read(token)
    if user.email.lower() != invitation.email:
        raise Forbidden(f"This invitation is for {invitation.email}; you are signed in as {user.get_username()}")
    return _create_membership(invitation, user, proved=proved)


def accept_with_new_user(
    token: str, *, username: str, first_name: str, last_name: str, password: str, time_zone: str = ""
) -> Membership:
    """Create a user and accept the invitation; the caller has validated the password. Raises Invalid, Conflict.

    The organization's time zone replaces an unknown or blank `time_zone`.
    """
    invitation, proved = _read(token)
    if invitee_has_account(invitation):
        raise Conflict(f"{invitation.email} already has an account: sign in first")
    username = User.normalize_username(username)  # as Django's login form does
    user = User(username=username, first_name=first_name, last_name=last_name, email=invitation.email, is_staff=True)
    user.time_zone = time_zone if time_zone in available_timezones() else invitation.organization.time_zone
    user.set_password(password)
    try:
        with transaction.atomic():
            user.save(force_insert=True)
            return _create_membership(invitation, user, proved=proved, new=True)
    except IntegrityError:
        raise Conflict("This username is taken: choose another") from None


def invitee_has_account(invitation: Invitation) -> bool:
    return User.objects.filter(email__iexact=invitation.email).exists()


def revoke(actor: Actor, invitation: Invitation) -> None:
    """Revoke an open invitation. Raises Forbidden, Conflict."""
    if not memberships.is_admin_of(actor.user, invitation.organization_id):
        raise Forbidden("Only administrators of the organization can revoke invitations")
    with transaction.atomic():
        if not _open().filter(pk=invitation.pk).update(revoked_at=clock.now()):
            raise Conflict("This invitation was already used or revoked")
        memberships.record(actor, "revoke", invitation)


def _create_membership(invitation: Invitation, user: User, *, proved: bool, new: bool = False) -> Membership:
    """Mark the invitation as accepted and create the membership.

    `proved`: the user opened the link of the mail, so the mailbox is theirs; `new`: the account was created for it.
    """
    with transaction.atomic():
        now = clock.now()
        open_row = _open().filter(pk=invitation.pk, expires_at__gt=now)
        if not open_row.update(accepted_at=now, accepted_by=user):
            raise Conflict(INVALID_LINK)
        if proved:  # also for earlier invitations of the same user
            mine = Invitation.objects.filter(organization=invitation.organization, accepted_by=user)
            mine.filter(identity_confirmed_at=None).update(identity_confirmed_at=now)
        if Membership.objects.filter(organization=invitation.organization, user=user).exists():
            raise Conflict(f"You are already a member of {invitation.organization}")
        membership = Membership.objects.create(
            organization=invitation.organization,
            user=user,
            role=invitation.role,
            may_review=invitation.may_review,
            review_channels=invitation.review_channels,
        )
        details = {**_details(invitation), "user": user.pk, "new": new, "proved": proved}
        memberships.record(user_actor(user), "accept", invitation, **details)
    return membership


def _open() -> QuerySet[Invitation]:
    return Invitation.objects.filter(accepted_at=None, revoked_at=None)


def _details(invitation: Invitation) -> dict[str, object]:
    return {
        "email": invitation.email,
        "role": invitation.role,
        "may_review": invitation.may_review,
        "review_channels": invitation.review_channels,
        "invited_by": invitation.invited_by_id,
    }
