"""What every page of the desk stands on: scoped lists, and forms whose saving is a verb of the domain."""

from abc import abstractmethod
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect

from accounts.admin.base import OrganizationScopedAdmin, organizations_as
from accounts.domain.actors import Actor, person
from accounts.errors import Refusal
from accounts.models import Membership, Organization, User
from posts.admin.people import memberships, signed_in

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[Any]
else:
    ModelAdmin = admin.ModelAdmin


class DeskForm(forms.Form):
    """A form of the desk. It keeps what was typed, whatever the domain says."""

    def __init__(self, *args: Any, organization: Organization, reader: User, row: Any = None, **kwargs: Any) -> None:
        self.organization, self.reader, self.row = organization, reader, row
        super().__init__(*args, **kwargs)

    @abstractmethod
    def store(self, actor: Actor) -> tuple[Model, str]:
        """Have the domain store what was typed; return the row and a sentence for the person. Raises Refusal."""

    def field_at(self, path: list[Any]) -> str | None:
        """Return the name of the field that a domain error's path speaks of, None for the whole form."""
        return str(path[0]) if path and str(path[0]) in self.fields else None

    def refuse(self, refusal: Refusal) -> None:
        """Show what the domain said, beside the fields that it spoke of."""
        details = refusal.details if isinstance(refusal.details, list) else []
        for one in details:
            self.add_error(self.field_at(one["path"]), one["message"])
        if not details:
            self.add_error(None, refusal.message)


class DeskAdmin(OrganizationScopedAdmin, ModelAdmin):
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
    form_class: ClassVar[type[DeskForm] | None] = None
    form_template = "desk/form.html"
    add_title = "Add"

    @property
    def label(self) -> str:
        """The start of the names of this model's URLs."""
        return f"{self.opts.app_label}_{self.opts.model_name}"

    def address(self, page: str, *args: Any) -> str:
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

    def buttons(self, row: str, names: Iterable[str], act: Callable[..., HttpResponse]) -> list[URLPattern]:
        """Return a URL for each button of a row, which `act` is told the name of; `row` is its part of the address."""
        act = csrf_protect(never_cache(act))
        return [path(f"{row}/{name}/", act, {"name": name}, name=f"{self.label}_{name}") for name in names]

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002  Django's signature
        """Nothing is deleted by the stock views."""
        return False

    def row(self, request: HttpRequest, object_id: str) -> Any:
        """Return the row as the person may see it; anything else does not exist."""
        found = self.get_object(request, object_id)
        if found is None:
            raise Http404
        return found

    def add_view(self, request: HttpRequest, *_: Any, **__: Any) -> HttpResponse:
        """Show or take the form for a new row, in the organization that the address names."""
        if self.edit_role is None or not self.has_add_permission(request):
            raise PermissionDenied
        may = organizations_as(request, self.edit_role)
        writable = [one for one in memberships(request) if one.organization_id in may]
        chosen = [one for one in writable if str(one.organization_id) == request.GET.get("organization")]
        if len(writable) > 1 and not chosen:
            return self._choose(request, writable)
        return self._form(request, (chosen or writable)[0].organization, None)

    def change_view(self, request: HttpRequest, object_id: str, *_: Any, **__: Any) -> HttpResponse:
        """Show or take the form for a row that exists."""
        row = self.row(request, object_id)
        if not self.has_change_permission(request, row):
            raise PermissionDenied
        return self._form(request, row.organization, row)

    def prefilled(self, request: HttpRequest) -> dict[str, Any]:
        """Return what the form for a new row begins with."""
        del request
        return {}

    def after(self, stored: Any) -> str:
        """Return where to go once the form is stored."""
        del stored
        return self.address("changelist")

    def answer(self, request: HttpRequest, form: DeskForm, stored: Any, said: str) -> HttpResponse:
        """Answer a form that was stored."""
        del form
        messages.success(request, said)
        return HttpResponseRedirect(self.after(stored))

    def context(self, row: Any) -> dict[str, Any]:
        """Return what the form's page shows beside the form."""
        del row
        return {}

    def _choose(self, request: HttpRequest, writable: list[Membership]) -> HttpResponse:
        context = {**self.admin_site.each_context(request), "opts": self.opts, "memberships": writable}
        return TemplateResponse(request, "desk/choose.html", context | {"title": self.add_title})

    def _form(self, request: HttpRequest, organization: Organization, row: Any) -> HttpResponse:
        assert self.form_class is not None  # noqa: S101  the callers have asked for permission to write
        given = {"organization": organization, "reader": signed_in(request), "row": row}
        if request.method == "POST":
            form = self.form_class(request.POST, **given)
        else:
            form = self.form_class(**given, initial={} if row else self.prefilled(request))
        if request.method == "POST" and form.is_valid():
            try:
                stored, said = form.store(person(signed_in(request)))
            except Refusal as refusal:
                form.refuse(refusal)
            else:
                return self.answer(request, form, stored, said)
        context = {**self.admin_site.each_context(request), "opts": self.opts, "form": form, "row": row}
        context |= {"title": str(row) if row else self.add_title, "list_url": self.address("changelist")}
        context |= {"organization": organization, **self.context(row)}
        return TemplateResponse(request, self.form_template, context)
