"""Organizations and users. Superusers manage them; members see their own organizations."""

from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm
from django.contrib.auth.models import Group
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse

from accounts.admin.base import (
    OrganizationScopedAdmin,
    column,
    domain_errors_in,
    organizations_with_role,
    reauthenticated_actor,
    render_page,
)
from accounts.domain import memberships, mfa, sessions
from accounts.models import Organization, Role, User

# Where they differ from Django's.
LABELS = {"email": "E-mail", "is_staff": "Can sign in", "is_superuser": "Manages accounts and organizations"}
HELP_TEXTS = {
    "username": "Letters, digits and @ . + - _",
    "is_active": "Deactivate users who have left. What they wrote and approved is kept.",
    "is_staff": "",
    "is_superuser": "All of them, not only their own. It does not include approving posts.",
}
CONFIRM_PASSWORD = forms.CharField(
    label="Confirm password", strip=False, widget=forms.PasswordInput(attrs={"autocomplete": "new-password"})
)


class AccountRecoveryForm(forms.Form):
    """What a superuser can do for a user who has lost their phone."""

    sign_out = forms.BooleanField(required=False, initial=True, label="Sign the user out everywhere")
    reset_mfa = forms.BooleanField(
        required=False, label="Reset two-factor authentication", help_text="Verify the user's identity first."
    )


class UserCreateForm(UserCreationForm):  # type: ignore[type-arg]  # Django's are not generic at runtime
    password2 = CONFIRM_PASSWORD


def time_zone_field(**options: Any) -> forms.ChoiceField:
    return forms.ChoiceField(choices=lambda: [(name, name) for name in sorted(available_timezones())], **options)


class UserForm(UserChangeForm):  # type: ignore[type-arg]
    time_zone = time_zone_field()


class OrganizationForm(forms.ModelForm):  # type: ignore[type-arg]
    time_zone = time_zone_field(required=False, initial="UTC", help_text="The default of people who join.")


class SetPasswordForm(AdminPasswordChangeForm):  # type: ignore[type-arg]
    """Sets another user's password. Without Django's choice to disable it: there is no other way to sign in."""

    password2 = CONFIRM_PASSWORD

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields.pop("usable_password", None)


def is_superuser(request: HttpRequest) -> bool:
    return isinstance(request.user, User) and request.user.is_active and request.user.is_superuser


def administered_organizations(request: HttpRequest) -> QuerySet[Organization]:
    """Return the organizations where the user is an admin; all for superusers."""
    if is_superuser(request):
        return Organization.objects.all()
    return Organization.objects.filter(pk__in=organizations_with_role(request, Role.ADMIN))


class SuperuserManagedAdmin(OrganizationScopedAdmin):
    """Superusers see and change every row, members see those of their organizations."""

    edit_role = None

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        if is_superuser(request):
            return admin.ModelAdmin.get_queryset(self, request)
        return super().get_queryset(request)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return is_superuser(request) or super().has_module_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return is_superuser(request) or super().has_view_permission(request, obj)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return is_superuser(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002  Django's signature
        return is_superuser(request)

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None) -> Any:
        return super().add_view(request, form_url, {"title": self.add_title} | (extra_context or {}))

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:  # noqa: ARG002, FBT001
        memberships.save(reauthenticated_actor(request), obj)


# Permissions follow from memberships: a group would grant nothing.
admin.site.unregister(Group)


@admin.register(Organization)
class OrganizationAdmin(SuperuserManagedAdmin):
    """Organizations are deactivated, never deleted."""

    organization_lookup = "pk"
    form = OrganizationForm
    add_title = "New organization"
    list_display = ("name", "active", "allow_self_approval", "second_approver", "require_mfa", "created_at")
    search_fields = ("name",)
    search_help_text = "Name"
    ordering = ("name", "id")


class SuperuserFilter(admin.BooleanFieldListFilter):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.title = "manages"


@admin.register(User)
class UserAdmin(SuperuserManagedAdmin, DjangoUserAdmin):  # type: ignore[type-arg]
    """Users, for superusers only. New users can sign in; what they see follows from their memberships."""

    form = UserForm
    add_form = UserCreateForm
    add_title = "New account"
    change_password_form = SetPasswordForm
    add_form_template = None
    add_fieldsets = ((None, {"fields": ("username", "password1", "password2")}),)
    change_user_password_template = "admin/accounts/user/password.html"  # noqa: S105  a template
    list_display = ("username", "name", "mail", "is_active", "manages", "last_signed_in")
    list_filter = ("is_active", ("is_superuser", SuperuserFilter))
    search_help_text = "Name or address"
    filter_horizontal = ()
    readonly_fields = ("last_signed_in", "joined")
    fieldsets = (
        (None, {"fields": ("username",)}),
        ("Person", {"fields": ("first_name", "last_name", "email", "time_zone")}),
        ("Access", {"fields": ("is_active", "is_staff", "is_superuser")}),
        ("Dates", {"fields": ("last_signed_in", "joined")}),
    )
    mail = column("email", "E-mail", ordering="email", empty="none")
    joined = column("date_joined", "Since", ordering="date_joined")
    manages = column("is_superuser", "Manages", ordering="is_superuser")
    last_signed_in = column("last_login", "Last signed in", ordering="last_login", empty="never")

    @admin.display(description="Name", ordering="first_name")
    def name(self, user: User) -> str:
        return user.get_full_name()

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:  # noqa: FBT001, FBT002  Django's signature
        return super().get_form(request, obj, change=change, labels=LABELS, help_texts=HELP_TEXTS, **kwargs)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return User.objects.order_by("username") if is_superuser(request) else User.objects.none()

    def has_module_permission(self, request: HttpRequest) -> bool:
        return is_superuser(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        return is_superuser(request)

    def get_urls(self) -> list[URLPattern]:
        recovery = self.admin_site.admin_view(self.account_recovery_view)
        return [path("<int:pk>/rescue/", recovery, name="accounts_user_rescue"), *super().get_urls()]

    def account_recovery_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """On POST end another user's sessions, delete their two-factor device, or both. For superusers."""
        if not is_superuser(request):
            raise PermissionDenied
        user = get_object_or_404(User, pk=pk)
        if user.pk == request.user.pk:
            return HttpResponseRedirect(reverse("admin_account"))  # which requires their password and a code
        form = AccountRecoveryForm(request.POST or None)
        change_url = reverse("admin:accounts_user_change", args=[pk])
        if request.method == "POST" and form.is_valid():
            with domain_errors_in(form):
                if form.cleaned_data["reset_mfa"]:
                    mfa.remove(reauthenticated_actor(request), user)
                if form.cleaned_data["sign_out"]:
                    sessions.sign_out_everywhere(reauthenticated_actor(request), user)
                messages.success(request, f"Done for {user}.")
                return HttpResponseRedirect(change_url)
        title = f"Reset two-factor: {user}"
        return render_page(request, "dynamo/form.html", title, opts=self.opts, form=form, list_url=change_url)

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:  # noqa: ARG002, FBT001
        obj.is_staff = obj.is_staff or not change
        memberships.save(reauthenticated_actor(request), obj, password=not change)

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:  # noqa: A002
        """Django's view to set another user's password; records the change."""
        user = self.get_object(request, unquote(id))  # as Django reads it: "7", "07" and "+7" are one user
        if user is not None and user.pk == request.user.pk:
            return HttpResponseRedirect(reverse("admin:password_change"))  # which requires the current password
        if request.method == "POST" and is_superuser(request):
            reauthenticated_actor(request)  # raises before Django's view has changed the password or the session
        with transaction.atomic():
            response = super().user_change_password(request, id, form_url)
            after = User.objects.filter(pk=user.pk).first() if user is not None else None
            if user is not None and after is not None and after.password != user.password:
                memberships.save(reauthenticated_actor(request), after, password=True)
        return response
