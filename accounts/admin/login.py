"""Signing in: the password, then the code for whoever has a second factor. Until both are right nobody is signed in."""

from typing import Any

from django.conf import settings
from django.contrib import admin
from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth import REDIRECT_FIELD_NAME, login
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme, urlencode
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.debug import sensitive_post_parameters

from accounts import clock
from accounts.domain import mfa, sessions
from accounts.domain.reviewers import PASSWORD_BACKEND
from accounts.exceptions import DomainError
from accounts.models import User

PENDING_MFA_SESSION_KEY = "dynamo_half_signed_in"
HALF_LIFE = 300  # seconds


class SignInForm(AdminAuthenticationForm):
    """Django's own; what it says tells nobody whether it was the name or the password."""

    error_messages = {
        **AdminAuthenticationForm.error_messages,
        "invalid_login": "There is no account with this name and this password that may sign in to the desk.",
    }


class MfaLoginView(LoginView):
    """Django's own, except that a right password does not do where there is a second factor."""

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        """Sign the person in, or remember whose code is asked for next."""
        user = form.get_user()
        if not isinstance(user, User) or mfa.get_mfa(user) is None:
            return super().form_valid(form)
        self.request.session.cycle_key()
        self.request.session[PENDING_MFA_SESSION_KEY] = [user.pk, user.get_session_auth_hash(), clock.now().timestamp()]
        onward = urlencode({REDIRECT_FIELD_NAME: self.get_success_url()})
        return HttpResponseRedirect(f"{reverse('admin_mfa')}?{onward}")


@never_cache
def login_view(request: HttpRequest) -> Any:
    """Ask for name and password, as Django's admin does."""
    if request.method == "GET" and admin.site.has_permission(request):
        return HttpResponseRedirect(reverse("admin:index"))
    context = {**admin.site.each_context(request), "title": "Sign in", "subtitle": None}
    context |= {"app_path": request.get_full_path(), "username": ""}
    if REDIRECT_FIELD_NAME not in request.GET and REDIRECT_FIELD_NAME not in request.POST:
        context[REDIRECT_FIELD_NAME] = reverse("admin:index")
    view = MfaLoginView.as_view(extra_context=context, authentication_form=SignInForm, template_name="admin/login.html")
    return view(request)


@sensitive_post_parameters()
@csrf_protect
@never_cache
def mfa_view(request: HttpRequest) -> HttpResponse:
    """Ask whoever has given the right password for their code, and sign them in."""
    user = _half_signed_in(request)
    if user is None:
        return HttpResponseRedirect(reverse("admin:login"))
    problem = ""
    if request.method == "POST":
        try:
            factor = mfa.verify_code(user, request.POST.get("code", ""))
        except DomainError as refusal:
            problem = refusal.message
        else:
            onward = _onward(request)
            del request.session[PENDING_MFA_SESSION_KEY]
            login(request, user, backend=PASSWORD_BACKEND)
            sessions.mark_authenticated(request, factor=factor.pk)
            return HttpResponseRedirect(onward)
    context = {**admin.site.each_context(request), "title": "Your code", "problem": problem, "onward": _onward(request)}
    return TemplateResponse(request, "desk/code.html", context)


def locked_out(request: HttpRequest, _response: HttpResponse | None, _credentials: Any = None) -> HttpResponse:
    """Say that there were too many wrong passwords, and for how long nobody looks at another."""
    minutes = -(-int(settings.AXES_COOLOFF_TIME.total_seconds()) // 60)
    context = {**admin.site.each_context(request), "title": "Locked for a while", "minutes": minutes}
    response = TemplateResponse(request, "desk/locked.html", context | {"has_permission": False}, status=429)
    response["Retry-After"] = str(int(settings.AXES_COOLOFF_TIME.total_seconds()))
    response["Cache-Control"] = "no-store"
    return response.render()


def _half_signed_in(request: HttpRequest) -> User | None:
    """Return who has given the right password a moment ago, unless it was changed or they were signed out since."""
    pk, known, at = request.session.get(PENDING_MFA_SESSION_KEY) or (None, "", 0)
    if pk is None or not 0 <= clock.now().timestamp() - at <= HALF_LIFE:
        return None
    user = User.objects.filter(pk=pk, is_active=True, is_staff=True).first()
    return user if user is not None and user.get_session_auth_hash() == known else None


def _onward(request: HttpRequest) -> str:
    given = request.POST.get(REDIRECT_FIELD_NAME) or request.GET.get(REDIRECT_FIELD_NAME) or ""
    safe = url_has_allowed_host_and_scheme(given, {request.get_host()}, require_https=request.is_secure())
    return given if safe else reverse("admin:index")
