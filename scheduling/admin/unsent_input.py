"""What was typed into a form of the review page whose session or CSRF token had expired: kept for the same form.

Kept in the cache for an hour under a random token, which is in a cookie: a request without a session stores no row.
"""

import secrets
from uuid import UUID

from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse, HttpResponseForbidden
from django.template.loader import render_to_string
from django.urls import reverse

from scheduling.models import ScheduledPost

COOKIE = "dynamo_unsent"
KEPT_SECONDS = 3600
# The forms whose input is kept after a CSRF failure: the action by URL name.
ACTIONS = {f"scheduling_scheduledpost_{name}": name for name in ("approve", "reject", "correct")}
FIELDS = {"notes": 10_000, "when": 40}  # with the longest text that is kept
CAPTIONS, MAX_CAPTIONS = "caption-", 20  # fields of the page that corrects captions, as long as notes


def keep(request: HttpRequest, response: HttpResponse, post_id: UUID, action: str) -> None:
    """Keep the typed fields of the request, and set the cookie on the response; without typed fields do nothing."""
    typed = {name: request.POST[name][:length] for name, length in FIELDS.items() if request.POST.get(name)}
    captions = [name for name in request.POST if name.startswith(CAPTIONS)][:MAX_CAPTIONS]
    typed |= {name: request.POST[name][: FIELDS["notes"]] for name in captions}
    if not typed or not ScheduledPost.objects.filter(pk=post_id).exists():
        return
    token = secrets.token_urlsafe(24)
    cache.set(_key(token), {"post": str(post_id), "action": action, "typed": typed}, timeout=KEPT_SECONDS)
    response.set_cookie(
        COOKIE,
        token,
        max_age=KEPT_SECONDS,
        secure=bool(settings.SESSION_COOKIE_SECURE),
        httponly=True,
        samesite="Lax",
    )


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Refuse the POST (CSRF_FAILURE_VIEW); keep what was typed into a form of a post, for example before a new login.

    The input of another site is not kept: the origin is checked before the token, which every other reason concerns.
    """
    match = request.resolver_match
    action = ACTIONS.get(match.url_name or "") if match and reason.startswith("CSRF ") else None
    if match is None or action is None:
        return HttpResponseForbidden(render_to_string("403_csrf.html"))
    post_id = match.kwargs["post_id"]
    page = "correct" if action == "correct" else "review"
    context = {"page": reverse(f"admin:scheduling_scheduledpost_{page}", args=[post_id])}
    response = HttpResponseForbidden(render_to_string("403_csrf.html", context))
    keep(request, response, post_id, action)
    return response


def typed_before_login(request: HttpRequest, post_id: UUID) -> dict[str, str]:
    """Return the kept fields of this post, and `restored_action`, the action that they were typed for."""
    kept = cache.get(_key(request.COOKIES.get(COOKIE, "")))
    if not kept or kept["post"] != str(post_id):
        return {}
    return {**kept["typed"], "restored_action": kept["action"]}


def forget(request: HttpRequest, post_id: UUID) -> None:
    """Delete what was kept for this post: an action on it was taken."""
    if typed_before_login(request, post_id):
        cache.delete(_key(request.COOKIES[COOKIE]))


def _key(token: str) -> str:
    return f"unsent:{token[:64]}" if token.isascii() and token.isprintable() and " " not in token else "unsent:"
