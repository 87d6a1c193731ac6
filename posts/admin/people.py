"""What the signed-in person may do, organization by organization."""

from uuid import UUID

from django.http import HttpRequest

from accounts.admin.base import RANK
from accounts.models import Membership, Role, User


def signed_in(request: HttpRequest) -> User:
    """Return the person behind a page of the desk, which nobody else reaches."""
    if not isinstance(request.user, User):
        raise TypeError("The desk is for people who are signed in")
    return request.user


def memberships(request: HttpRequest) -> list[Membership]:
    """Return the person's memberships by the organization's name, loaded with it."""
    rows = Membership.objects.filter(user=signed_in(request)).select_related("organization")
    return list(rows.order_by("organization__name", "id"))


def membership_in(request: HttpRequest, organization_id: UUID) -> Membership | None:
    """Return the person's membership in that organization, None when they have no part in it."""
    rows = Membership.objects.filter(user=signed_in(request), organization_id=organization_id)
    return rows.select_related("organization").first()


def holds(membership: Membership | None, role: Role) -> bool:
    """Whether the membership carries `role` or a higher one."""
    return membership is not None and RANK[membership.role] >= RANK[role]
