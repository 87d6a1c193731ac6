"""Webhooks in the admin, for administrators. A secret is shown once, in the response to the POST that creates it."""

import hashlib
from collections.abc import Iterable
from typing import Any
from uuid import UUID, uuid4

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Max, OuterRef, Q, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern

from accounts import clock
from accounts.admin.base import (
    BaseAdmin,
    DomainForm,
    current_user,
    organizations_with_role,
    reauthenticated_actor,
    render_page,
)
from accounts.domain.actors import Actor, user_actor
from accounts.exceptions import Conflict, DomainError
from accounts.models import Role
from scheduling.admin.actions import post_only
from scheduling.domain.notifications import webhooks
from scheduling.models import DispatchState, NoticeKind, NotificationDelivery, Webhook

KIND_LABELS: dict[str, str] = {
    NoticeKind.CREATED: "A post was created",
    NoticeKind.EDITED: "A post was edited",
    NoticeKind.OVERWRITTEN: "An API key changed a post that you edited last",
    NoticeKind.SUBMITTED: "A post is waiting for approval",
    NoticeKind.REJECTED: "A post was rejected",
    NoticeKind.APPROVED: "A post was approved",
    NoticeKind.PUBLISHED: "A post was published",
    NoticeKind.FAILED: "A post failed",
    NoticeKind.LATE: "A post failed because its time passed",
    NoticeKind.UNKNOWN: "A post has an unknown outcome",
    NoticeKind.RECONNECT: "A channel needs reconnecting",
    NoticeKind.BLOCKED: "A channel was blocked by the platform",
    NoticeKind.DEAUTHORIZED: "The access to a channel was withdrawn",
    NoticeKind.TOKEN_EXPIRES: "A channel's access token expires in 14, 7 or 1 days",
    NoticeKind.DATA_ACCESS_EXPIRES: "A channel's data access expires in 14, 7 or 1 days",
    NoticeKind.PERMISSIONS_LOST: "A channel lost permissions",
    NoticeKind.UNAPPROVED: "A post is due soon and not approved",
    NoticeKind.REVERTED: "An approved post was reverted",
    NoticeKind.DELETED: "An approved post was deleted",
    NoticeKind.RULES: "The approval policy changed",
    NoticeKind.WEBHOOK_STOPPED: "A webhook was stopped by its receiver",
    NoticeKind.HELD: "Publishing is held after a restore of the database",
    NoticeKind.PAUSED: "Publishing was paused",
    NoticeKind.TEST: "Test of a webhook",
}


FAILED = DispatchState.FAILED


def kind_choices(kinds: Iterable[NoticeKind]) -> list[tuple[str, str]]:
    return [(str(kind), KIND_LABELS[kind]) for kind in kinds]


class WebhookForm(DomainForm):
    """Adds or changes a webhook. The hidden id of a new one makes a repeated submit fail instead of adding two."""

    url = forms.CharField(
        label="URL",
        max_length=webhooks.LONGEST,
        widget=forms.URLInput({"autocomplete": "off", "spellcheck": "false"}),
        help_text="The system to notify. Must start with https:// and be publicly reachable.",
    )
    kinds = forms.MultipleChoiceField(
        label="Notifications", choices=kind_choices(webhooks.WANTED), widget=forms.CheckboxSelectMultiple
    )
    active = forms.BooleanField(
        label="Active", required=False, initial=True, help_text="Nothing is sent to an inactive webhook."
    )
    hook_id = forms.UUIDField(widget=forms.HiddenInput, initial=uuid4, required=False)

    def __init__(self, *args: Any, row: Webhook | None = None, **kwargs: Any) -> None:
        super().__init__(*args, row=row, **kwargs)
        self.secret = ""
        self.initial["kinds"] = row.kinds if row else [str(kind) for kind in webhooks.WANTED]
        if row is None:
            del self.fields["active"]
        else:
            self.initial = {**self.initial, "url": row.url, "active": row.active}

    def save(self, actor: Actor) -> tuple[Webhook, str]:
        """Add the webhook, with a new secret in `self.secret`, or change it."""
        data = self.cleaned_data
        if self.row is None:
            hook, self.secret = webhooks.add(
                actor, organization=self.organization, url=data["url"], kinds=data["kinds"], hook_id=data["hook_id"]
            )
            return hook, f"The webhook to {webhooks.host(hook)} was added."
        webhooks.change(actor, self.row, url=data["url"], kinds=data["kinds"], active=data["active"])
        return self.row, f"The webhook to {webhooks.host(self.row)} was saved."


def fingerprint(hook: Webhook) -> str:
    """Return a value that changes with the secret and reveals nothing about it."""
    return hashlib.sha256(hook.secret_encrypted.encode()).hexdigest()[:16]


@admin.register(Webhook)
class WebhookAdmin(BaseAdmin):
    """Only administrators see and change the webhooks of their organizations."""

    edit_role = Role.ADMIN
    needs_reauthentication = True
    form_class = WebhookForm
    form_template = "admin/scheduling/webhook/change_form.html"
    add_title = "Add webhook"
    ordering = ("organization__name", "created_at")

    def get_urls(self) -> list[URLPattern]:
        actions = self.action_urls("<uuid:hook_id>", ("rotate", "test", "remove"), self.action_view)
        return [*actions, *super().get_urls()]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Webhook]:
        """Return the webhooks that the user administers, with counts of their deliveries and the latest outcome."""
        # Of deliveries that ended, or failed and are being retried.
        attempted = Q(state__in=[DispatchState.SENT, FAILED]) | Q(state=DispatchState.PENDING) & ~Q(last_error="")
        latest = NotificationDelivery.objects.filter(attempted, webhook=OuterRef("pk")).order_by("-pk")
        own = Webhook.objects.filter(organization__in=organizations_with_role(request, Role.ADMIN))
        return own.select_related("organization").annotate(
            waiting=Count("dispatches", filter=Q(dispatches__state=DispatchState.PENDING)),
            failed=Count("dispatches", filter=Q(dispatches__state=FAILED)),
            last_state=Subquery(latest.values("state")[:1]),
            last_error=Subquery(latest.values("last_error")[:1]),
            last_sent=Max("dispatches__sent_at"),
        )

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whether the user may change it: a URL may contain a secret."""
        return self.has_change_permission(request, obj)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_change_permission(request)

    def answer(self, request: HttpRequest, form: DomainForm, row: Any, message: str) -> HttpResponse:
        if isinstance(form, WebhookForm) and form.secret:
            return self._render_secret(request, row, form.secret, message)
        return super().answer(request, form, row, message)

    @post_only
    def action_view(self, request: HttpRequest, hook_id: UUID, name: str) -> HttpResponse:
        hook = self.get_object_or_404(request, str(hook_id))
        if not self.has_change_permission(request, hook):
            raise PermissionDenied
        actor = reauthenticated_actor(request) if name == "rotate" else user_actor(current_user(request))
        host = webhooks.host(hook)
        try:
            if name == "rotate":
                if request.POST.get("known") != fingerprint(hook):
                    raise Conflict("The secret has already been rotated and cannot be displayed again.")
                return self._render_secret(request, hook, webhooks.rotate(actor, hook), "")
            if name == "remove":
                webhooks.remove(actor, hook)
                messages.success(request, f"The webhook to {host} was removed.")
                return HttpResponseRedirect(self.url("changelist"))
            webhooks.send_test(actor, hook)
            messages.success(request, f"A test is being sent to {host}. See the log for the result.")
        except DomainError as error:
            messages.error(request, error.message)
        return HttpResponseRedirect(self.url("change", hook.pk))

    def context(self, row: Any) -> dict[str, Any]:
        if not row:
            return {}
        return {"known": fingerprint(row), "rotating": bool(row.previous_until and row.previous_until > clock.now())}

    def _render_secret(self, request: HttpRequest, hook: Webhook, secret: str, message: str) -> HttpResponse:
        return render_page(
            request,
            "admin/scheduling/webhook/secret.html",
            f"Secret for {webhooks.host(hook)}",
            opts=self.opts,
            list_url=self.url("changelist"),
            hook=hook,
            secret=secret,
            message=message,
        )
