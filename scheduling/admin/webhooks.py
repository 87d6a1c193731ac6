"""Webhooks on the desk, for administrators. A secret is shown on the page that answers the POST, nowhere else."""

import hashlib
from collections.abc import Sequence
from typing import Any
from uuid import UUID, uuid4

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Max, Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern

from accounts import clock
from accounts.admin.base import BaseAdmin, DomainForm, current_user, organizations_with_role
from accounts.domain.actors import Actor, user_actor
from accounts.exceptions import Conflict, DomainError
from accounts.models import Role
from scheduling.domain.notifications import webhooks
from scheduling.models import DispatchState, NoticeKind, Webhook

IN_WORDS: dict[str, str] = {
    NoticeKind.SUBMITTED: "A post waits for approval",
    NoticeKind.REJECTED: "A post was rejected",
    NoticeKind.APPROVED: "A post was approved",
    NoticeKind.PUBLISHED: "A post is live",
    NoticeKind.FAILED: "A post did not go live",
    NoticeKind.UNKNOWN: "Nobody knows whether a post is live",
    NoticeKind.RECONNECT: "A channel needs reconnecting",
    NoticeKind.UNAPPROVED: "A post falls due and is not approved",
    NoticeKind.RULES: "The organization's rules changed",
    NoticeKind.TEST: "Trying out a webhook",
}


def choices(kinds: Sequence[NoticeKind]) -> list[tuple[str, str]]:
    """Return kinds of news for a form, in words."""
    return [(str(kind), IN_WORDS[kind]) for kind in kinds]


class WebhookForm(DomainForm):
    """Where it goes, and what it is told. It carries the id that a new one will have, so that it is added once."""

    url = forms.CharField(
        label="Address",
        max_length=webhooks.LONGEST,
        widget=forms.URLInput({"autocomplete": "off", "spellcheck": "false"}),
        help_text="Of the system that is to be told. It must begin with https:// and be reachable from outside.",
    )
    kinds = forms.MultipleChoiceField(
        label="What it is told", choices=choices(webhooks.WANTED), widget=forms.CheckboxSelectMultiple
    )
    active = forms.BooleanField(
        label="In use", required=False, initial=True, help_text="Switched off, nothing is sent to it."
    )
    hook_id = forms.UUIDField(widget=forms.HiddenInput, initial=uuid4, required=False)

    def __init__(self, *args: Any, row: Webhook | None = None, **kwargs: Any) -> None:
        super().__init__(*args, row=row, **kwargs)
        self.secret = ""
        everything = [str(kind) for kind in webhooks.WANTED]
        self.initial["kinds"] = row.kinds if row else everything
        if row is None:
            del self.fields["active"]
        else:
            self.initial = {**self.initial, "url": row.url, "active": row.active}

    def save(self, actor: Actor) -> tuple[Webhook, str]:
        """Add it, which makes a secret, or change it."""
        given = self.cleaned_data
        if self.row is None:
            hook, self.secret = webhooks.add(
                actor,
                organization=self.organization,
                url=given["url"],
                kinds=given["kinds"],
                hook_id=given["hook_id"],
            )
            return hook, f"{webhooks.host(hook)} is told from now on."
        webhooks.change(actor, self.row, url=given["url"], kinds=given["kinds"], active=given["active"])
        return self.row, f"The webhook to {webhooks.host(self.row)} is saved."


def fingerprint(hook: Webhook) -> str:
    """Return what tells the present secret from a later one, and nothing about it."""
    return hashlib.sha256(hook.secret_encrypted.encode()).hexdigest()[:16]


@admin.register(Webhook)
class WebhookAdmin(BaseAdmin):
    """Administrators see, add, change, rotate, try out and remove the webhooks of their organizations; nobody else."""

    edit_role = Role.ADMIN
    form_class = WebhookForm
    form_template = "admin/scheduling/webhook/change_form.html"
    add_title = "Add a webhook"
    ordering = ("organization__name", "created_at")

    def get_urls(self) -> list[URLPattern]:
        """Add a URL per button."""
        buttons = self.action_urls("<uuid:hook_id>", ("rotate", "test", "remove"), self.act)
        return [*buttons, *super().get_urls()]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Webhook]:
        """Return those of the organizations that the person administers, with what became of their calls."""
        own = Webhook.objects.filter(organization__in=organizations_with_role(request, Role.ADMIN))
        state = "dispatches__state"
        return own.select_related("organization", "created_by").annotate(
            waiting=Count("dispatches", filter=Q(**{state: DispatchState.PENDING})),
            given_up=Count("dispatches", filter=Q(**{state: DispatchState.FAILED})),
            last_sent=Max("dispatches__sent_at"),
        )

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whether the person administers: an address may carry a secret of its own."""
        return self.has_change_permission(request, obj)

    def has_module_permission(self, request: HttpRequest) -> bool:
        """As for looking."""
        return self.has_change_permission(request)

    def answer(self, request: HttpRequest, form: DomainForm, stored: Any, said: str) -> HttpResponse:
        """Show a new webhook's secret, this once."""
        secret = form.secret if isinstance(form, WebhookForm) else ""
        return self._secret(request, stored, secret, said) if secret else super().answer(request, form, stored, said)

    def act(self, request: HttpRequest, hook_id: UUID, name: str) -> HttpResponse:
        """Do what the button says."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if not self.admin_site.has_permission(request):
            return redirect_to_login(self.url("changelist"), self.admin_site.name + ":login")
        hook = self.get_object_or_404(request, str(hook_id))
        if not self.has_change_permission(request, hook):
            raise PermissionDenied
        actor, host = user_actor(current_user(request)), webhooks.host(hook)
        try:
            if name == "rotate":
                if request.POST.get("known") != fingerprint(hook):
                    raise Conflict("Its secret was changed meanwhile; the new one was shown then")
                return self._secret(request, hook, webhooks.rotate(actor, hook), "")
            if name == "remove":
                webhooks.remove(actor, hook)
                messages.success(request, f"The webhook to {host} is removed.")
                return HttpResponseRedirect(self.url("changelist"))
            webhooks.send_test(actor, hook)
            messages.success(request, f"A test is on its way to {host}: the log says what became of it.")
        except DomainError as refusal:
            messages.error(request, refusal.message)
        return HttpResponseRedirect(self.url("change", hook.pk))

    def context(self, row: Any) -> dict[str, Any]:
        """Return what the buttons of an existing one need."""
        if not row:
            return {}
        return {"known": fingerprint(row), "rotating": bool(row.previous_until and row.previous_until > clock.now())}

    def _secret(self, request: HttpRequest, hook: Webhook, secret: str, said: str) -> HttpResponse:
        context = {**self.admin_site.each_context(request), "opts": self.opts, "list_url": self.url("changelist")}
        context |= {"hook": hook, "secret": secret, "said": said, "title": f"Secret for {webhooks.host(hook)}"}
        return TemplateResponse(request, "admin/scheduling/webhook/secret.html", context)
