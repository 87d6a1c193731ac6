"""An organization's rules: how its posts are approved, and how its API is signed. Its administrators change them."""

from collections.abc import Mapping

from django.db import transaction

from accounts.domain import memberships
from accounts.domain.actors import Actor
from accounts.domain.reviewers import MfaRequired
from accounts.exceptions import Conflict, Forbidden, Invalid
from accounts.models import Organization

# What each says when it is off, and when it is on.
RULES = {
    "second_approver": (
        "One reviewer's approval is enough.",
        "Two different reviewers have to approve the same content.",
    ),
    "require_mfa": (
        "Reviewers need no second factor to decide.",
        "Reviewers need a second factor to decide on a post, and administrators to change these rules.",
    ),
    "allow_self_approval": (
        "Nobody approves what they wrote themselves.",
        "Reviewers may approve what they wrote themselves.",
    ),
    "require_full_signature": (
        "API requests may carry the signature that covers the date alone.",
        "API requests must carry the signature that covers method, path and body.",
    ),
}


def get_policy(organization: Organization) -> dict[str, bool]:
    """Return the rules as they are."""
    return {name: bool(getattr(organization, name)) for name in RULES}


def describe(rules: Mapping[str, bool]) -> list[str]:
    """Return a sentence for each rule."""
    return [RULES[name][on] for name, on in rules.items() if name in RULES]


def update_policy(
    actor: Actor,
    organization: Organization,
    *,
    wanted: Mapping[str, bool],
    known: Mapping[str, bool],
    verified: bool,
) -> dict[str, bool]:
    """Set the rules that are `wanted`, and return those that this changed. The trail, and so a notice, says which.

    `known` are the rules that the page showed, `verified` says whether a second factor stands behind the session: where
    the organization demands one of its reviewers, nobody takes that back with a password alone. Raises Forbidden unless
    the actor administers this very organization, FactorMissing, Conflict when somebody else has changed them meanwhile.
    """
    if set(wanted) - set(RULES):
        raise Invalid("There is no such rule")
    with transaction.atomic():
        stored = Organization.objects.select_for_update().get(pk=organization.pk)
        if not memberships.is_admin_of(actor.user, stored.pk):
            raise Forbidden("Only an administrator of the organization changes its rules")
        if stored.require_mfa and not verified:
            raise MfaRequired
        if get_policy(stored) != dict(known):
            raise Conflict("Somebody else has changed the rules meanwhile: look at them again")
        changed = {name: on for name, on in wanted.items() if getattr(stored, name) != on}
        for name, on in changed.items():
            setattr(stored, name, on)
        if changed:
            stored.save(update_fields=list(changed))
            said = {name: [not on, on] for name, on in changed.items()}
            memberships.record(actor, "change", stored, changed=said)
    return changed
