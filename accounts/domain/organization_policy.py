"""The settings of an organization: how posts are approved, and how API requests are signed."""

from collections.abc import Mapping

from django.db import transaction

from accounts.domain import memberships
from accounts.domain.actors import Actor
from accounts.domain.reviewers import MfaRequired
from accounts.exceptions import Conflict, Forbidden
from accounts.models import Organization

# By column of Organization: the sentence when it is off, and when it is on.
RULES = {
    "second_approver": (
        "The approval of one reviewer is enough.",
        "Two different reviewers have to approve the same content.",
    ),
    "require_mfa": (
        "Reviewers do not need two-factor authentication.",
        "Reviewers need two-factor authentication to decide on a post, and administrators to change these settings.",
    ),
    "allow_self_approval": (
        "Reviewers cannot approve what they wrote themselves.",
        "Reviewers can approve what they wrote themselves.",
    ),
    "require_full_signature": (
        "API requests may carry the signature that covers only the date.",
        "API requests must carry the signature that covers method, path and body.",
    ),
    "reviewers_may_correct": (
        "Reviewers cannot change the captions that they approve.",
        "Reviewers can correct the captions of a waiting post together with their approval.",
    ),
    "require_if_match": (
        "API requests can change a post without naming the version that they have read.",
        "API requests must name the version of a post that a person edited last.",
    ),
}


def get_policy(organization: Organization) -> dict[str, bool]:
    return {name: bool(getattr(organization, name)) for name in RULES}


def describe(policy: Mapping[str, bool]) -> list[str]:
    return [RULES[name][1 if on else 0] for name, on in policy.items() if name in RULES]


def update_policy(
    actor: Actor, organization: Organization, *, wanted: Mapping[str, bool], known: Mapping[str, bool], verified: bool
) -> dict[str, bool]:
    """Set the `wanted` rules and return those that changed. Locks the organization; the audit event notifies members.

    `known` are the rules that the page displayed; `verified`: a two-factor code was verified in the session. Raises
    Forbidden unless the actor administers the organization, MfaRequired when the organization requires two-factor
    authentication and `verified` is false (a password alone must not turn that off), Conflict when `known` is out of
    date.
    """
    with transaction.atomic():
        stored = Organization.objects.select_for_update().get(pk=organization.pk)
        if not memberships.is_admin_of(actor.user, stored.pk):
            raise Forbidden("Only administrators of the organization can change its settings")
        if stored.require_mfa and not verified:
            raise MfaRequired
        if get_policy(stored) != dict(known):
            raise Conflict("Another administrator has changed these settings: review them again")
        changed = {name: on for name, on in wanted.items() if getattr(stored, name) != on}
        if changed:
            Organization.objects.filter(pk=stored.pk).update(**changed)
            memberships.record(actor, "change", stored, changed={name: [not on, on] for name, on in changed.items()})
    return changed
