"""Forgotten password: ask for a link by e-mail, and set a new password behind it."""

import hashlib
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.forms import SetPasswordForm
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.debug import sensitive_post_parameters
from redis.exceptions import RedisError

from accounts import clock
from accounts.admin.base import render_page
from accounts.client_ip import client_ip
from accounts.domain import account_recovery
from accounts.exceptions import DomainError

HOUR = 3600
ADDRESS_FACTOR = 5  # requests per client address, relative to those per mailbox: an address may have several users


class PasswordResetForm(forms.Form):
    email = forms.EmailField(
        label="E-mail", max_length=254, widget=forms.EmailInput(attrs={"autocomplete": "email", "autofocus": True})
    )


class NewPasswordForm(SetPasswordForm):  # type: ignore[type-arg]  # Django's are not generic at runtime
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["new_password2"].label, self.fields["new_password2"].help_text = "Confirm new password", ""


@csrf_protect
@never_cache
def password_reset_view(request: HttpRequest) -> HttpResponse:
    """Ask for an address; on POST have the link mailed. The response is the same for every address.

    429 after too many requests from one client address. Too many requests for one mailbox send nothing.
    """
    form = PasswordResetForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        email = form.cleaned_data["email"].lower()
        limit = settings.PASSWORD_RESETS_PER_HOUR
        if _count(f"address:{client_ip(request)}") > limit * ADDRESS_FACTOR:
            return _page(request, form, "Too many requests. Try again in an hour.", status=429)
        if _count(f"mailbox:{hashlib.sha256(email.encode()).hexdigest()}") <= limit:
            account_recovery.request_password_reset(email)
        return _page(request, None)
    return _page(request, form)


@sensitive_post_parameters()
@csrf_protect
@never_cache
def password_reset_confirm_view(request: HttpRequest, uid: str, token: str) -> HttpResponse:
    """Show the form for the new password; on POST set it. 410 when the link is invalid, used or expired.

    Not Django's view, which writes the token into a session on GET. No page of ours sends the URL to another site.
    """
    title = "New password"
    try:
        user = account_recovery.user_of_link(uid, token)
        form = NewPasswordForm(user, request.POST if request.method == "POST" else None)
        if request.method == "POST" and form.is_valid():
            account_recovery.set_password(uid, token, form.cleaned_data["new_password1"])
            messages.success(request, "Your password was changed. Sign in.")
            return HttpResponseRedirect(reverse("admin:login"))
    except DomainError as error:
        return render_page(request, "registration/password_reset_confirm.html", title, status=410, dead=error.message)
    return render_page(request, "registration/password_reset_confirm.html", title, form=form, person=user)


def _page(request: HttpRequest, form: forms.Form | None, problem: str = "", status: int = 200) -> HttpResponse:
    context = {"form": form, "problem": problem, "mail_goes_out": settings.MAIL_GOES_OUT}
    return render_page(request, "registration/password_reset_form.html", "Forgotten password", status=status, **context)


def _count(name: str) -> int:
    """Add one to a counter of this hour and return it; 0 when the cache is down."""
    key = f"password-reset:{name}:{int(clock.now().timestamp() // HOUR)}"
    try:
        return 1 if cache.add(key, 1, HOUR * 2) else cache.incr(key)
    except (OSError, RedisError, ValueError):  # ValueError: evicted between the two calls
        return 0
