"""What an invitation's link opens: a form for whoever is new, a button for whoever has an account and is signed in."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.password_validation import validate_password
from django.contrib.auth.validators import UnicodeUsernameValidator
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.debug import sensitive_post_parameters

from accounts.domain import invitations
from accounts.exceptions import DomainError
from accounts.models import Invitation, User


class SignUpForm(forms.Form):
    """Who is new chooses a name to sign in with, and a password. The address is the invitation's."""

    username = forms.CharField(
        label="Name to sign in with", max_length=150, validators=[UnicodeUsernameValidator()],
        widget=forms.TextInput(attrs={"autocomplete": "username", "autocapitalize": "none", "spellcheck": "false"}),
    )  # fmt: skip
    first_name = forms.CharField(max_length=150, required=False, help_text="As colleagues and the trail will see you.")
    last_name = forms.CharField(max_length=150, required=False)
    password = forms.CharField(strip=False, widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}))
    again = forms.CharField(
        label="The password again", strip=False, widget=forms.PasswordInput(attrs={"autocomplete": "new-password"})
    )

    def __init__(self, *args: Any, invitation: Invitation, **kwargs: Any) -> None:
        self.invitation = invitation
        super().__init__(*args, **kwargs)

    def clean(self) -> dict[str, Any]:
        """Refuse a password that is weak, or was not typed twice the same."""
        given = super().clean() or self.cleaned_data
        password = given.get("password")
        if password and password != given.get("again"):
            self.add_error("again", "These two are not the same.")
        elif password:
            names = {name: given.get(name, "") for name in ("username", "first_name", "last_name")}
            try:
                validate_password(password, User(email=self.invitation.email, **names))
            except forms.ValidationError as error:
                self.add_error("password", error)
        return given


@sensitive_post_parameters()
@csrf_protect
@never_cache
def accept_invitation(request: HttpRequest, token: str) -> HttpResponse:
    """Show what the invitation is to; on POST take it."""
    try:
        invitation = invitations.find(token)
    except DomainError as refusal:
        return _page(request, "Invitation", status=410, dead=refusal.message)
    user = request.user if isinstance(request.user, User) else None
    has_account = invitations.invitee_has_account(invitation)
    form = None if user or has_account else SignUpForm(request.POST or None, invitation=invitation)
    problem = ""
    if request.method == "POST":
        try:
            if user is not None:
                invitations.accept(token, user)
                messages.success(request, f"You belong to {invitation.organization} now.")
                return HttpResponseRedirect(reverse("admin:index"))
            if form is not None and form.is_valid():
                given = {name: text for name, text in form.cleaned_data.items() if name != "again"}
                invitations.accept_with_new_user(token, **given)
                messages.success(request, f"You belong to {invitation.organization} now. Sign in.")
                return HttpResponseRedirect(reverse("admin:login"))
        except DomainError as refusal:
            problem = refusal.message
    sign_in = f"{reverse('admin:login')}?{urlencode({'next': request.path})}"
    mine = user is not None and user.email.lower() == invitation.email
    given = {"invitation": invitation, "form": form, "problem": problem, "sign_in": sign_in, "mine": mine}
    return _page(request, f"Join {invitation.organization}", **given)


def _page(request: HttpRequest, title: str, *, status: int = 200, **given: Any) -> HttpResponse:
    context = {**admin.site.each_context(request), "title": title, **given}
    return TemplateResponse(request, "desk/invitation.html", context, status=status)
