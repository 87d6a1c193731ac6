"""Base classes of the model admins. Permissions follow from memberships only, not from Django's permission system."""

from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import reduce
from typing import Any, ClassVar
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import Model, QuerySet
from django.db.models.constants import LOOKUP_SEP
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.functional import cached_property
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect

from accounts.domain import sessions
from accounts.domain.actors import Actor, user_actor
from accounts.exceptions import DomainError
from accounts.models import Membership, Organization, Role, User

COUNTED_PAGES = 5  # beyond the current one
RANK: dict[str, int] = {Role.VIEWER: 0, Role.EDITOR: 1, Role.ADMIN: 2}


class CappedCountPaginator(Paginator):  # type: ignore[type-arg]  # Django's are not generic at runtime
    """Counts at most COUNTED_PAGES pages beyond page `number` (from 1), at a cost independent of the table's size."""

    def __init__(self, object_list: Any, per_page: int, *args: Any, number: int = 1, **kwargs: Any) -> None:
        super().__init__(object_list, per_page, *args, **kwargs)
        self.cap = per_page * (number + COUNTED_PAGES)

    @cached_property
    def count(self) -> int:
        """The number of rows, at most `cap + 1`."""
        rows: Any = self.object_list
        return int(rows.order_by()[: self.cap + 1].count())

    @property
    def more(self) -> bool:
        return self.count > self.cap


def current_user(request: HttpRequest) -> User:
    """Return the signed-in user. Raises TypeError without one: admin views are not reachable anonymously."""
    if not isinstance(request.user, User):
        raise TypeError("Admin views require a signed-in user")
    return request.user


def reauthenticated_actor(request: HttpRequest) -> Actor:
    """Return the signed-in user as an actor. Raises ReauthenticationRequired when the last authentication is old."""
    user = current_user(request)
    sessions.require_recent_authentication(request, user)
    return user_actor(user)


def render_page(
    request: HttpRequest, template: str, title: str, *, status: int = 200, **context: Any
) -> TemplateResponse:
    """Return an admin page that caches do not store."""
    context = {**admin.site.each_context(request), "title": title, **context}
    response = TemplateResponse(request, template, context, status=status)
    response["Cache-Control"] = "no-store"
    return response


def memberships(request: HttpRequest) -> list[Membership]:
    """Return the user's memberships by name of the organization, which is loaded; none of an inactive user. Cached."""
    rows: list[Membership] | None = getattr(request, "_dynamo_memberships", None)
    if rows is None:
        rows = []
        if isinstance(request.user, User) and request.user.is_active:
            own = Membership.objects.filter(user=request.user).select_related("organization")
            rows = list(own.order_by("organization__name", "id"))
        request._dynamo_memberships = rows  # type: ignore[attr-defined]  # a cache on the request
    return rows


def membership_for(request: HttpRequest, organization_id: UUID) -> Membership | None:
    return next((row for row in memberships(request) if row.organization_id == organization_id), None)


def roles_by_organization(request: HttpRequest) -> dict[UUID, str]:
    return {membership.organization_id: membership.role for membership in memberships(request)}


def organizations_with_role(request: HttpRequest, role: str) -> list[UUID]:
    """Return the ids of the organizations where the user holds `role` or a higher one."""
    return [membership.organization_id for membership in memberships(request) if has_role(membership, role)]


def has_role(membership: Membership | None, role: str) -> bool:
    """Whether the membership carries `role` or a higher one."""
    return membership is not None and RANK[membership.role] >= RANK[role]


def column(source: str, description: str, *, ordering: str | None = None, empty: str | None = None) -> Any:
    """Return a list column with the value of an attribute, or of a path of attributes, of the row."""

    @admin.display(description=description, ordering=ordering, empty_value=empty)
    def value(_: Any, row: Model) -> Any:
        return reduce(getattr, source.split(LOOKUP_SEP), row)

    return value


class OrganizationScopedAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Users see the rows of their organizations and change them from `edit_role` upwards. Nothing is deleted.

    `organization_lookup` leads from the model to the id of its organization. `edit_role=None` is read-only.
    """

    actions = None
    show_facets = admin.ShowFacets.NEVER
    organization_lookup: ClassVar[str] = "organization_id"
    edit_role: ClassVar[str | None] = Role.EDITOR
    add_title: ClassVar[str] = ""  # label of the "add" button and title of the form it opens

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows = super().get_queryset(request)
        return rows.filter(**{f"{self.organization_lookup}__in": list(roles_by_organization(request))})

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        """Refuse lookups on encrypted columns: `__startswith` in the URL would disclose them letter by letter."""
        if any(step.endswith("_encrypted") for step in lookup.split(LOOKUP_SEP)):
            return False
        return super().lookup_allowed(lookup, value, request)  # type: ignore[arg-type]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        context = {"may_add": self.has_add_permission(request), "add_title": self.add_title}
        return super().changelist_view(request, context | (extra_context or {}))

    def get_paginator(self, request: HttpRequest, queryset: Any, per_page: int, *_: Any, **__: Any) -> Any:
        page = request.GET.get("p", "")
        number = int(page) if page.isdecimal() and len(page) < 7 else 1
        return CappedCountPaginator(queryset, per_page, number=number)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return bool(roles_by_organization(request))

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        roles = roles_by_organization(request)
        return bool(roles) if obj is None else self.organization_of(obj) in roles

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self.edit_role is not None and bool(organizations_with_role(request, self.edit_role))

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        editable = organizations_with_role(request, self.edit_role) if self.edit_role else []
        return bool(editable) if obj is None else self.organization_of(obj) in editable

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002  Django's signature
        return False

    def may_open(self, request: HttpRequest, row: Model) -> bool:
        """Whether the page behind the row's link in the list answers to this user."""
        return self.has_view_permission(request, row)

    def organization_of(self, obj: Model) -> Any:
        return reduce(getattr, self.organization_lookup.split(LOOKUP_SEP), obj)

    def get_object_or_404(self, request: HttpRequest, object_id: str, *, change: bool = False) -> Any:
        """Return a row that the user may see. Raises Http404; with `change` also PermissionDenied.

        `object_id` is the id as the URL has it. The admin's own links quote ids (`_` is `_5F`), other links do not.
        """
        ids = dict.fromkeys([unquote(object_id), object_id])
        found = (self.get_object(request, each) for each in ids if each.isprintable())  # PostgreSQL accepts no NUL
        row = next((each for each in found if each is not None), None)
        if row is None:
            raise Http404
        if change and not self.has_change_permission(request, row):
            raise PermissionDenied
        return row


@contextmanager
def domain_errors_in(form: forms.BaseForm, field: str | None = None) -> Iterator[None]:
    """Add a DomainError of the block to the field, or to the whole form."""
    try:
        yield
    except DomainError as error:
        form.add_error(field, error.message)


class DomainForm(forms.Form):
    """A form whose `save` calls the domain. `row` is None for a new one; `reader` is the signed-in user."""

    def __init__(self, *args: Any, organization: Organization, reader: User, row: Any = None, **kwargs: Any) -> None:
        self.organization, self.reader, self.row = organization, reader, row
        super().__init__(*args, **kwargs)

    @abstractmethod
    def save(self, actor: Actor) -> tuple[Model, str]:
        """Store the input through the domain; return the row and a success message. Raises DomainError."""

    def field_at(self, path: list[Any]) -> str | None:
        """Return the name of the field that a domain error's path refers to, None for the whole form."""
        return str(path[0]) if path and str(path[0]) in self.fields else None

    def add_domain_error(self, error: DomainError) -> None:
        """Add the error to the fields that its details name, otherwise to the form."""
        details = error.details if isinstance(error.details, list) else []
        for detail in details:
            self.add_error(self.field_at(detail["path"]), detail["message"])
        if not details:
            self.add_error(None, error.message)


class BaseAdmin(OrganizationScopedAdmin):
    """A model admin with a list, and a DomainForm unless `edit_role` is None. It does not write Django's admin log."""

    list_display = ("__str__",)
    list_display_links = None
    list_per_page = 50
    list_max_show_all = 0
    show_full_result_count = False
    form_class: ClassVar[type[DomainForm] | None] = None
    form_template = "dynamo/form.html"
    add_title = "Add"
    needs_reauthentication: ClassVar[bool] = False  # whether saving the form raises ReauthenticationRequired

    @property
    def label(self) -> str:
        return f"{self.opts.app_label}_{self.opts.model_name}"

    def url(self, page: str, *args: Any) -> str:
        return reverse(f"admin:{self.label}_{page}", args=args)

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("", wrap(self.changelist_view), name=f"{self.label}_changelist"),
            path("add/", wrap(self.add_view), name=f"{self.label}_add"),
            path("<str:object_id>/change/", wrap(self.change_view), name=f"{self.label}_change"),
        ]

    def action_urls(self, row: str, names: Iterable[str], act: Callable[..., HttpResponse]) -> list[URLPattern]:
        """Return a URL for each action on a row; `row` is its URL parameter, and `act` receives `name`."""
        act = csrf_protect(never_cache(act))
        return [path(f"{row}/{name}/", act, {"name": name}, name=f"{self.label}_{name}") for name in names]

    def add_view(self, request: HttpRequest, *_: Any, **__: Any) -> HttpResponse:
        """Show or process the form for a new row in `?organization=`; with several to choose from, ask first."""
        if self.edit_role is None or not self.has_add_permission(request):
            raise PermissionDenied
        choices = [membership for membership in memberships(request) if has_role(membership, self.edit_role)]
        given = request.GET.get("organization")
        chosen = [membership for membership in choices if str(membership.organization_id) == given]
        if len(choices) > 1 and not chosen:
            return render_page(request, "dynamo/choose.html", self.add_title, opts=self.opts, memberships=choices)
        return self._form(request, (chosen or choices)[0].organization, None)

    def change_view(self, request: HttpRequest, object_id: str, *_: Any, **__: Any) -> HttpResponse:
        row = self.get_object_or_404(request, object_id, change=True)
        return self._form(request, row.organization, row)

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:  # noqa: ARG002  for subclasses
        return {}

    def success_url(self, row: Any) -> str:  # noqa: ARG002  for subclasses
        return self.url("changelist")

    def answer(self, request: HttpRequest, form: DomainForm, row: Any, message: str) -> HttpResponse:  # noqa: ARG002  for subclasses
        messages.success(request, message)
        return HttpResponseRedirect(self.success_url(row))

    def may_open(self, request: HttpRequest, row: Model) -> bool:
        return self.has_change_permission(request, row)

    def context(self, row: Any) -> dict[str, Any]:  # noqa: ARG002  for subclasses
        return {}

    def _form(self, request: HttpRequest, organization: Organization, row: Any) -> HttpResponse:
        assert self.form_class is not None  # noqa: S101  the callers have checked the permission to write
        kwargs = {"organization": organization, "reader": current_user(request), "row": row}
        if request.method == "POST":
            form = self.form_class(request.POST, request.FILES, **kwargs)
        else:
            form = self.form_class(**kwargs, initial={} if row else self.get_changeform_initial_data(request))
        if request.method == "POST" and form.is_valid():
            actor = reauthenticated_actor(request) if self.needs_reauthentication else user_actor(current_user(request))
            try:
                stored, message = form.save(actor)
            except DomainError as error:
                form.add_domain_error(error)
            else:
                return self.answer(request, form, stored, message)
        context = {"opts": self.opts, "form": form, "row": row, "list_url": self.url("changelist")}
        context |= {"organization": organization, **self.context(row)}
        return render_page(request, self.form_template, str(row) if row else self.add_title, **context)
