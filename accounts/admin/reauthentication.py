"""Step-up: before a decision in an old session the person is asked who they are, and what they typed then goes on.

Whatever view finds that a proof is needed lets `ProofNeeded` through. The answer is a page that carries all that was
sent, except passwords; with the proof on it, it is sent again to the same address, and the view never learns that
there was a question.
"""

from collections.abc import Callable
from typing import Any

from django.contrib import admin
from django.contrib.auth import authenticate
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.views.decorators.debug import sensitive_variables

from accounts.domain import mfa, sessions
from accounts.exceptions import DomainError
from accounts.models import User

PROOF = "proof"
OURS = (PROOF, "csrfmiddlewaretoken")


class ReauthenticationMiddleware:
    """Asks for a proof when a view needs one, and takes the one that a page carries. Comes after CSRF protection."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Pass the request on."""
        return self.get_response(request)

    def process_view(self, request: HttpRequest, *_: Any) -> HttpResponse | None:
        """Take the proof that came along; ask again when it is wrong. Nothing outside the desk is looked at."""
        if request.method != "POST" or not request.path.startswith(reverse("admin:index")):
            return None
        if PROOF not in request.POST or not isinstance(request.user, User):
            return None
        problem = verify_credential(request, request.user, request.POST[PROOF])
        return _ask(request, code=mfa.get_mfa(request.user) is not None, problem=problem) if problem else None

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """Ask for the proof that a view found missing."""
        return _ask(request, code=error.code) if isinstance(error, sessions.ReauthenticationRequired) else None


def verify_credential(request: HttpRequest, user: User, proof: str) -> str:
    """Take a code of the person's second factor, or without one their password; return what is wrong with it."""
    if mfa.get_mfa(user) is None:
        if not check_password_throttled(request, user, proof):
            return "That is not your password."
        sessions.mark_authenticated(request)
        return ""
    try:
        factor = mfa.verify_code(user, proof)
    except DomainError as refusal:
        return refusal.message
    sessions.mark_authenticated(request, factor=factor.pk)
    return ""


@sensitive_variables()
def check_password_throttled(request: HttpRequest, user: User, typed: str) -> bool:
    """Whether that is the person's password. Wrong ones count as at the sign-in, and lock as it does."""
    known = authenticate(request, username=user.get_username(), password=typed)
    return known is not None and known.pk == user.pk


def _ask(request: HttpRequest, *, code: bool, problem: str = "") -> HttpResponse:
    sent = [(name, texts) for name, texts in request.POST.lists() if name not in OURS and "password" not in name]
    typed = [(name, text) for name, texts in sent for text in texts]
    context = {**admin.site.each_context(request), "title": "Is it you?", "code": code, "problem": problem}
    context |= {"typed": typed, "action": request.get_full_path()}
    response = TemplateResponse(request, "desk/prove.html", context, status=403)
    response["Cache-Control"] = "no-store"
    return response.render()
