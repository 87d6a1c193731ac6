"""Channels in the admin: the list, and the form that takes a pasted token. A token is never shown."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.core.validators import RegexValidator
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path

from accounts.admin.base import DomainForm, current_user, reauthenticated_actor
from accounts.domain.actors import Actor, user_actor
from accounts.exceptions import DomainError
from accounts.models import Role
from posts.admin.facebook_login import FacebookLoginAdmin
from posts.domain import channel_tokens, channels
from posts.models import Channel, ChannelType


class ChannelForm(DomainForm):
    type = forms.ChoiceField(choices=ChannelType.choices)
    platform_id = forms.CharField(
        label="Page ID / Instagram account ID",
        max_length=32,
        validators=[RegexValidator(r"\A[0-9]+\Z", "Digits only.")],
        help_text="Digits only. Meta Business Suite shows it under Settings > Accounts, for Pages and for Instagram.",
    )
    token = forms.CharField(
        label="Access token",
        max_length=2000,
        widget=forms.PasswordInput({"autocomplete": "off", "spellcheck": "false"}),
        help_text="Of the Page, or of a person or system user who may publish on it. Facebook is asked what it may do. "
        "The Page's own token is stored encrypted, and never shown again.",
    )

    def __init__(self, *args: Any, row: Channel | None = None, **kwargs: Any) -> None:
        super().__init__(*args, row=row, **kwargs)
        if row is not None:
            self.initial = {**self.initial, "type": row.type, "platform_id": row.platform_id}
            self.fields["type"].disabled = self.fields["platform_id"].disabled = True

    def save(self, actor: Actor) -> tuple[Channel, str]:
        channel, verified = channel_tokens.connect_with_pasted_token(
            actor, organization=self.organization, **self.cleaned_data
        )
        return channel, " ".join([f"Connected: {channel.name}.", *channel_tokens.token_warnings(verified)])


BUTTONS: dict[str, tuple[Callable[[Actor, Channel], Any], str]] = {
    "disconnect": (channels.disconnect, "{} is disconnected: nothing is published on it."),
    "resume": (channels.resume, "Publishing on {} is allowed again."),
}


@admin.register(Channel)
class ChannelAdmin(FacebookLoginAdmin):
    """Administrators connect and disconnect channels; every member sees the states."""

    edit_role = Role.ADMIN
    needs_reauthentication = True
    form_class = ChannelForm
    form_template = "admin/posts/channel/change_form.html"
    add_title = "Connect a channel"
    ordering = ("name", "public_id")
    list_select_related = ("organization", "sync")

    def get_urls(self) -> list[URLPattern]:
        buttons = self.action_urls("<int:channel_id>", BUTTONS, self.act)
        view = self.admin_site.admin_view(self.reading)
        reading = path("<int:channel_id>/reading/", view, name=f"{self.label}_reading")
        return [*buttons, reading, *self.login_urls(), *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        context = {"can_log_in": channel_tokens.is_configured(), "connect_url": self.url("connect")}
        return super().changelist_view(request, context | (extra_context or {}))

    def context(self, row: Any) -> dict[str, Any]:
        connect_url = self.url("connect")
        if row is not None:
            connect_url = f"{connect_url}?channel={row.pk}"
        return {"can_log_in": channel_tokens.is_configured(), "connect_url": connect_url}

    def reading(self, request: HttpRequest, channel_id: int) -> HttpResponse:
        """Show the progress of the sync: a part of the list, which the page polls during a sync."""
        context = {"channel": self.get_object_or_404(request, str(channel_id))}
        return TemplateResponse(request, "dynamo/reading.html", context)

    def act(self, request: HttpRequest, channel_id: int, name: str) -> HttpResponse:
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if not self.admin_site.has_permission(request):
            return redirect_to_login(self.url("changelist"), self.admin_site.name + ":login")
        channel = self.get_object_or_404(request, str(channel_id))
        if not self.has_change_permission(request, channel):
            raise PermissionDenied
        change_state, message = BUTTONS[name]
        # Stopping a channel is always possible at once; resuming it is as good as connecting it.
        actor = reauthenticated_actor(request) if name == "resume" else user_actor(current_user(request))
        try:
            change_state(actor, channel)
        except DomainError as error:
            messages.error(request, error.message)
        else:
            messages.success(request, message.format(channel.name))
        return HttpResponseRedirect(self.url("changelist"))
