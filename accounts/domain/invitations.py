"""Invitations: an administrator asks somebody in by e-mail; the link works once, for that address, and not for ever.

An invitation is as good as the right of who gave it: when they administer the organization no longer, it is void.
"""

import logging
from datetime import timedelta

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
INVALID_LINK = "This link is not good, or not any more. Ask for a new invitation."


def invite(
    actor: Actor,
    *,
    organization: Organization,
    email: str,
    role: str,
    may_review: bool = False,
    review_channels: list[str] | None = None,
) -> tuple[Invitation, str]:
    """Ask whoever reads `email` to join; return the invitation and what its link carries, this once.

    It takes the place of an open one to the same address. Raises Forbidden unless the actor administers the
    organization, Invalid for no address, role or channel, Conflict for somebody who belongs to it already.
    """
    if actor.user is None or not memberships.is_admin_of(actor.user, organization.pk):
        raise Forbidden("Only an administrator of the organization invites people")
    email = email.strip().lower()
    try:
        validate_email(email)
    except ValidationError:
        raise Invalid("That is no e-mail address") from None
    if role not in Role.values:
        raise Invalid("There is no such role")
    memberships.check_channels(organization, review_channels)
    if Membership.objects.filter(organization=organization, user__email__iexact=email).exists():
        raise Conflict(f"{email} belongs to {organization} already")
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
            memberships.record(actor, "send", invitation, **_quoted(invitation))
    except IntegrityError:
        raise Conflict(f"Somebody else is inviting {email} at this moment") from None
    return invitation, signing.dumps(str(invitation.pk), salt=SALT)


def send(invitation: Invitation, link: str) -> bool:
    """Mail the link; return whether the mail server took it. The invitation stands either way."""
    host = str(invitation.invited_by.get_full_name() or invitation.invited_by.get_username())
    until = f"{invitation.expires_at:%d %B %Y, %H:%M} UTC"
    text = (
        f"{host} invites you to {invitation.organization} on Dynamo, where posts wait for people to approve them.\n\n"
        f"{link}\n\nThe link works once, until {until}. If you do not expect it, leave it alone.\n"
    )
    subject = " ".join(f"Your invitation to {invitation.organization}".split())
    try:
        return bool(send_mail(subject, text, None, [invitation.email]))
    except OSError as error:
        log.warning("an invitation was not mailed: %s", type(error).__name__)
        return False


def find(token: str) -> Invitation:
    """Return the open invitation that a link carries. Raises Invalid for one that is forged, used, withdrawn or old."""
    try:
        pk = signing.loads(token, salt=SALT, max_age=timedelta(seconds=settings.INVITATION_LIFE))
    except signing.BadSignature:
        raise Invalid(INVALID_LINK) from None
    found = _open().filter(pk=pk, expires_at__gt=clock.now(), organization__active=True)
    invitation = found.select_related("organization", "invited_by").first()
    if invitation is None or not memberships.is_admin_of(invitation.invited_by, invitation.organization_id):
        raise Invalid(INVALID_LINK)
    return invitation


def accept(token: str, user: User) -> Membership:
    """Take the invitation as somebody who has an account, whose address must be the invited one.

    Raises Invalid, Forbidden, Conflict.
    """
    invitation = find(token)
    if user.email.lower() != invitation.email:
        raise Forbidden(f"This invitation is for {invitation.email}; you are signed in as {user.get_username()}")
    return _take(invitation, user)


def accept_with_new_user(token: str, *, username: str, first_name: str, last_name: str, password: str) -> Membership:
    """Take the invitation with a new account; the password has been validated. Raises Invalid, Conflict."""
    invitation = find(token)
    if invitee_has_account(invitation):
        raise Conflict(f"{invitation.email} has an account already: sign in first")
    username = User.normalize_username(username)  # as signing in does
    user = User(username=username, first_name=first_name, last_name=last_name, email=invitation.email, is_staff=True)
    user.set_password(password)
    try:
        with transaction.atomic():
            user.save(force_insert=True)
            return _take(invitation, user, new=True)
    except IntegrityError:
        raise Conflict("That name is taken: choose another") from None


def invitee_has_account(invitation: Invitation) -> bool:
    """Whether somebody with the invited address has an account."""
    return User.objects.filter(email__iexact=invitation.email).exists()


def revoke(actor: Actor, invitation: Invitation) -> None:
    """Withdraw an invitation. Raises Forbidden, or Conflict when it was used or withdrawn already."""
    if not memberships.is_admin_of(actor.user, invitation.organization_id):
        raise Forbidden("Only an administrator of the organization withdraws invitations")
    with transaction.atomic():
        if not _open().filter(pk=invitation.pk).update(revoked_at=clock.now()):
            raise Conflict("This invitation was used or withdrawn already")
        memberships.record(actor, "revoke", invitation)


def _take(invitation: Invitation, user: User, *, new: bool = False) -> Membership:
    with transaction.atomic():
        if not _open().filter(pk=invitation.pk, expires_at__gt=clock.now()).update(accepted_at=clock.now()):
            raise Conflict(INVALID_LINK)
        if Membership.objects.filter(organization=invitation.organization, user=user).exists():
            raise Conflict(f"You belong to {invitation.organization} already")
        membership = Membership.objects.create(
            organization=invitation.organization,
            user=user,
            role=invitation.role,
            may_review=invitation.may_review,
            review_channels=invitation.review_channels,
        )
        memberships.record(user_actor(user), "accept", invitation, **_quoted(invitation), user=user.pk, new=new)
    return membership


def _open() -> QuerySet[Invitation]:
    return Invitation.objects.filter(accepted_at=None, revoked_at=None)


def _quoted(invitation: Invitation) -> dict[str, object]:
    return {
        "email": invitation.email,
        "role": invitation.role,
        "may_review": invitation.may_review,
        "review_channels": invitation.review_channels,
        "invited_by": invitation.invited_by_id,
    }
