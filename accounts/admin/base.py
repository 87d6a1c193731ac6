"""Rights in the desk follow from memberships alone: never from Django's permissions, not even a superuser's."""

from functools import reduce
from typing import TYPE_CHECKING, Any, ClassVar
from uuid import UUID

from django.contrib import admin
from django.core.exceptions import FieldDoesNotExist
from django.core.paginator import Paginator
from django.db.models import ForeignKey, Model, QuerySet
from django.db.models.constants import LOOKUP_SEP
from django.forms import ModelChoiceField
from django.http import HttpRequest, HttpResponse
from django.utils.functional import cached_property

from accounts.models import Membership, Organization, Role, User

if TYPE_CHECKING:
    RowPaginator = Paginator[Any]
else:
    RowPaginator = Paginator

AHEAD = 5  # pages that are counted beyond the one that is shown


class NearbyPaginator(RowPaginator):
    """Knows the pages around `number` (from 1), and whether there are more; every page can be walked to."""

    def __init__(self, object_list: Any, per_page: int, *args: Any, number: int = 1, **kwargs: Any) -> None:
        super().__init__(object_list, per_page, *args, **kwargs)
        self.known = per_page * (number + AHEAD)

    @cached_property
    def count(self) -> int:
        """How many rows there are, as far as that was counted."""
        rows: Any = self.object_list
        return int(rows.order_by()[: self.known + 1].count())

    @property
    def more(self) -> bool:
        """Whether there are rows beyond those that were counted."""
        return self.count > self.known


if TYPE_CHECKING:
    _ModelAdmin = admin.ModelAdmin[Any]
else:
    _ModelAdmin = object

RANK: dict[str, int] = {Role.VIEWER: 0, Role.EDITOR: 1, Role.ADMIN: 2}


def roles(request: HttpRequest) -> dict[UUID, str]:
    """Return the person's role by organization. Read once per request; empty for anybody but an active person."""
    known: dict[UUID, str] | None = getattr(request, "_dynamo_roles", None)
    if known is None:
        user = request.user
        known = {}
        if isinstance(user, User) and user.is_active:
            known = dict(Membership.objects.filter(user=user).values_list("organization_id", "role"))
        request._dynamo_roles = known  # type: ignore[attr-defined]  # a cache on the request
    return known


def organizations_as(request: HttpRequest, role: str) -> list[UUID]:
    """Return the ids of the organizations where the person holds `role` or a higher one."""
    return [organization for organization, held in roles(request).items() if RANK[held] >= RANK[role]]


class OrganizationScopedAdmin(_ModelAdmin):
    """Goes before ModelAdmin. People see what is their organizations', and change it from `edit_role` upwards.

    `organization_lookup` leads from the model to its organization: a foreign key, a path of them, a UUID column,
    or "pk" for the organization itself. Set `edit_role` to None when nothing may be added, changed or deleted.
    """

    organization_lookup: ClassVar[str] = "organization"
    edit_role: ClassVar[str | None] = Role.EDITOR
    add_title: ClassVar[str] = ""  # what the button says that leads to the form for a new row

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Return the rows of the person's organizations."""
        own = super().get_queryset(request)
        return own.filter(**{f"{self.organization_lookup}__in": list(roles(request))})

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        """Refuse filters on what is sealed: an address could ask for it letter by letter."""
        if any(step.endswith("_encrypted") for step in lookup.split(LOOKUP_SEP)):
            return False
        return super().lookup_allowed(lookup, value, request)  # type: ignore[arg-type]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Show the list."""
        context = {"may_add": self.has_add_permission(request), "add_title": self.add_title}
        return super().changelist_view(request, context | (extra_context or {}))

    def get_paginator(self, request: HttpRequest, queryset: Any, per_page: int, *_: Any, **__: Any) -> NearbyPaginator:
        """Count the pages near the one that is asked for, however many rows there are."""
        asked = request.GET.get("p", "")
        return NearbyPaginator(queryset, per_page, number=int(asked) if asked.isdecimal() and len(asked) < 7 else 1)

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Whether the person belongs to any organization."""
        return bool(roles(request))

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whether the person belongs to the organization of `obj`, or to any."""
        return bool(roles(request)) if obj is None else self.organization_of(obj) in roles(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Whether the person may edit in any organization."""
        return self._may_edit(request, None)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whether the person may edit in the organization of `obj`, or in any."""
        return self._may_edit(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """As for changing."""
        return self._may_edit(request, obj)

    def _may_edit(self, request: HttpRequest, obj: Any) -> bool:
        if self.edit_role is None:
            return False
        editable = organizations_as(request, self.edit_role)
        return bool(editable) if obj is None else self.organization_of(obj) in editable

    def organization_of(self, obj: Model) -> UUID | None:
        """Return the id of the organization that `obj` belongs to."""
        *way, last = self.organization_lookup.split(LOOKUP_SEP)
        holder: Any = reduce(getattr, way, obj)
        if last == "pk":
            found: UUID | None = holder.pk
            return found
        return getattr(holder, holder._meta.get_field(last).attname, None)

    def formfield_for_foreignkey(
        self, db_field: "ForeignKey[Any, Any]", request: HttpRequest, **kwargs: Any
    ) -> "ModelChoiceField[Any] | None":
        """Offer what belongs to the person's organizations: those that they may edit in, and what these contain."""
        choices = kwargs.get("queryset")
        if choices is None:
            choices = db_field.related_model._default_manager.all()
        kwargs["queryset"] = _within(choices, organizations_as(request, self.edit_role or Role.VIEWER))
        return super().formfield_for_foreignkey(db_field, request, **kwargs)


def _within(choices: QuerySet[Any], organizations: list[UUID]) -> QuerySet[Any]:
    if choices.model is Organization:
        return choices.filter(pk__in=organizations)
    if choices.model is User:
        return choices.filter(memberships__organization__in=organizations).distinct()
    try:
        choices.model._meta.get_field("organization")
    except FieldDoesNotExist:
        return choices
    return choices.filter(organization__in=organizations)
