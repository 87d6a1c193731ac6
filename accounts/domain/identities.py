"""Which accounts count as one person: a member who joined by an invitation counts as the inviter until confirmed.

An administrator could invite an address of their own and approve their own posts with it. An identity is confirmed when
the link of the mail that we sent is opened, when another administrator confirms it, or by `manage.py confirm_member`.
"""

from collections.abc import Collection
from uuid import UUID

from django.db import transaction

from accounts import clock
from accounts.domain import memberships
from accounts.domain.actors import Actor
from accounts.exceptions import Conflict, Forbidden
from accounts.models import ActorKind, Invitation, Membership, User

OPERATOR = Actor(ActorKind.WORKER, "operator", "operator")


def same_person(user: User, organization_ids: Collection[UUID]) -> dict[UUID, set[int]]:
    """Return by organization the ids of the users who count as the same person as `user`, who is one of them.

    One query. Membership does not matter: what a removed member wrote still counts as the inviter's.
    """
    rows = Invitation.objects.filter(
        organization__in=organization_ids, accepted_by__isnull=False, identity_confirmed_at=None
    ).values_list("organization_id", "accepted_by_id", "invited_by_id")
    pairs: dict[UUID, list[set[int]]] = {}
    for organization_id, *pair in rows:
        pairs.setdefault(organization_id, []).append(set(pair))
    return {pk: _connected(user.pk, pairs.get(pk, [])) for pk in organization_ids}


def _connected(start: int, pairs: list[set[int]]) -> set[int]:
    found, grown = {start}, True
    while grown:
        touching = [pair for pair in pairs if pair & found and not pair <= found]
        grown = bool(touching)
        found = found.union(*touching)
    return found


def confirm(actor: Actor, membership: Membership) -> None:
    """Confirm that the member is another person than the one who invited them, in the audit log.

    Raises Forbidden unless the actor is the operator, or administers the organization and does not count as the same
    person as the member; Conflict when there is nothing to confirm.
    """
    organization_id = membership.organization_id
    if actor is not OPERATOR:
        if not memberships.is_admin_of(actor.user, organization_id):
            raise Forbidden("Only administrators of the organization can confirm members")
        alike = same_person(membership.user, [organization_id])[organization_id]
        if actor.user is None or actor.user.pk in alike:
            raise Forbidden("Another administrator has to confirm a member whom you invited")
    with transaction.atomic():
        open_rows = Invitation.objects.filter(
            organization=organization_id, accepted_by=membership.user_id, identity_confirmed_at=None
        )
        if not open_rows.update(identity_confirmed_at=clock.now()):
            raise Conflict("The identity of this member is confirmed already")
        memberships.record(actor, "confirm", membership, user=membership.user_id)
