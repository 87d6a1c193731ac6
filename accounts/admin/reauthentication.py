"""Re-authentication (sudo mode): a view that needs it raises ReauthenticationRequired, and the user is asked.

The response is a form that repeats everything that was posted, except passwords and tokens, to the same URL. With the
credential in it the middleware accepts the request and the view runs as if nothing had happened.
"""

from typing import Any

from django.contrib.auth import authenticate
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.deprecation import MiddlewareMixin
from django.views.decorators.debug import sensitive_variables

from accounts.admin.base import render_page
from accounts.domain import mfa, sessions
from accounts.exceptions import DomainError
from accounts.models import User

CREDENTIAL = "proof"  # the POST field with the password or the code
# Names of POST fields that a page must not contain. Exact names: `reset_password` is a choice, not a secret.
SECRET_FIELDS = {
    "password", "password1", "password2", "old_password", "new_password1", "new_password2", "again", "token",
}  # fmt: skip


class ReauthenticationMiddleware(MiddlewareMixin):
    """Verifies the credential in a POST to the admin, and asks for one when a view requires it. Goes after CSRF."""

    def process_view(self, request: HttpRequest, *_: Any) -> HttpResponse | None:
        if request.method != "POST" or not request.path.startswith(reverse("admin:index")):
            return None
        if CREDENTIAL not in request.POST or not isinstance(request.user, User):
            return None
        problem = verify_credential(request, request.user, request.POST[CREDENTIAL])
        if not problem:
            return None
        return _credential_page(request, code=mfa.get_mfa(request.user) is not None, problem=problem)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if not isinstance(error, sessions.ReauthenticationRequired):
            return None
        return _credential_page(request, code=error.code)


def verify_credential(request: HttpRequest, user: User, credential: str) -> str:
    """Verify a code, or the password of a user without a device; mark the session. Return an error message or ""."""
    if mfa.get_mfa(user) is None:
        if not check_password_throttled(request, user, credential):
            return "That is not your password."
        sessions.mark_authenticated(request)
        return ""
    try:
        device = mfa.verify_code(user, credential)
    except DomainError as error:
        return error.message
    sessions.mark_authenticated(request, device_id=device.pk)
    return ""


@sensitive_variables()
def check_password_throttled(request: HttpRequest, user: User, password: str) -> bool:
    """Whether that is the user's password. Wrong ones count towards the login lockout (axes)."""
    authenticated = authenticate(request, username=user.get_username(), password=password)
    return authenticated is not None and authenticated.pk == user.pk


def _credential_page(request: HttpRequest, *, code: bool, problem: str = "") -> HttpResponse:
    repeated = [
        (name, value)
        for name, values in request.POST.lists()
        if name not in {CREDENTIAL, "csrfmiddlewaretoken", *SECRET_FIELDS}
        for value in values
    ]
    context = {"code": code, "problem": problem, "repeated": repeated, "action": request.get_full_path()}
    page = render_page(request, "dynamo/reauthenticate.html", "Confirm your identity", status=403, **context)
    return page.render()
