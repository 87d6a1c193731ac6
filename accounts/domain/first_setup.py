"""The first organization and its administrator, created by the operator of an installation."""

from dataclasses import dataclass, field
from typing import Any
from zoneinfo import available_timezones

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction
from django.views.decorators.debug import sensitive_variables

from accounts.domain import memberships
from accounts.domain.identities import OPERATOR
from accounts.exceptions import Conflict, Invalid
from accounts.models import Membership, Organization, Role, User


@dataclass(frozen=True)
class Wanted:
    """`reviews`: the administrator may approve posts. `superuser`: manages accounts and organizations."""

    organization: str
    username: str
    email: str = ""
    time_zone: str = "UTC"
    reviews: bool = True
    superuser: bool = True


@dataclass
class Result:
    created: list[str] = field(default_factory=list)
    existing: list[str] = field(default_factory=list)
    new: list[Organization | User | Membership] = field(default_factory=list)


def needs_password(username: str) -> bool:
    return not User.objects.filter(username=username).exists()


@sensitive_variables("password")
def create(wanted: Wanted, password: str) -> Result:
    """Create what does not exist yet, in one transaction, and record it. What exists is left as it is.

    Raises Invalid for a time zone, a username or a password that cannot be used, and Conflict when the organization
    has another administrator: that one invites people.
    """
    if wanted.time_zone not in available_timezones():
        raise Invalid(f"Unknown time zone {wanted.time_zone}: use an IANA name, for example Europe/Lisbon")
    if not wanted.organization.strip() or not wanted.username.strip():
        raise Invalid("Name the organization and the administrator's username")
    result = Result()
    with transaction.atomic():
        organization = _get_or_create(
            result,
            Organization.objects.select_for_update().filter(name=wanted.organization).order_by("created_at").first(),
            Organization(name=wanted.organization, time_zone=wanted.time_zone),
            f"organization {wanted.organization}",
        )
        user = User.objects.filter(username=wanted.username).first()
        membership = user and Membership.objects.filter(organization=organization, user=user).first()
        admins = Membership.objects.filter(organization=organization, role=Role.ADMIN, user__is_active=True)
        if membership is None and admins.exists():
            raise Conflict(f"{organization} has an administrator already, who can invite {wanted.username}")
        if user is None:
            new = User(
                username=wanted.username,
                email=wanted.email,
                time_zone=wanted.time_zone,
                is_staff=True,
                is_superuser=wanted.superuser,
            )
            _set_password(new, password)
            user = _get_or_create(result, None, new, f"user {wanted.username}")
        else:
            result.existing.append(f"user {wanted.username}")
        _get_or_create(
            result,
            membership,
            Membership(organization=organization, user=user, role=Role.ADMIN, may_review=wanted.reviews),
            f"membership of {wanted.username} in {wanted.organization}",
        )
        for instance in result.new:  # events of a user belong to the organizations that the user is a member of
            memberships.record_creation(OPERATOR, instance)
    return result


def _get_or_create(result: Result, found: Any, new: Any, name: str) -> Any:
    if found is not None:
        result.existing.append(name)
        return found
    new.save(force_insert=True)
    result.new.append(new)
    result.created.append(name)
    return new


@sensitive_variables("password")
def _set_password(user: User, password: str) -> None:
    try:
        user.full_clean(exclude=["password"])
        validate_password(password, user)
    except ValidationError as error:
        raise Invalid(" ".join(error.messages)) from None
    user.set_password(password)
