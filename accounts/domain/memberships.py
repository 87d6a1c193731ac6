"""Changes to organizations, users and memberships, each recorded in the audit log.

Superusers create organizations and users, and may change every membership, their own included, because the first member
must come from outside; that is recorded like any other change. An ADMIN member changes the settings of the
organization and the memberships of the others, never their own: a reviewer is always appointed by another person.
An organization that has an admin keeps at least one.
"""

import uuid
from collections.abc import Collection
from typing import Any
from zoneinfo import available_timezones

from django.db import transaction
from django.db.models import Model, QuerySet

from accounts.domain import audit_log
from accounts.domain.actors import Actor
from accounts.exceptions import Conflict, Forbidden, Invalid
from accounts.models import Invitation, Membership, Organization, Role, User

# The organization id of events about users without a membership.
NO_ORGANIZATION_ID = uuid.UUID(int=0)
# The columns that an event contains. Of a password it only records that it was set.
RECORDED_COLUMNS: dict[type[Model], tuple[str, ...]] = {
    Organization: (
        "name", "active", "allow_self_approval", "second_approver", "require_mfa", "require_full_signature",
        "reviewers_may_correct", "require_if_match", "time_zone",
    ),
    Membership: ("organization_id", "user_id", "role", "may_review", "review_channels"),
    User: ("username", "first_name", "last_name", "email", "time_zone", "is_active", "is_staff", "is_superuser"),
}  # fmt: skip


def save(actor: Actor, instance: Organization | Membership | User, *, password: bool = False) -> None:
    """Store a new or changed organization, membership or user, and record what changed.

    `password`: a user's password was set. For a membership, locks the organization. Raises Forbidden unless the actor
    is a superuser, or changes another user's membership in an organization that they administer; Invalid for channels
    of another organization; Conflict when the organization would be left without an admin.
    """
    with transaction.atomic():
        rows: QuerySet[Any] = type(instance)._default_manager.all()
        stored = None if instance._state.adding else rows.filter(pk=instance.pk).first()
        if isinstance(instance, Membership):
            _check_may_change(actor, instance, stored)
            check_channels(instance.organization, instance.review_channels)
        elif actor.user is None or not actor.user.is_superuser:
            raise Forbidden("Only superusers can manage organizations and users")
        before = _recorded_values(stored) if stored is not None else {}
        instance.save()
        after = _recorded_values(instance)
        changed = {name: [before.get(name), after[name]] for name in after if before.get(name) != after[name]}
        if changed or password:
            verb = "create" if stored is None else "change"
            record(actor, verb, instance, changed=changed, **({"password": "set"} if password else {}))
        if isinstance(instance, Membership) and stored is None:
            _take_time_zone(actor, instance)


def _take_time_zone(actor: Actor, membership: Membership) -> None:
    """Give the user of a first membership the organization's time zone, unless they have another one than UTC."""
    user, zone = membership.user, membership.organization.time_zone
    if user.time_zone != "UTC" or zone == "UTC" or user.memberships.exclude(pk=membership.pk).exists():
        return
    User.objects.filter(pk=user.pk).update(time_zone=zone)
    record(actor, "change", user, changed={"time_zone": ["UTC", zone]})


def remove(actor: Actor, membership: Membership) -> None:
    """Delete a membership; approvals of unpublished posts lose their effect. Locks and raises as `save` does."""
    with transaction.atomic():
        stored = Membership.objects.filter(pk=membership.pk).first()
        if stored is None:
            raise Conflict("This member has already been removed")
        _check_may_change(actor, membership, stored, removal=True)
        record(actor, "remove", membership, was=_recorded_values(stored))
        membership.delete()


def set_time_zone(actor: Actor, owner: Organization | User, name: str) -> bool:
    """Set the actor's own time zone, or the default of an organization; return whether it changed.

    Locks the row. Raises Invalid for an unknown zone, Forbidden for another user, and for an organization that the
    actor does not administer.
    """
    own = isinstance(owner, User) and actor.user is not None and actor.user.pk == owner.pk
    if not own and not (isinstance(owner, Organization) and is_admin_of(actor.user, owner.pk)):
        raise Forbidden("You do not have permission to change this time zone")
    if name not in available_timezones():
        raise Invalid("Unknown time zone")
    model: Any = Organization if isinstance(owner, Organization) else User  # `request.user` is of another type
    rows = model.objects.all()
    with transaction.atomic():
        stored = rows.select_for_update().get(pk=owner.pk)
        before = stored.time_zone
        if before == name:
            return False
        rows.filter(pk=owner.pk).update(time_zone=name)
        record(actor, "change", stored, changed={"time_zone": [before, name]})
    return True


def is_admin_of(user: User | None, organization_id: uuid.UUID) -> bool:
    """Whether the user is active, and a superuser or an ADMIN member of the organization."""
    if user is None or not user.is_active:
        return False
    mine = Membership.objects.filter(user=user, organization_id=organization_id, role=Role.ADMIN)
    return user.is_superuser or mine.exists()


def may_recover(actor: Actor, user: User) -> bool:
    """Whether the actor may reset the user's second factor, password and sessions: see account_recovery."""
    if actor.user is None or not actor.user.is_active:
        return False
    if actor.user.is_superuser or actor.user.pk == user.pk:
        return True
    organizations = list(user.memberships.values_list("organization_id", flat=True))
    return not user.is_superuser and len(organizations) == 1 and is_admin_of(actor.user, organizations[0])


def check_channels(organization: Organization, channels: Collection[str] | None) -> None:
    """Raise Invalid unless `channels` is None (all) or public ids of the organization's channels."""
    if channels is None:
        return
    known = set(organization.channels.values_list("public_id", flat=True))
    if unknown := [channel for channel in channels if channel not in known]:
        raise Invalid(f"{organization} has no channel {unknown[0]}")


def record(actor: Actor, verb: str, instance: Organization | Membership | Invitation | User, **details: Any) -> None:
    """Append an event to the audit log of each organization that the instance belongs to."""
    kind = instance._meta.model_name  # not the class: `request.user` is a lazy object of another type
    for organization_id in _organizations(instance):
        audit_log.record(
            actor, f"{kind}.{verb}", organization_id=organization_id, subject=f"{kind}:{instance.pk}", **details
        )


def record_creation(actor: Actor, instance: Organization | Membership | User) -> None:
    """Record what the operator created, with its columns, as `save` does for a superuser."""
    changed = {name: [None, value] for name, value in _recorded_values(instance).items()}
    record(actor, "create", instance, changed=changed, **({"password": "set"} if isinstance(instance, User) else {}))


def _check_may_change(
    actor: Actor, membership: Membership, stored: Membership | None, *, removal: bool = False
) -> None:
    # The organization's row is locked, so that two admins cannot demote each other at the same time.
    organization = Organization.objects.select_for_update().get(pk=membership.organization_id)
    if not (actor.user and actor.user.is_superuser):
        if not is_admin_of(actor.user, organization.pk):
            raise Forbidden("Only administrators of the organization can manage its members")
        if stored is None:
            raise Forbidden("Administrators cannot add people; they can invite them")
        if (stored.organization_id, stored.user_id) != (membership.organization_id, membership.user_id):
            raise Forbidden("A membership cannot move to another user or organization")
        if actor.user is None or stored.user_id == actor.user.pk:
            raise Forbidden("You cannot change your own membership; ask another administrator")
    if stored is not None and stored.role == Role.ADMIN and (removal or membership.role != Role.ADMIN):
        admins = Membership.objects.filter(organization=organization, role=Role.ADMIN, user__is_active=True)
        if not admins.exclude(pk=stored.pk).exists():
            raise Conflict(f"{organization} needs an administrator: appoint another one first")


def _recorded_values(instance: Model) -> dict[str, Any]:
    values = {name: getattr(instance, name) for name in RECORDED_COLUMNS[type(instance)]}
    return {name: str(value) if isinstance(value, uuid.UUID) else value for name, value in values.items()}


def _organizations(instance: Organization | Membership | Invitation | User) -> list[uuid.UUID]:
    if isinstance(instance, Organization):
        return [instance.pk]
    if isinstance(instance, User):
        ids = instance.memberships.order_by("organization_id").values_list("organization_id", flat=True)
        return list(ids) or [NO_ORGANIZATION_ID]
    return [instance.organization_id]
