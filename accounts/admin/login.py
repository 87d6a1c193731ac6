"""Login: the password, then a code for users with two-factor authentication. The session starts after both.

django-axes counts wrong passwords by username and address; dynamo/settings.py has its settings.
"""

from typing import Any

from axes.backends import AxesStandaloneBackend
from django.conf import settings
from django.contrib import admin
from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth import REDIRECT_FIELD_NAME, login
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme, urlencode
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.debug import sensitive_post_parameters

from accounts import clock
from accounts.admin.base import render_page
from accounts.client_ip import client_ip
from accounts.domain import mfa, sessions
from accounts.domain.account_recovery import users_with_email
from accounts.domain.reviewers import PASSWORD_BACKEND
from accounts.exceptions import DomainError
from accounts.models import User

PENDING_MFA_SESSION_KEY = "dynamo_pending_mfa"  # [user id, session auth hash, Unix time of the password check]
PENDING_MFA_SECONDS = 300


class LoginForm(AdminAuthenticationForm):
    """Django's login form, which also takes an e-mail address that one account has.

    The error does not disclose whether the username or the password was wrong. A username comes first, so that wrong
    passwords count for the account under either name.
    """

    error_messages = {**AdminAuthenticationForm.error_messages, "invalid_login": "Wrong username or password"}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["username"]
        field.label, field.max_length = "Username or e-mail", 254
        field.widget.attrs["maxlength"] = 254

    def clean_username(self) -> str:
        name = str(self.cleaned_data["username"])
        if "@" not in name or User.objects.filter(username=name).exists():
            return name
        users = list(users_with_email(name)[:2])
        return users[0].get_username() if len(users) == 1 else name


class MfaLoginView(LoginView):
    """Django's login view, which redirects to the code page when the user has two-factor authentication."""

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        user = form.get_user()
        if not isinstance(user, User) or mfa.get_mfa(user) is None:
            return super().form_valid(form)
        self.request.session.cycle_key()
        self.request.session[PENDING_MFA_SESSION_KEY] = [user.pk, user.get_session_auth_hash(), clock.now().timestamp()]
        query = urlencode({REDIRECT_FIELD_NAME: self.get_success_url()})
        return HttpResponseRedirect(f"{reverse('admin_mfa')}?{query}")


@never_cache
def login_view(request: HttpRequest) -> Any:
    if request.method == "GET" and admin.site.has_permission(request):
        return HttpResponseRedirect(reverse("admin:index"))
    context = {**admin.site.each_context(request), "title": "Sign in", "subtitle": None}
    context |= {"app_path": request.get_full_path(), "username": ""}
    if REDIRECT_FIELD_NAME not in request.GET and REDIRECT_FIELD_NAME not in request.POST:
        context[REDIRECT_FIELD_NAME] = reverse("admin:index")
    view = MfaLoginView.as_view(extra_context=context, authentication_form=LoginForm, template_name="admin/login.html")
    return view(request)


@sensitive_post_parameters()
@csrf_protect
@never_cache
def mfa_view(request: HttpRequest) -> HttpResponse:
    """Ask for the code after a correct password; on POST verify it and log the user in."""
    user = _pending_user(request)
    if user is None:
        return HttpResponseRedirect(reverse("admin:login"))
    problem = ""
    if request.method == "POST":
        try:
            device = mfa.verify_code(user, request.POST.get("code", ""))
        except DomainError as error:
            problem = error.message
        else:
            del request.session[PENDING_MFA_SESSION_KEY]
            login(request, user, backend=PASSWORD_BACKEND)
            sessions.mark_authenticated(request, device_id=device.pk)
            return HttpResponseRedirect(_redirect_url(request))
    return render_page(request, "dynamo/code.html", "Your code", problem=problem, next=_redirect_url(request))


class LoginThrottleBackend(AxesStandaloneBackend):  # type: ignore[misc]  # axes carries no types
    """Raises PermissionDenied during a lockout. Without a request (`authenticate` in a shell) it does nothing."""

    def authenticate(self, request: HttpRequest | None, **credentials: Any) -> None:
        if request is not None:
            super().authenticate(request, **credentials)


def axes_client_ip(request: HttpRequest) -> str:
    """Return the client's address in a form that axes can store: the first address of an IPv6 network."""
    address = client_ip(request).partition("/")[0]
    return "0.0.0.0" if address == "unknown" else address  # noqa: S104  shared by all clients of unknown address


def axes_username(request: HttpRequest, credentials: dict[str, Any] | None) -> str:
    """Return the submitted username without NUL, cut to the 150 characters that axes stores."""
    username = (credentials or {}).get("username") or request.POST.get("username") or ""
    return str(username).replace("\x00", "")[:150]


def locked_out(request: HttpRequest, _response: HttpResponse | None, _credentials: Any = None) -> HttpResponse:
    """Return 429 after too many wrong passwords. Called by django-axes (AXES_LOCKOUT_CALLABLE)."""
    seconds = int(settings.AXES_COOLOFF_TIME.total_seconds())
    context = {"minutes": -(-seconds // 60), "has_permission": False}
    response = render_page(request, "dynamo/locked.html", "Temporarily locked", status=429, **context)
    response["Retry-After"] = str(seconds)
    return response.render()


def _pending_user(request: HttpRequest) -> User | None:
    """Return the user who gave the right password within PENDING_MFA_SECONDS, unless the sessions were ended since."""
    pk, auth_hash, at = request.session.get(PENDING_MFA_SESSION_KEY) or (None, "", 0)
    if pk is None or not 0 <= clock.now().timestamp() - at <= PENDING_MFA_SECONDS:
        return None
    user = User.objects.filter(pk=pk, is_active=True, is_staff=True).first()
    return user if user is not None and user.get_session_auth_hash() == auth_hash else None


def _redirect_url(request: HttpRequest) -> str:
    url = request.POST.get(REDIRECT_FIELD_NAME) or request.GET.get(REDIRECT_FIELD_NAME) or ""
    safe = url_has_allowed_host_and_scheme(url, {request.get_host()}, require_https=request.is_secure())
    return url if safe else reverse("admin:index")
