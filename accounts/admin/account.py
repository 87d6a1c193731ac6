from typing import Any

import segno
from django import forms
from django.contrib import admin, messages
from django.contrib.admin.forms import AdminPasswordChangeForm
from django.contrib.auth import logout, update_session_auth_hash
from django.contrib.auth.views import PasswordChangeView
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse, reverse_lazy
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables

from accounts.admin import base
from accounts.admin.base import current_user, domain_errors_in, render_page
from accounts.admin.reauthentication import check_password_throttled
from accounts.admin.users import time_zone_field
from accounts.domain import memberships, mfa, sessions
from accounts.domain.actors import user_actor
from accounts.exceptions import DomainError


def account_view(request: HttpRequest) -> HttpResponse:
    device = mfa.get_mfa(current_user(request))
    return _page(request, "profile", "Profile", device=device, memberships=base.memberships(request))


@sensitive_post_parameters()
def mfa_setup_view(request: HttpRequest) -> HttpResponse:
    """Create a pending device and show its secret; on POST of a valid code confirm it and show the recovery codes.

    A GET writes nothing. Raises ReauthenticationRequired: afterwards the device identifies the user.
    """
    user = current_user(request)
    problem = ""
    if request.method == "POST":
        sessions.require_recent_authentication(request, user)
        try:
            if "code" not in request.POST:
                mfa.start_enrolment(user)
                return HttpResponseRedirect(reverse("admin_mfa_setup"))
            device, codes = mfa.confirm_enrolment(user, request.POST["code"])
            # The other sessions were opened without the new device.
            sessions.sign_out_everywhere(user_actor(user), user)
            update_session_auth_hash(request, user)
            sessions.mark_authenticated(request, device_id=device.pk)
        except DomainError as error:
            problem = error.message
        else:
            return _page(request, "recovery_codes", "Your recovery codes", codes=codes, new=True)
    context: dict[str, Any] = {"device": mfa.get_mfa(user), "problem": problem}
    if pending := mfa.get_pending_mfa(user):
        qr_code = segno.make(mfa.provisioning_uri(pending), error="m")
        context["qr_code"] = qr_code.svg_data_uri(scale=5, border=3, dark="#000", light="#fff")
        context["secret"] = mfa.base32_secret(pending)
    return _page(request, "mfa_setup", "Two-factor authentication", **context)


class CodeForm(forms.Form):
    code = forms.CharField(
        max_length=40,
        help_text="From your authenticator app, or one of your recovery codes.",
        widget=forms.TextInput(
            attrs={"autocomplete": "one-time-code", "autocapitalize": "none", "spellcheck": "false"}
        ),
    )


class MfaDisableForm(CodeForm):
    password = forms.CharField(strip=False, widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}))
    field_order = ("password", "code")


@sensitive_post_parameters()
def recovery_codes_view(request: HttpRequest) -> HttpResponse:
    """Replace the recovery codes; requires a code."""
    user, form = current_user(request), CodeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        with domain_errors_in(form, "code"):
            mfa.verify_code(user, form.cleaned_data["code"])
            codes = mfa.regenerate_recovery_codes(user)
            return _page(request, "recovery_codes", "Your recovery codes", codes=codes, new=False)
    return _form(request, form, "New recovery codes", "Create new codes", "The old codes stop working.")


@sensitive_post_parameters()
def mfa_disable_view(request: HttpRequest) -> HttpResponse:
    """Delete the device; requires password and code."""
    user, form = current_user(request), MfaDisableForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        if check_password_throttled(request, user, form.cleaned_data["password"]):
            with domain_errors_in(form, "code"):
                mfa.verify_code(user, form.cleaned_data["code"])
                mfa.remove(user_actor(user), user)
                messages.success(request, "Two-factor authentication is off.")
                return HttpResponseRedirect(reverse("admin_account"))
        else:
            form.add_error("password", "That is not your password.")
    lead = "Afterwards anyone who knows your password can sign in as you."
    return _form(request, form, "Turn off two-factor authentication", "Turn off", lead, danger=True)


class TimeZoneForm(forms.Form):
    time_zone = time_zone_field(label="Time zone")


def time_zone_view(request: HttpRequest) -> HttpResponse:
    """On POST set the user's time zone, in which they see and enter times."""
    user = current_user(request)
    form = TimeZoneForm(request.POST if request.method == "POST" else None, initial={"time_zone": user.time_zone})
    if request.method == "POST" and form.is_valid():
        with domain_errors_in(form, "time_zone"):
            memberships.set_time_zone(user_actor(user), user, form.cleaned_data["time_zone"])
            messages.success(request, f"Your time zone is {form.cleaned_data['time_zone']}.")
            return HttpResponseRedirect(reverse("admin_account"))
    return _form(request, form, "Time zone", "Save", "All times are shown and entered in it.")


def sign_out_everywhere(request: HttpRequest) -> HttpResponse:
    """On POST end every session of the user, this one included."""
    user = current_user(request)
    if request.method != "POST":
        lead = "Every browser and phone where you are signed in has to sign in again, including this one."
        return _form(request, forms.Form(), "Sign out everywhere", "Sign out everywhere", lead, danger=True)
    sessions.sign_out_everywhere(user_actor(user), user)
    logout(request)
    messages.success(request, "You are signed out everywhere.")
    return HttpResponseRedirect(reverse("admin:login"))


class OwnPasswordForm(AdminPasswordChangeForm):
    """Django's password form; checks the current password with the login throttle and records the change."""

    def __init__(self, *args: Any, request: HttpRequest, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.request = request
        self.fields["old_password"].label = "Current password"
        self.fields["new_password2"].label, self.fields["new_password2"].help_text = "Confirm new password", ""

    @sensitive_variables()
    def clean_old_password(self) -> str:
        # Django would not count wrong passwords here, so that a stolen session could guess without a limit.
        password = str(self.cleaned_data["old_password"])
        if not check_password_throttled(self.request, self.user, password):
            raise ValidationError(self.error_messages["password_incorrect"], code="password_incorrect")
        return password

    def save(self, commit: bool = True) -> Any:  # noqa: FBT001, FBT002  Django's signature
        with transaction.atomic():
            user = super().save(commit)
            memberships.record(user_actor(self.user), "change", self.user, changed={}, password="set")  # noqa: S106  not one
        return user


class OwnPasswordView(PasswordChangeView):
    form_class = OwnPasswordForm
    success_url = reverse_lazy("admin:password_change_done")

    def get_form_kwargs(self) -> dict[str, Any]:
        return {**super().get_form_kwargs(), "request": self.request}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return {**super().get_context_data(**kwargs), **admin.site.each_context(self.request)}


def _form(
    request: HttpRequest, form: forms.Form, title: str, button: str, lead: str, *, danger: bool = False
) -> HttpResponse:
    return _page(request, "own_form", title, form=form, button=button, lead=lead, danger=danger)


def _page(request: HttpRequest, page: str, title: str, **extra: Any) -> HttpResponse:
    return render_page(request, f"dynamo/{page}.html", title, list_url=reverse("admin_account"), **extra)
