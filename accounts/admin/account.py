"""A person's own page: their second factor, their password, an end to all their sessions."""

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
from django.template.response import TemplateResponse
from django.urls import reverse
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables

from accounts.admin.reauthentication import check_password_throttled
from accounts.domain import memberships, mfa, sessions
from accounts.domain.actors import user_actor
from accounts.exceptions import DomainError
from accounts.models import Membership, User


def account_view(request: HttpRequest) -> HttpResponse:
    """Show who the person is here, and what they can do about their own safety."""
    user = _person(request)
    mine = Membership.objects.filter(user=user).select_related("organization").order_by("organization__name")
    return _page(request, "you", "You", factor=mfa.get_mfa(user), memberships=mine)


@sensitive_post_parameters()
def mfa_setup_view(request: HttpRequest) -> HttpResponse:
    """Set up a second factor: make a secret, show it, have the app prove that it knows it. A GET makes nothing.

    It answers for the person from then on, so that they prove first who they are: raises sessions.ProofNeeded.
    """
    user = _person(request)
    problem = ""
    if request.method == "POST":
        sessions.require_recent_authentication(request, user)
        try:
            if "code" not in request.POST:
                mfa.start_enrolment(user)
                return HttpResponseRedirect(reverse("admin_mfa_setup"))
            made, codes = mfa.confirm_enrolment(user, request.POST["code"])
            _keep_only_this_session(request, user)
            sessions.mark_authenticated(request, factor=made.pk)
        except DomainError as refusal:
            problem = refusal.message
        else:
            return _page(request, "recovery", "Your recovery codes", codes=codes, new=True)
    begun = mfa.get_pending_mfa(user)
    shown = {"picture": _picture(mfa.provisioning_uri(begun)), "typed": mfa.base32_secret(begun)} if begun else {}
    return _page(request, "factor", "Second factor", factor=mfa.get_mfa(user), problem=problem, **shown)


class CodeForm(forms.Form):
    """A code of the second factor."""

    code = forms.CharField(
        max_length=40,
        help_text="From your authenticator app, or one of your recovery codes.",
        widget=forms.TextInput(
            attrs={"autocomplete": "one-time-code", "autocapitalize": "none", "spellcheck": "false"}
        ),
    )


class RemovalForm(CodeForm):
    """What it takes to switch a second factor off: both."""

    password = forms.CharField(strip=False, widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}))
    field_order = ("password", "code")


@sensitive_post_parameters()
def recovery_codes_view(request: HttpRequest) -> HttpResponse:
    """Replace the recovery codes against a code of the app."""
    user, form = _person(request), CodeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            mfa.verify_code(user, form.cleaned_data["code"])
            codes = mfa.regenerate_recovery_codes(user)
        except DomainError as refusal:
            form.add_error("code", refusal.message)
        else:
            return _page(request, "recovery", "Your recovery codes", codes=codes, new=False)
    return _form(request, form, "New recovery codes", "Make new codes", "The old ones are good no longer.")


@sensitive_post_parameters()
def mfa_disable_view(request: HttpRequest) -> HttpResponse:
    """Switch the second factor off against password and code."""
    user, form = _person(request), RemovalForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            if not check_password_throttled(request, user, form.cleaned_data["password"]):
                form.add_error("password", "That is not your password.")
            else:
                mfa.verify_code(user, form.cleaned_data["code"])
                mfa.remove(user_actor(user), user)
        except DomainError as refusal:
            form.add_error("code", refusal.message)
        if form.is_valid():
            messages.success(request, "Your second factor is off.")
            return HttpResponseRedirect(reverse("admin_account"))
    said = "From then on your password alone lets whoever knows it in."
    return _form(request, form, "Switch your second factor off", "Switch it off", said, danger=True)


def sign_out_everywhere(request: HttpRequest) -> HttpResponse:
    """End every session of the person, this one too."""
    user = _person(request)
    if request.method != "POST":
        said = "Every browser and phone where you are signed in has to sign in again, this one too."
        return _form(request, forms.Form(), "Sign out everywhere", "Sign out everywhere", said, danger=True)
    sessions.sign_out_everywhere(user_actor(user), user)
    logout(request)
    messages.success(request, "You are signed out everywhere.")
    return HttpResponseRedirect(reverse("admin:login"))


class OwnPasswordForm(AdminPasswordChangeForm):
    """Django's own form for one's password; that it changed is recorded, and ends the person's other sessions."""

    def __init__(self, *given: Any, request: HttpRequest, **more: Any) -> None:
        super().__init__(*given, **more)
        self.request = request
        self.fields["old_password"].label = "Your password as it is"
        self.fields["new_password2"].label, self.fields["new_password2"].help_text = "The new password again", ""

    @sensitive_variables()
    def clean_old_password(self) -> str:
        """Whoever sits at an open session guesses no better than at the sign-in."""
        typed = str(self.cleaned_data["old_password"])
        if not check_password_throttled(self.request, self.user, typed):
            raise ValidationError(self.error_messages["password_incorrect"], code="password_incorrect")
        return typed

    def save(self, commit: bool = True) -> Any:  # noqa: FBT001, FBT002  Django's signature
        """Store the new password and a line in the trail that says so."""
        with transaction.atomic():
            stored = super().save(commit)
            memberships.record(user_actor(self.user), "change", self.user, changed={}, password="set")  # noqa: S106  not one
        return stored


class OwnPassword(PasswordChangeView):
    """Django's own page, whose form is told where the request comes from."""

    def get_form_kwargs(self) -> dict[str, Any]:
        """Give the form the request as well."""
        return {**super().get_form_kwargs(), "request": self.request}


def password(request: HttpRequest) -> Any:
    """Change one's own password, as Django's admin does."""
    view = OwnPassword.as_view(
        form_class=OwnPasswordForm,
        success_url=reverse("admin:password_change_done"),
        extra_context=admin.site.each_context(request),
    )
    return view(request)


def _keep_only_this_session(request: HttpRequest, user: User) -> None:
    """End the other sessions, which have not seen the second factor."""
    sessions.sign_out_everywhere(user_actor(user), user)
    update_session_auth_hash(request, user)


def _picture(text: str) -> str:
    return segno.make(text, error="m").svg_data_uri(scale=5, border=3, dark="#000", light="#fff")


def _person(request: HttpRequest) -> User:
    if not isinstance(request.user, User):
        raise TypeError("The desk is for people who are signed in")
    return request.user


def _form(
    request: HttpRequest, form: forms.Form, title: str, button: str, said: str, *, danger: bool = False
) -> HttpResponse:
    return _page(request, "own_form", title, form=form, button=button, said=said, danger=danger)


def _page(request: HttpRequest, page: str, title: str, **given: Any) -> HttpResponse:
    context = {**admin.site.each_context(request), "title": title, "list_url": reverse("admin_account"), **given}
    response = TemplateResponse(request, f"desk/{page}.html", context)
    response["Cache-Control"] = "no-store"
    return response
