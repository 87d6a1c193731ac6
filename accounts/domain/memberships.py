"""Organizations, people and memberships: each change with its line in the trail.

Who may change what. Superusers make organizations and people. An ADMIN member sets their organization's `rules`, and
looks after its memberships, but never after their own: nobody raises themselves, and whoever is to review was made a
reviewer by somebody else, on record. Superusers alone could make themselves one, because somebody has to be the first;
that is on record as well. An organization that has an admin keeps one.
"""

import uuid
from collections.abc import Collection
from typing import Any

from django.db import transaction
from django.db.models import Model

from accounts.domain import audit_log
from accounts.domain.actors import Actor
from accounts.exceptions import Conflict, Forbidden, Invalid
from accounts.models import Invitation, Membership, Organization, Role, User

# Where the trail keeps what happens to people who belong to no organization.
NO_ORGANIZATION_ID = uuid.UUID(int=0)
# What the trail quotes; of a password it only says that it changed.
QUOTED: dict[type[Model], tuple[str, ...]] = {
    Organization: (
        "name", "active", "allow_self_approval", "second_approver", "require_mfa", "require_full_signature",
    ),
    Membership: ("organization_id", "user_id", "role", "may_review", "review_channels"),
    User: ("username", "first_name", "last_name", "email", "time_zone", "is_active", "is_staff", "is_superuser"),
}  # fmt: skip


def save(actor: Actor, thing: Organization | Membership | User, *, password: bool = False) -> None:
    """Store a new or changed organization, membership or person, and record what changed.

    `password` says that a person's password was set. Raises Forbidden unless the actor is a superuser, or changes
    somebody else's membership in an organization that they administer; Invalid for channels that are not the
    organization's; Conflict when it would be left without an admin.
    """
    with transaction.atomic():
        known = None if thing._state.adding else _stored(thing)
        if isinstance(thing, Membership):
            _may_change(actor, thing, known if isinstance(known, Membership) else None)
            check_channels(thing.organization, thing.review_channels)
        else:
            _only_superusers(actor)
        before = _quoted(known) if known is not None else {}
        thing.save()
        after = _quoted(thing)
        changed = {name: [before.get(name), after[name]] for name in after if before.get(name) != after[name]}
        if changed or password:
            verb = "create" if known is None else "change"
            record(actor, verb, thing, changed=changed, **({"password": "set"} if password else {}))


def remove(actor: Actor, membership: Membership) -> None:
    """End a membership. What the person did stays theirs, and what they approved does not go out any more.

    Raises Forbidden and Conflict as `save` does.
    """
    with transaction.atomic():
        known = _stored(membership)
        if not isinstance(known, Membership):
            raise Conflict("This membership has ended already")
        _may_change(actor, membership, known, ends=True)
        record(actor, "remove", membership, was=_quoted(known))
        membership.delete()


def is_admin_of(user: User | None, organization_id: uuid.UUID) -> bool:
    """Whether the person looks after the memberships of the organization: its ADMIN members and superusers do."""
    if user is None or not user.is_active:
        return False
    mine = Membership.objects.filter(user=user, organization_id=organization_id, role=Role.ADMIN)
    return user.is_superuser or mine.exists()


def check_channels(organization: Organization, channels: Collection[str] | None) -> None:
    """Raise Invalid unless each of the ids is that of a channel of the organization; None stands for all of them."""
    if channels is None:
        return
    if not isinstance(channels, list):
        raise Invalid("Name the channels in a list, or none for all of them")
    known = set(organization.channels.values_list("public_id", flat=True))
    if unknown := [channel for channel in channels if channel not in known]:
        raise Invalid(f"{organization} has no channel {unknown[0]}")


def record(actor: Actor, verb: str, thing: Organization | Membership | Invitation | User, **details: Any) -> None:
    """Append an event to the trail of each organization that the thing belongs to."""
    kind = thing._meta.model_name  # the person of a request is a lazy object of another type
    for organization_id in _organizations(thing):
        audit_log.record(
            actor, f"{kind}.{verb}", organization_id=organization_id, subject=f"{kind}:{thing.pk}", **details
        )


def _may_change(actor: Actor, membership: Membership, known: Membership | None, *, ends: bool = False) -> None:
    # The row of the organization is locked, so that two admins cannot demote each other at the same time.
    organization = Organization.objects.select_for_update().get(pk=membership.organization_id)
    if not (actor.user and actor.user.is_superuser):
        if not is_admin_of(actor.user, organization.pk):
            raise Forbidden("Only an administrator of the organization manages its members")
        if known is None:
            raise Forbidden("Administrators invite people; they do not add them")
        if (known.organization_id, known.user_id) != (membership.organization_id, membership.user_id):
            raise Forbidden("A membership never moves to another person or organization")
        if actor.user is None or known.user_id == actor.user.pk:
            raise Forbidden("Nobody changes their own membership: another administrator does")
    if known is not None and known.role == Role.ADMIN and (ends or membership.role != Role.ADMIN):
        admins = Membership.objects.filter(organization=organization, role=Role.ADMIN, user__is_active=True)
        if not admins.exclude(pk=known.pk).exists():
            raise Conflict(f"{organization} needs an administrator: make another member one first")


def _stored(thing: Model) -> Model | None:
    return type(thing)._default_manager.filter(pk=thing.pk).first()


def _only_superusers(actor: Actor) -> None:
    if actor.user is None or not actor.user.is_superuser:
        raise Forbidden("Only superusers manage organizations and people")


def _quoted(thing: Model) -> dict[str, Any]:
    values = {name: getattr(thing, name) for name in QUOTED[type(thing)]}
    return {name: str(value) if isinstance(value, uuid.UUID) else value for name, value in values.items()}


def _organizations(thing: Organization | Membership | Invitation | User) -> list[uuid.UUID]:
    if isinstance(thing, Organization):
        return [thing.pk]
    if isinstance(thing, User):
        return list(thing.memberships.order_by("organization_id").values_list("organization_id", flat=True)) or [
            NO_ORGANIZATION_ID
        ]
    return [thing.organization_id]
