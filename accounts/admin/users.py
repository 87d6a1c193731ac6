"""Organizations and people on the desk. Superusers manage them; members see their own organizations."""

from datetime import datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import available_timezones

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm
from django.contrib.auth.models import Group
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import ForeignKey, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse

from accounts.admin.base import OrganizationScopedAdmin
from accounts.domain import memberships, mfa, sessions
from accounts.domain.actors import Actor, user_actor
from accounts.exceptions import DomainError
from accounts.models import Organization, User

if TYPE_CHECKING:
    BaseUserForm = UserChangeForm[User]
    BaseNewUserForm = UserCreationForm[User]
    BasePasswordForm = AdminPasswordChangeForm[User]
else:
    BaseUserForm, BaseNewUserForm, BasePasswordForm = UserChangeForm, UserCreationForm, AdminPasswordChangeForm


class AccountRecoveryForm(forms.Form):
    """What a superuser does for somebody who lost their phone."""

    sign_out = forms.BooleanField(required=False, initial=True, label="Sign them out everywhere")
    factor = forms.BooleanField(
        required=False, label="Remove their second factor", help_text="Make sure first that it is they who ask."
    )


ACCESS = {
    "is_active": ("Active", "Switch off whoever has left: what they did stays theirs."),
    "is_staff": ("May sign in to the desk", ""),
    "is_superuser": ("Manages accounts and organizations", "All of them, not only their own. It lets nobody approve."),
}


NAMED = {
    "username": ("Name to sign in with", "Letters, digits and @ . + - _"),
    "email": ("E-mail", ""),
    "password1": ("Password", None),
    "password2": ("The password again", ""),
}


def apply_labels(form: forms.BaseForm) -> None:
    """Call the fields of a stock form what the desk calls them; None leaves a stock hint as it is."""
    for name, (label, help_text) in {**NAMED, **ACCESS}.items():
        if name in form.fields:
            form.fields[name].label = label
            if help_text is not None:
                form.fields[name].help_text = help_text


class UserCreateForm(BaseNewUserForm):
    """A new account."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        apply_labels(self)


class PersonForm(BaseUserForm):
    """A person, with the time zones that this machine knows."""

    time_zone = forms.ChoiceField(choices=lambda: [(name, name) for name in sorted(available_timezones())])

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        apply_labels(self)


class NewPasswordForm(BasePasswordForm):
    """A password for somebody else: there is no other way to sign in, so none is switched off here."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields.pop("usable_password", None)
        apply_labels(self)


if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[Any]
    BaseUserAdmin = DjangoUserAdmin[User]
else:
    ModelAdmin, BaseUserAdmin = admin.ModelAdmin, DjangoUserAdmin


def is_superuser(request: HttpRequest) -> bool:
    """Whether the person manages organizations and people."""
    return isinstance(request.user, User) and request.user.is_active and request.user.is_superuser


def reauthenticated_actor(request: HttpRequest) -> Actor:
    """Return the person who changes something about people here, as the trail names them.

    Who decides who decides proves who they are as for a decision: raises sessions.ProofNeeded when that is long ago.
    """
    if not isinstance(request.user, User):
        raise TypeError("The desk is for people who are signed in")
    sessions.require_recent_authentication(request, request.user)
    return user_actor(request.user)


class SuperuserManagedAdmin(OrganizationScopedAdmin):
    """Superusers see and change every row, because somebody has to make the first; members look. Nothing is deleted."""

    actions = None
    edit_role = None

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Return every row to a superuser, and to members those of their organizations."""
        if is_superuser(request):
            return ModelAdmin.get_queryset(self, request)
        return super().get_queryset(request)

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Whether the person manages, or belongs to any organization."""
        return is_superuser(request) or super().has_module_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whether the person manages, or belongs to the organization."""
        return is_superuser(request) or super().has_view_permission(request, obj)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Whether the person manages."""
        return is_superuser(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002  Django's signature
        """Whether the person manages."""
        return is_superuser(request)

    def formfield_for_foreignkey(
        self, db_field: "ForeignKey[Any, Any]", request: HttpRequest, **kwargs: Any
    ) -> "forms.ModelChoiceField[Any] | None":
        """Offer every organization and person: only who manages has a form."""
        return ModelAdmin.formfield_for_foreignkey(self, db_field, request, **kwargs)

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        """Show the form, a new row's under the words of the button that leads to it."""
        titled = {} if object_id else {"title": self.add_title}
        return super().changeform_view(request, object_id, form_url, titled | (extra_context or {}))

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:  # noqa: ARG002, FBT001
        """Store the row through the domain, which records it."""
        memberships.save(reauthenticated_actor(request), obj)


# Rights follow from memberships: a group would grant nothing.
admin.site.unregister(Group)


@admin.register(Organization)
class OrganizationAdmin(SuperuserManagedAdmin, ModelAdmin):
    """Organizations are made inactive, never deleted."""

    organization_lookup = "pk"
    add_title = "New organization"
    list_display = ("name", "active", "allow_self_approval", "second_approver", "require_mfa", "created_at")
    search_fields = ("name",)
    search_help_text = "Name"
    ordering = ("name", "id")
    show_facets = admin.ShowFacets.NEVER


class ManagesFilter(admin.BooleanFieldListFilter):
    """By whether they manage, in the words of the form."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.title = "manages"


@admin.register(User)
class UserAdmin(SuperuserManagedAdmin, BaseUserAdmin):
    """People. New ones may sign in to the desk, where what they see follows from their memberships."""

    form = PersonForm
    add_form = UserCreateForm
    add_title = "New account"
    change_password_form = NewPasswordForm
    add_form_template = None
    add_fieldsets = ((None, {"fields": ("username", "password1", "password2")}),)
    change_user_password_template = "admin/accounts/user/password.html"  # noqa: S105  a template
    list_display = ("username", "name", "mail", "is_active", "manages", "last_signed_in")
    list_filter = ("is_active", ("is_superuser", ManagesFilter))
    search_help_text = "Name or address"
    filter_horizontal = ()
    readonly_fields = ("last_signed_in", "joined")
    fieldsets = (
        (None, {"fields": ("username",)}),
        ("Person", {"fields": ("first_name", "last_name", "email", "time_zone")}),
        ("Access", {"fields": ("is_active", "is_staff", "is_superuser")}),
        ("Dates", {"fields": ("last_signed_in", "joined")}),
    )
    show_facets = admin.ShowFacets.NEVER

    @admin.display(description="E-mail", ordering="email", empty_value="none")
    def mail(self, someone: User) -> str:
        """Say where they are reached."""
        return someone.email

    @admin.display(description="Since", ordering="date_joined")
    def joined(self, someone: User) -> datetime:
        """Say when the account was made."""
        return someone.date_joined

    @admin.display(description="Manages", ordering="is_superuser")
    def manages(self, someone: User) -> bool:
        """Say whether they manage accounts and organizations."""
        return someone.is_superuser

    @admin.display(description="Last signed in", ordering="last_login", empty_value="never")
    def last_signed_in(self, someone: User) -> datetime | None:
        """Say when they were last here."""
        return someone.last_login

    @admin.display(description="Name", ordering="first_name")
    def name(self, someone: User) -> str:
        """Say what they are called."""
        return someone.get_full_name()

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Return everybody to a superuser, nobody to others."""
        everybody = BaseUserAdmin.get_queryset(self, request)
        return everybody if is_superuser(request) else everybody.none()

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Whether the person manages."""
        return is_superuser(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        """Whether the person manages."""
        return is_superuser(request)

    def get_urls(self) -> list[URLPattern]:
        """Add the page for who lost their phone."""
        rescue = self.admin_site.admin_view(self.account_recovery_view)
        return [path("<int:pk>/rescue/", rescue, name="accounts_user_rescue"), *super().get_urls()]

    def account_recovery_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Ask; on POST end another person's sessions, or take their lost second factor away."""
        if not is_superuser(request):
            raise PermissionDenied
        someone = get_object_or_404(User, pk=pk)
        if someone.pk == request.user.pk:
            return HttpResponseRedirect(reverse("admin_account"))  # where it takes their password and a code
        form = AccountRecoveryForm(request.POST or None)
        back = reverse("admin:accounts_user_change", args=[pk])
        if request.method == "POST" and form.is_valid():
            try:
                if form.cleaned_data["factor"]:
                    mfa.remove(reauthenticated_actor(request), someone)
                if form.cleaned_data["sign_out"]:
                    sessions.sign_out_everywhere(reauthenticated_actor(request), someone)
            except DomainError as refusal:
                form.add_error(None, refusal.message)
            else:
                messages.success(request, f"Done for {someone}.")
                return HttpResponseRedirect(back)
        context = {**self.admin_site.each_context(request), "opts": self.opts, "form": form, "list_url": back}
        return TemplateResponse(request, "desk/form.html", context | {"title": f"Lost phone: {someone}"})

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:  # noqa: ARG002, FBT001
        """Store the person through the domain; who is new may sign in to the desk."""
        obj.is_staff = obj.is_staff or not change
        memberships.save(reauthenticated_actor(request), obj, password=not change)

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:  # noqa: A002
        """Set another person's password, and record that."""
        someone = self.get_object(request, unquote(id))  # as Django reads it: an id can be spelt in many ways
        if someone is not None and someone.pk == request.user.pk:
            return HttpResponseRedirect(reverse("admin:password_change"))  # where it takes the old one
        if request.method == "POST" and is_superuser(request):
            reauthenticated_actor(request)  # asks for a proof before anything has happened, to this session as well
        with transaction.atomic():
            response = super().user_change_password(request, id, form_url)
            now = User.objects.filter(pk=someone.pk).first() if someone is not None else None
            if someone is not None and now is not None and now.password != someone.password:
                memberships.save(reauthenticated_actor(request), now, password=True)
        return response
