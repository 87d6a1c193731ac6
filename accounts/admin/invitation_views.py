"""The page behind an invitation link: a sign-up form for new users, a button for signed-in users."""

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth.password_validation import validate_password
from django.contrib.auth.validators import UnicodeUsernameValidator
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.debug import sensitive_post_parameters

from accounts.admin.base import render_page
from accounts.admin.users import CONFIRM_PASSWORD
from accounts.domain import invitations
from accounts.domain.reviewers import PASSWORD_BACKEND
from accounts.exceptions import DomainError
from accounts.models import Invitation, User

TEMPLATE = "dynamo/invitation.html"


class SignUpForm(forms.Form):
    """Username, name and password of a new user. The e-mail address is the invitation's."""

    username = forms.CharField(
        max_length=150, validators=[UnicodeUsernameValidator()],
        widget=forms.TextInput(attrs={"autocomplete": "username", "autocapitalize": "none", "spellcheck": "false"}),
    )  # fmt: skip
    first_name = forms.CharField(max_length=150, required=False, help_text="Shown to members and in the activity log.")
    last_name = forms.CharField(max_length=150, required=False)
    password = forms.CharField(strip=False, widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}))
    again = CONFIRM_PASSWORD
    time_zone = forms.CharField(required=False, max_length=64, widget=forms.HiddenInput({"data-time-zone": ""}))

    def __init__(self, *args: Any, invitation: Invitation, **kwargs: Any) -> None:
        self.invitation = invitation
        super().__init__(*args, **kwargs)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if "@" in cleaned.get("username", "") and cleaned["username"].lower() != self.invitation.email:
            # It would hide the account that signs in by this address.
            self.add_error("username", f"Choose a name without @, or {self.invitation.email}.")
        password = cleaned.get("password")
        if password and password != cleaned.get("again"):
            self.add_error("again", "The two passwords differ.")
        elif password:
            names = {name: cleaned.get(name, "") for name in ("username", "first_name", "last_name")}
            try:
                validate_password(password, User(email=self.invitation.email, **names))
            except forms.ValidationError as error:
                self.add_error("password", error)
        return cleaned


@sensitive_post_parameters()
@csrf_protect
@never_cache
def accept_invitation(request: HttpRequest, token: str) -> HttpResponse:
    """Show the invitation; on POST accept it. 410 when it is invalid or expired."""
    try:
        invitation = invitations.find(token)
    except DomainError as error:
        return render_page(request, TEMPLATE, "Invitation", status=410, dead=error.message)
    user = request.user if isinstance(request.user, User) else None
    has_account = invitations.invitee_has_account(invitation)
    form = None if user or has_account else SignUpForm(request.POST or None, invitation=invitation)
    problem = ""
    if request.method == "POST":
        try:
            if user is not None:
                invitations.accept(token, user)
                messages.success(request, f"You are now a member of {invitation.organization}.")
                return HttpResponseRedirect(reverse("admin:index"))
            if form is not None and form.is_valid():
                fields = {name: value for name, value in form.cleaned_data.items() if name != "again"}
                membership = invitations.accept_with_new_user(token, **fields)
                login(request, membership.user, backend=PASSWORD_BACKEND)
                messages.success(request, f"You are now a member of {invitation.organization}.")
                return HttpResponseRedirect(reverse("admin:index"))
        except DomainError as error:
            problem = error.message
    return render_page(
        request,
        TEMPLATE,
        f"Join {invitation.organization}",
        invitation=invitation,
        form=form,
        problem=problem,
        sign_in=f"{reverse('admin:login')}?{urlencode({'next': request.path})}",
        mine=user is not None and user.email.lower() == invitation.email,
    )
