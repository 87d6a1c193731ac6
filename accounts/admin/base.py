"""Rights in the desk follow from memberships alone: never from Django's permissions, not even a superuser's."""

from abc import abstractmethod
from collections.abc import Callable, Iterable
from functools import reduce
from typing import TYPE_CHECKING, Any, ClassVar
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import FieldDoesNotExist, PermissionDenied
from django.core.paginator import Paginator
from django.db.models import ForeignKey, Model, QuerySet
from django.db.models.constants import LOOKUP_SEP
from django.forms import ModelChoiceField
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.functional import cached_property
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect

from accounts.domain.actors import Actor, user_actor
from accounts.exceptions import DomainError
from accounts.models import Membership, Organization, Role, User

if TYPE_CHECKING:
    RowPaginator = Paginator[Any]
else:
    RowPaginator = Paginator

AHEAD = 5  # pages that are counted beyond the one that is shown


class CappedCountPaginator(RowPaginator):
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


def roles_by_organization(request: HttpRequest) -> dict[UUID, str]:
    """Return the person's role by organization. Read once per request; empty for anybody but an active person."""
    known: dict[UUID, str] | None = getattr(request, "_dynamo_roles", None)
    if known is None:
        user = request.user
        known = {}
        if isinstance(user, User) and user.is_active:
            known = dict(Membership.objects.filter(user=user).values_list("organization_id", "role"))
        request._dynamo_roles = known  # type: ignore[attr-defined]  # a cache on the request
    return known


def organizations_with_role(request: HttpRequest, role: str) -> list[UUID]:
    """Return the ids of the organizations where the person holds `role` or a higher one."""
    return [organization for organization, held in roles_by_organization(request).items() if RANK[held] >= RANK[role]]


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
        return own.filter(**{f"{self.organization_lookup}__in": list(roles_by_organization(request))})

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        """Refuse filters on what is sealed: an address could ask for it letter by letter."""
        if any(step.endswith("_encrypted") for step in lookup.split(LOOKUP_SEP)):
            return False
        return super().lookup_allowed(lookup, value, request)  # type: ignore[arg-type]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Show the list."""
        context = {"may_add": self.has_add_permission(request), "add_title": self.add_title}
        return super().changelist_view(request, context | (extra_context or {}))

    def get_paginator(
        self, request: HttpRequest, queryset: Any, per_page: int, *_: Any, **__: Any
    ) -> CappedCountPaginator:
        """Count the pages near the one that is asked for, however many rows there are."""
        asked = request.GET.get("p", "")
        return CappedCountPaginator(
            queryset, per_page, number=int(asked) if asked.isdecimal() and len(asked) < 7 else 1
        )

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Whether the person belongs to any organization."""
        return bool(roles_by_organization(request))

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whether the person belongs to the organization of `obj`, or to any."""
        return (
            bool(roles_by_organization(request))
            if obj is None
            else self.organization_of(obj) in roles_by_organization(request)
        )

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
        editable = organizations_with_role(request, self.edit_role)
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
        kwargs["queryset"] = _within(choices, organizations_with_role(request, self.edit_role or Role.VIEWER))
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


def current_user(request: HttpRequest) -> User:
    """Return the person behind a page of the desk, which nobody else reaches."""
    if not isinstance(request.user, User):
        raise TypeError("The desk is for people who are signed in")
    return request.user


def memberships(request: HttpRequest) -> list[Membership]:
    """Return the person's memberships by the organization's name, loaded with it."""
    rows = Membership.objects.filter(user=current_user(request)).select_related("organization")
    return list(rows.order_by("organization__name", "id"))


def membership_for(request: HttpRequest, organization_id: UUID) -> Membership | None:
    """Return the person's membership in that organization, None when they have no part in it."""
    rows = Membership.objects.filter(user=current_user(request), organization_id=organization_id)
    return rows.select_related("organization").first()


def has_role(membership: Membership | None, role: Role) -> bool:
    """Whether the membership carries `role` or a higher one."""
    return membership is not None and RANK[membership.role] >= RANK[role]


if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[Any]
else:
    ModelAdmin = admin.ModelAdmin


class DomainForm(forms.Form):
    """A form of the desk. It keeps what was typed, whatever the domain says."""

    def __init__(self, *args: Any, organization: Organization, reader: User, row: Any = None, **kwargs: Any) -> None:
        self.organization, self.reader, self.row = organization, reader, row
        super().__init__(*args, **kwargs)

    @abstractmethod
    def save(self, actor: Actor) -> tuple[Model, str]:
        """Have the domain store what was typed; return the row and a sentence for the person. Raises Refusal."""

    def field_at(self, path: list[Any]) -> str | None:
        """Return the name of the field that a domain error's path speaks of, None for the whole form."""
        return str(path[0]) if path and str(path[0]) in self.fields else None

    def add_domain_error(self, refusal: DomainError) -> None:
        """Show what the domain said, beside the fields that it spoke of."""
        details = refusal.details if isinstance(refusal.details, list) else []
        for detail in details:
            self.add_error(self.field_at(detail["path"]), detail["message"])
        if not details:
            self.add_error(None, refusal.message)


class BaseAdmin(OrganizationScopedAdmin, ModelAdmin):
    """A model on the desk: list, form, nothing else. Stock deletion, bulk actions and admin log are left out.

    `edit_role` is what it takes to write, None for a model that is read-only; the others need a `form_class`.
    """

    actions = None
    list_display = ("__str__",)
    list_display_links = None
    list_per_page = 50
    list_max_show_all = 0
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    form_class: ClassVar[type[DomainForm] | None] = None
    form_template = "desk/form.html"
    add_title = "Add"

    @property
    def label(self) -> str:
        """The start of the names of this model's URLs."""
        return f"{self.opts.app_label}_{self.opts.model_name}"

    def url(self, page: str, *args: Any) -> str:
        """Return the URL of one of this model's pages."""
        return reverse(f"admin:{self.label}_{page}", args=args)

    def get_urls(self) -> list[URLPattern]:
        """Return the list, and the form in two guises."""
        wrap = self.admin_site.admin_view
        return [
            path("", wrap(self.changelist_view), name=f"{self.label}_changelist"),
            path("add/", wrap(self.add_view), name=f"{self.label}_add"),
            path("<str:object_id>/change/", wrap(self.change_view), name=f"{self.label}_change"),
        ]

    def action_urls(self, row: str, names: Iterable[str], act: Callable[..., HttpResponse]) -> list[URLPattern]:
        """Return a URL for each button of a row, which `act` is told the name of; `row` is its part of the address."""
        act = csrf_protect(never_cache(act))
        return [path(f"{row}/{name}/", act, {"name": name}, name=f"{self.label}_{name}") for name in names]

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002  Django's signature
        """Nothing is deleted by the stock views."""
        return False

    def get_object_or_404(self, request: HttpRequest, object_id: str) -> Any:
        """Return the row as the person may see it; anything else does not exist."""
        found = self.get_object(request, object_id)
        if found is None:
            raise Http404
        return found

    def add_view(self, request: HttpRequest, *_: Any, **__: Any) -> HttpResponse:
        """Show or take the form for a new row, in the organization that the address names."""
        if self.edit_role is None or not self.has_add_permission(request):
            raise PermissionDenied
        may = organizations_with_role(request, self.edit_role)
        writable = [membership for membership in memberships(request) if membership.organization_id in may]
        chosen = [item for item in writable if str(item.organization_id) == request.GET.get("organization")]
        if len(writable) > 1 and not chosen:
            return self._choose(request, writable)
        return self._form(request, (chosen or writable)[0].organization, None)

    def change_view(self, request: HttpRequest, object_id: str, *_: Any, **__: Any) -> HttpResponse:
        """Show or take the form for a row that exists."""
        row = self.get_object_or_404(request, object_id)
        if not self.has_change_permission(request, row):
            raise PermissionDenied
        return self._form(request, row.organization, row)

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Return what the form for a new row begins with."""
        del request
        return {}

    def success_url(self, stored: Any) -> str:
        """Return where to go once the form is stored."""
        del stored
        return self.url("changelist")

    def answer(self, request: HttpRequest, form: DomainForm, stored: Any, said: str) -> HttpResponse:
        """Answer a form that was stored."""
        del form
        messages.success(request, said)
        return HttpResponseRedirect(self.success_url(stored))

    def context(self, row: Any) -> dict[str, Any]:
        """Return what the form's page shows beside the form."""
        del row
        return {}

    def _choose(self, request: HttpRequest, writable: list[Membership]) -> HttpResponse:
        context = {**self.admin_site.each_context(request), "opts": self.opts, "memberships": writable}
        return TemplateResponse(request, "desk/choose.html", context | {"title": self.add_title})

    def _form(self, request: HttpRequest, organization: Organization, row: Any) -> HttpResponse:
        assert self.form_class is not None  # noqa: S101  the callers have asked for permission to write
        given = {"organization": organization, "reader": current_user(request), "row": row}
        if request.method == "POST":
            form = self.form_class(request.POST, **given)
        else:
            form = self.form_class(**given, initial={} if row else self.get_changeform_initial_data(request))
        if request.method == "POST" and form.is_valid():
            try:
                stored, said = form.save(user_actor(current_user(request)))
            except DomainError as refusal:
                form.add_domain_error(refusal)
            else:
                return self.answer(request, form, stored, said)
        context = {**self.admin_site.each_context(request), "opts": self.opts, "form": form, "row": row}
        context |= {"title": str(row) if row else self.add_title, "list_url": self.url("changelist")}
        context |= {"organization": organization, **self.context(row)}
        return TemplateResponse(request, self.form_template, context)
