"""Human-only by construction: the one place where a Reviewer comes from."""

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
_seal = object()


@dataclass(frozen=True, slots=True)
class Reviewer:
    """A person who may approve in one organization, signed in with a password, at this moment.

    Only `reviewer_of` makes one. For the record: `session` is the SHA-256 of the session's key, `verified` whether a
    second factor stands behind it.
    """

    user: User
    membership: Membership
    organization: Organization
    session: str
    verified: bool
    proof: object

    def __post_init__(self) -> None:
        if self.proof is not _seal:
            raise TypeError("A Reviewer comes out of a person's session: accounts.domain.reviewers.reviewer_of")

    @property
    def actor(self) -> Actor:
        """The reviewer as the trail names them."""
        return user_actor(self.user)


class MfaRequired(Forbidden):
    """The organization wants its reviewers to have a second factor, and this person has set none up."""

    def __init__(self) -> None:
        super().__init__("This organization wants a second factor of its reviewers: set one up first, under “You”")


def can_review_channels(membership: Membership, channels: Collection[str]) -> bool:
    """Whether the member may review what goes to these channels, named by their ids: all of them must be theirs."""
    return membership.may_review and (
        membership.review_channels is None or set(channels) <= set(membership.review_channels)
    )


def get_reviewer(request: HttpRequest, organization: Organization) -> Reviewer:
    """Return the reviewer behind a POST of the desk.

    Raises Forbidden unless the request is a POST within an interactive session, opened with a password, of an
    active member of the active `organization` who may review. Nothing that carries a key or a token has such a session.
    Raises FactorMissing where the organization wants a second factor that the person does not have, and
    sessions.ProofNeeded when it is long ago that the person proved who they are: they are asked then, and go on.
    """
    user = request.user
    session = getattr(request, "session", None)
    if request.method != "POST" or not isinstance(user, User) or not user.is_active or not user.is_staff:
        raise Forbidden("Only a person who is signed in to the desk can decide on a post")
    if session is None or not session.session_key or session.get(BACKEND_SESSION_KEY) != PASSWORD_BACKEND:
        raise Forbidden("Sign in with your password to decide on a post")
    membership = (
        Membership.objects.select_related("organization").filter(user=user, organization_id=organization.pk).first()
    )
    if membership is None or not membership.may_review:
        raise Forbidden("You may not review posts in this organization")
    if not membership.organization.active:
        raise Forbidden("This organization is inactive")
    verified = sessions.require_recent_authentication(request, user)
    if membership.organization.require_mfa and not verified:
        raise MfaRequired
    key = hashlib.sha256(session.session_key.encode()).hexdigest()
    return Reviewer(user, membership, membership.organization, key, verified, _seal)
