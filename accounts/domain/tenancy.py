"""Organizations, people and memberships: each change with its line in the trail."""

import uuid
from typing import Any

from django.db import transaction
from django.db.models import Model

from accounts.domain import trail
from accounts.domain.actors import Actor
from accounts.errors import Forbidden
from accounts.models import Membership, Organization, User

# Where the trail keeps what happens to people who belong to no organization.
NOWHERE = uuid.UUID(int=0)
# What the trail quotes; of a password it only says that it changed.
QUOTED: dict[type[Model], tuple[str, ...]] = {
    Organization: ("name", "active", "allow_self_approval", "require_full_signature"),
    Membership: ("organization_id", "user_id", "role", "may_review"),
    User: ("username", "first_name", "last_name", "email", "time_zone", "is_active", "is_staff", "is_superuser"),
}


def save(actor: Actor, thing: Organization | Membership | User, *, password: bool = False) -> None:
    """Store a new or changed organization, membership or person, and record what changed.

    `password` says that a person's password was set. Raises Forbidden unless the actor is a superuser.
    """
    _only_superusers(actor)
    with transaction.atomic():
        known = None if thing._state.adding else _stored(thing)
        before = _quoted(known) if known is not None else {}
        thing.save()
        after = _quoted(thing)
        changed = {name: [before.get(name), after[name]] for name in after if before.get(name) != after[name]}
        if changed or password:
            verb = "create" if known is None else "change"
            _record(actor, verb, thing, changed=changed, **({"password": "set"} if password else {}))


def remove(actor: Actor, membership: Membership) -> None:
    """End a membership. What the person did stays theirs. Raises Forbidden unless the actor is a superuser."""
    _only_superusers(actor)
    with transaction.atomic():
        _record(actor, "remove", membership, was=_quoted(membership))
        membership.delete()


def _stored(thing: Model) -> Model | None:
    return type(thing)._default_manager.filter(pk=thing.pk).first()


def _only_superusers(actor: Actor) -> None:
    if actor.user is None or not actor.user.is_superuser:
        raise Forbidden("Only superusers manage organizations and people")


def _quoted(thing: Model) -> dict[str, Any]:
    values = {name: getattr(thing, name) for name in QUOTED[type(thing)]}
    return {name: str(value) if isinstance(value, uuid.UUID) else value for name, value in values.items()}


def _record(actor: Actor, verb: str, thing: Organization | Membership | User, **details: Any) -> None:
    kind = type(thing).__name__.lower()
    for organization_id in _organizations(thing):
        trail.record(actor, f"{kind}.{verb}", organization_id=organization_id, subject=f"{kind}:{thing.pk}", **details)


def _organizations(thing: Organization | Membership | User) -> list[uuid.UUID]:
    if isinstance(thing, Organization):
        return [thing.pk]
    if isinstance(thing, Membership):
        return [thing.organization_id]
    return list(thing.memberships.order_by("organization_id").values_list("organization_id", flat=True)) or [NOWHERE]
