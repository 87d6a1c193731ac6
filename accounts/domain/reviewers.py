"""The only source of Reviewer: approval requires a person in a session that was opened with a password."""

import hashlib
from collections.abc import Collection
from dataclasses import dataclass

from django.contrib.auth import BACKEND_SESSION_KEY
from django.http import HttpRequest

from accounts.domain import sessions
from accounts.domain.actors import Actor, user_actor
from accounts.exceptions import Forbidden
from accounts.models import Membership, Organization, User

PASSWORD_BACKEND = "django.contrib.auth.backends.ModelBackend"  # noqa: S105  a class path
_created_here = object()


@dataclass(frozen=True, slots=True)
class Reviewer:
    """A person who may approve posts of one organization during the current request.

    Only `get_reviewer` creates one. For the approval record: `session` is the SHA-256 of the session key, `verified`
    whether a two-factor code was verified in the session.
    """

    user: User
    membership: Membership
    organization: Organization
    session: str
    verified: bool
    origin: object

    def __post_init__(self) -> None:
        if self.origin is not _created_here:
            raise TypeError("Only accounts.domain.reviewers.get_reviewer creates a Reviewer")

    @property
    def actor(self) -> Actor:
        return user_actor(self.user)


class MfaRequired(Forbidden):
    """The organization requires two-factor authentication, and the user has not set it up."""

    def __init__(self) -> None:
        super().__init__("This organization requires two-factor authentication: set it up first, under “Profile”")


def can_review_channels(membership: Membership, channels: Collection[str]) -> bool:
    """Whether the member may review a post on these channels (public ids); all of them must be theirs."""
    return membership.may_review and (
        membership.review_channels is None or set(channels) <= set(membership.review_channels)
    )


def get_reviewer(request: HttpRequest, organization: Organization) -> Reviewer:
    """Return the reviewer who sent a POST of the admin.

    Raises Forbidden unless the request is a POST in a session, opened with a password, of an active member of the
    active `organization` who may review; API keys and tokens have no such session. Raises MfaRequired where the
    organization requires a device that the user does not have, and sessions.ReauthenticationRequired.
    """
    user = request.user
    session = getattr(request, "session", None)
    if request.method != "POST" or not isinstance(user, User) or not user.is_active or not user.is_staff:
        raise Forbidden("Only a person who is signed in to the admin can decide on a post")
    if session is None or not session.session_key or session.get(BACKEND_SESSION_KEY) != PASSWORD_BACKEND:
        raise Forbidden("Sign in with your password to decide on a post")
    membership = (
        Membership.objects.select_related("organization").filter(user=user, organization_id=organization.pk).first()
    )
    if membership is None or not membership.may_review:
        raise Forbidden("You do not have permission to approve posts in this organization")
    if not membership.organization.active:
        raise Forbidden("This organization is inactive")
    verified = sessions.require_recent_authentication(request, user)
    if membership.organization.require_mfa and not verified:
        raise MfaRequired
    session_hash = hashlib.sha256(session.session_key.encode()).hexdigest()
    return Reviewer(user, membership, membership.organization, session_hash, verified, _created_here)
