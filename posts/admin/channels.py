"""Channels in the admin: the list, and the form that connects one. A token is never shown."""

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

from accounts.admin.base import BaseAdmin, DomainForm, current_user, reauthenticated_actor
from accounts.domain.actors import Actor, user_actor
from accounts.exceptions import DomainError
from accounts.models import Role
from posts.domain import channels
from posts.models import Channel, ChannelType


class ChannelForm(DomainForm):
    type = forms.ChoiceField(choices=ChannelType.choices)
    platform_id = forms.CharField(
        label="Page ID / Instagram account ID",
        max_length=32,
        validators=[RegexValidator(r"\A[0-9]+\Z", "Digits only.")],
        help_text="Digits only. Meta Business Suite shows it under Settings > Accounts, for Pages and for Instagram.",
    )
    name = forms.CharField(max_length=200)
    token = forms.CharField(
        label="Access token",
        max_length=2000,
        widget=forms.PasswordInput({"autocomplete": "off", "spellcheck": "false"}),
        help_text="Stored encrypted, and never shown again.",
    )

    def __init__(self, *args: Any, row: Channel | None = None, **kwargs: Any) -> None:
        super().__init__(*args, row=row, **kwargs)
        if row is not None:
            self.initial = {**self.initial, "type": row.type, "platform_id": row.platform_id, "name": row.name}
            self.fields["type"].disabled = self.fields["platform_id"].disabled = True

    def save(self, actor: Actor) -> tuple[Channel, str]:
        channel = channels.connect(actor, organization=self.organization, **self.cleaned_data)
        return channel, f"{channel.name} is connected."


BUTTONS: dict[str, tuple[Callable[[Actor, Channel], Any], str]] = {
    "disconnect": (channels.disconnect, "{} is disconnected: nothing is published on it."),
    "resume": (channels.resume, "Publishing on {} is allowed again."),
}


@admin.register(Channel)
class ChannelAdmin(BaseAdmin):
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
        return [*buttons, reading, *super().get_urls()]

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
