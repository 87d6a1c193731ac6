"""The pages of Facebook Login: the way to the dialog, the way back from it, and the choice of Pages.

The dialog's GET back changes nothing: its form's POST exchanges the code. Code and state are taken out of the request
before anything can log them, and the page sends no referrer.
"""

import re
from collections.abc import Callable
from functools import wraps
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.urls import URLPattern, path
from django.utils.http import urlencode

from accounts.admin.base import (
    BaseAdmin,
    current_user,
    has_role,
    membership_for,
    memberships,
    reauthenticated_actor,
    render_page,
)
from accounts.exceptions import DomainError, Invalid
from accounts.models import Organization, Role
from posts.domain import channel_tokens, facebook_login
from posts.domain.channel_tokens import VerifiedToken
from posts.domain.facebook_login import State
from posts.models import Channel, ChannelState, FacebookLogin

CANCELLED = "You cancelled at Facebook. Nothing was connected or changed."
NO_ANSWER = "Facebook returned no code. Start again."
LONGEST_CODE = 2000
PRESELECTED = {None, ChannelState.NEEDS_RECONNECT}


class Unprinted(str):
    """A text that neither a log nor the variables of an error report show."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'…'"


def _answer(request: HttpRequest) -> dict[str, str]:
    given = request.POST if request.method == "POST" else request.GET
    return {name: Unprinted(given.get(name, "")) for name in ("code", "state", "error")}


def hide_query(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Move the answer to `request.login_answer`, before a login redirect, a log or an error report can repeat it."""

    @wraps(view)
    def inner(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        request.login_answer = _answer(request)  # type: ignore[attr-defined]
        request.GET = QueryDict()
        request.META["QUERY_STRING"] = ""
        for name in {"RAW_URI", "REQUEST_URI"} & request.META.keys():  # servers keep the whole URL there
            request.META[name] = request.path
        request.sensitive_post_parameters = "__ALL__"  # type: ignore[attr-defined]
        response = view(request, *args, **kwargs)
        response["Referrer-Policy"] = "no-referrer"
        response["Cache-Control"] = "no-store"
        return response

    return inner


class FacebookLoginAdmin(BaseAdmin):
    """The part of the channel admin that connects by Facebook Login."""

    def login_urls(self) -> list[URLPattern]:
        wrap, name = self.admin_site.admin_view, f"{self.label}_connect"
        return [
            path("connect/", wrap(self.start_view), name=name),
            path("connect/callback/", hide_query(wrap(self.callback_view)), name=f"{name}_callback"),
            path("connect/<uuid:login_id>/", wrap(self.choose_view), name=f"{name}_choose"),
        ]

    def redirect_uri(self) -> str:
        """Return the address that the Meta app has to list. It does not follow the request's host."""
        return f"{settings.ADMIN_URL}{self.url('connect_callback')}"

    def start_view(self, request: HttpRequest) -> HttpResponse:
        """Redirect to the dialog, for `?channel=` to connect again or for `?organization=`. Stores nothing."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        channel: Channel | None = None
        if given := request.GET.get("channel"):
            channel = self.get_object_or_404(request, given, change=True)
            organization = channel.organization
        else:
            choices = [each for each in memberships(request) if has_role(each, Role.ADMIN)]
            named = request.GET.get("organization")
            chosen = [each for each in choices if str(each.organization_id) == named]
            if len(choices) > 1 and not chosen:
                context: dict[str, Any] = {"opts": self.opts, "memberships": choices}
                return render_page(request, "dynamo/choose.html", "Connect with Facebook", **context)
            organization = (chosen or choices)[0].organization
        if not channel_tokens.is_configured():
            return self._problem(
                request, "Facebook Login is not set up: GRAPH_APP_ID and GRAPH_APP_SECRET are missing."
            )
        response = HttpResponseRedirect(
            facebook_login.dialog_url(
                str(request.session.session_key),
                organization,
                channel,
                self.redirect_uri(),
                rerequest="rerequest" in request.GET,
            )
        )
        response["Cache-Control"] = "no-store"
        return response

    def callback_view(self, request: HttpRequest) -> HttpResponse:
        """GET: show what the dialog answered, and change nothing. POST: exchange the code."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        code, text, error = request.login_answer.values()  # type: ignore[attr-defined]
        again = ""
        try:
            state, organization = self._state(request, text)
            again = self._start_url(organization, state.channel_id)
            if error:
                word = re.sub(r"\W", "", error)[:40]
                raise Invalid(CANCELLED if error == "access_denied" else f"Facebook ended the login: {word}.")
            if not code.isascii() or not code.isprintable() or not 0 < len(code) <= LONGEST_CODE:
                raise Invalid(NO_ANSWER)
            if request.method == "POST":
                return self._exchange(request, state, organization, code)
        except DomainError as refusal:
            return self._problem(request, refusal.message, again)
        context: dict[str, Any] = {"opts": self.opts, "organization": organization, "code": code, "state": text}
        context |= {"action": self.url("connect_callback"), "list_url": self.url("changelist")}
        return render_page(request, "admin/posts/channel/connect_callback.html", "Back from Facebook", **context)

    def _state(self, request: HttpRequest, text: str) -> tuple[State, Organization]:
        """Return the state and its organization. Raises Invalid; PermissionDenied for one that the user lost."""
        state = facebook_login.read_state(str(request.session.session_key), text)
        membership = membership_for(request, UUID(state.organization_id))
        if membership is None or not has_role(membership, Role.ADMIN):
            raise PermissionDenied
        return state, membership.organization

    def _exchange(self, request: HttpRequest, state: State, organization: Organization, code: str) -> HttpResponse:
        actor = reauthenticated_actor(request)
        channels = Channel.objects.filter(organization=organization)
        channel = channels.filter(pk=state.channel_id).first() if state.channel_id else None
        redirect_uri = self.redirect_uri()
        row = facebook_login.exchange(
            current_user(request), organization, channel, nonce=state.nonce, code=code, redirect_uri=redirect_uri
        )
        if channel is not None:
            offered = facebook_login.choices(organization, facebook_login.read_answer(row))
            if any(choice.channel == channel and not choice.problem for choice in offered):
                connected, problems = facebook_login.connect_chosen(actor, row, {channel.public_id})
                self._show_results(request, connected, problems)
                if connected:
                    return HttpResponseRedirect(self.url("changelist"))
        return HttpResponseRedirect(self.url("connect_choose", row.pk))

    def choose_view(self, request: HttpRequest, login_id: UUID) -> HttpResponse:
        """Offer the Pages of a login, and connect the chosen ones. Found only by its own user."""
        row = facebook_login.find_login(current_user(request), login_id)
        if row is None or not has_role(membership_for(request, row.organization_id), Role.ADMIN):
            return self._problem(request, "This login has ended. Start again to choose Pages.", status=404)
        try:
            return self._choose(request, row)
        except DomainError as refusal:
            return self._problem(request, refusal.message, self._start_url(row.organization, row.channel_id))

    def _choose(self, request: HttpRequest, row: FacebookLogin) -> HttpResponse:
        problem = ""
        if request.method == "POST":
            if "cancel" in request.POST:
                facebook_login.forget(row)
                return HttpResponseRedirect(self.url("changelist"))
            chosen = set(request.POST.getlist("channel"))
            actor = reauthenticated_actor(request)
            connected, problems = facebook_login.connect_chosen(actor, row, chosen)
            self._show_results(request, connected, problems)
            if connected:
                return HttpResponseRedirect(self.url("changelist"))
            problem = "" if problems else "Choose at least one Page or Instagram account."
        return self._choose_page(request, row, problem)

    def _choose_page(self, request: HttpRequest, row: FacebookLogin, problem: str) -> HttpResponse:
        answer = facebook_login.read_answer(row)
        offered = facebook_login.choices(row.organization, answer)
        if row.channel is not None and not any(choice.channel == row.channel for choice in offered):
            problem = problem or (
                f"{row.channel.name} is not among the Pages that Facebook returned. Start again and choose it in the "
                "dialog, or log in to Facebook as a person who manages it."
            )
        entries = [
            {
                "choice": choice,
                "checked": choice.channel == row.channel
                if row.channel
                else (choice.channel and choice.channel.state) in PRESELECTED,
            }
            for choice in offered
        ]
        again = self._start_url(row.organization, row.channel_id)
        context: dict[str, Any] = {"opts": self.opts, "list_url": self.url("changelist"), "row": row}
        context |= {
            "entries": entries,
            "problem": problem or ("" if offered else facebook_login.NO_PAGES),
            "again": again,
        }
        context |= {"missing": facebook_login.missing(answer), "granted": facebook_login.granted(answer)}
        context["not_in_configuration"] = facebook_login.not_in_configuration(answer)
        return render_page(request, "admin/posts/channel/connect_choose.html", "Choose Pages", **context)

    def _show_results(
        self, request: HttpRequest, connected: list[tuple[Channel, VerifiedToken]], problems: list[str]
    ) -> None:
        for channel, verified in connected:
            messages.success(request, f"Connected: {channel.name}.")
            for warning in channel_tokens.token_warnings(verified):
                messages.warning(request, f"{channel.name}: {warning}")
        for problem in problems:
            messages.error(request, problem)

    def _start_url(self, organization: Organization, channel_id: int | None) -> str:
        query = {"channel": str(channel_id)} if channel_id else {"organization": str(organization.pk)}
        return f"{self.url('connect')}?{urlencode(query)}"

    def _problem(self, request: HttpRequest, problem: str, again: str = "", *, status: int = 200) -> HttpResponse:
        context = {"opts": self.opts, "list_url": self.url("changelist"), "problem": problem}
        context["again"] = again or (self.url("connect") if channel_tokens.is_configured() else "")
        template = "admin/posts/channel/connect_problem.html"
        return render_page(request, template, "Connect with Facebook", status=status, **context)
