"""API keys: create, restrict, rotate, revoke. A secret is shown only in the response to the POST that created it."""

import hashlib
from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.utils import quote
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse

from accounts import clock
from accounts.admin.base import (
    OrganizationScopedAdmin,
    column,
    current_user,
    domain_errors_in,
    organizations_with_role,
    reauthenticated_actor,
    render_page,
)
from accounts.domain import api_keys
from accounts.domain.actors import user_actor
from accounts.exceptions import Conflict, DomainError
from accounts.models import ApiKey, Organization, Role, Scope, all_scopes, new_key_id

BASE = "admin:accounts_apikey"


class AccessForm(forms.Form):
    """Scopes and channels of a key. All channels is an explicit choice, not an empty selection."""

    scopes = forms.MultipleChoiceField(
        label="Scopes", choices=Scope, initial=all_scopes, widget=forms.CheckboxSelectMultiple
    )
    reach = forms.ChoiceField(
        label="Access to",
        choices=[("all", "All channels, including those connected later"), ("some", "Only these channels:")],
        initial="all",
        widget=forms.RadioSelect,
    )
    channels = forms.MultipleChoiceField(required=False, widget=forms.CheckboxSelectMultiple)
    allow_bearer = forms.BooleanField(
        required=False,
        label="Allow as a bearer token",
        help_text="For clients that cannot sign, such as MCP clients. Each request then contains the secret.",
    )

    def set_channel_choices(self, channels: dict[str, str]) -> None:
        field: Any = self.fields["channels"]
        field.choices = list(channels.items())
        if not channels:
            field.help_text = "No channels are connected yet."

    def clean(self) -> dict[str, Any]:
        """Require a channel with "only these". Channels selected beside "all channels" are ignored."""
        cleaned: dict[str, Any] = super().clean() or {}
        if cleaned.get("reach") == "some" and "channels" in cleaned and not cleaned["channels"]:
            self.add_error("channels", "Select at least one channel, or choose all channels.")
        return cleaned

    def cleaned_permissions(self) -> dict[str, Any]:
        """Return the keyword arguments `scopes`, `channels` and `allow_bearer` of the domain."""
        cleaned = self.cleaned_data
        return {
            "scopes": cleaned["scopes"],
            "channels": cleaned["channels"] if cleaned["reach"] == "some" else None,
            "allow_bearer": cleaned["allow_bearer"],
        }


class ApiKeyCreateForm(AccessForm):
    """A new key. The form contains the id of the future key, so that submitting it twice creates one key."""

    organization = forms.ModelChoiceField(Organization.objects.none())
    name = forms.CharField(max_length=100, help_text="For example the name of the agent.")
    expires_in = forms.IntegerField(
        label="Expires in days", required=False, min_value=1, max_value=3650, help_text="Leave blank for no expiry."
    )
    key_id = forms.CharField(widget=forms.HiddenInput, initial=new_key_id)
    field_order = ("organization", "name", "expires_in", "scopes", "reach", "channels", "allow_bearer")

    def __init__(self, *args: Any, organizations: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["organization"]
        field.queryset = organizations
        if len(organizations) == 1:
            field.initial = organizations[0]
        self.set_channel_choices(channel_names(organizations))


def channel_names(organizations: Any) -> dict[str, str]:
    """Return channel names by id; with several organizations each name includes that of its organization."""
    rows = organizations.filter(channels__isnull=False).order_by("name", "channels__name", "channels__public_id")
    several = len(organizations) > 1
    return {
        public_id: f"{channel}, {organization}" if several else channel
        for organization, channel, public_id in rows.values_list("name", "channels__name", "channels__public_id")
    }


def secret_fingerprint(key: ApiKey) -> str:
    """Return a hash that changes with each rotation. It is of the ciphertext and discloses nothing of the secret."""
    return hashlib.sha256(key.secret_encrypted.encode()).hexdigest()[:16]


class ApiKeyRotateForm(forms.Form):
    """A rotation. The form contains a fingerprint of the old secret, so that submitting it twice rotates once."""

    overlap = forms.TypedChoiceField(
        label="The old secret remains valid for",
        coerce=int,
        initial=24,
        choices=[(0, "no time"), (1, "1 hour"), (24, "1 day"), (24 * 7, "1 week")],
    )
    known = forms.CharField(widget=forms.HiddenInput)


@admin.register(ApiKey)
class ApiKeyAdmin(OrganizationScopedAdmin):
    """Organization admins create, restrict, rotate and revoke keys; other members see the list."""

    edit_role = Role.ADMIN
    add_title = "New API key"
    list_display = (
        "name", "id", "organization", "state", "display_scopes", "channel_count", "issued_by", "issued", "last_use",
    )  # fmt: skip
    list_select_related = ("organization", "issued_by")
    list_filter = (("organization", admin.RelatedOnlyFieldListFilter),)
    search_fields = ("name", "id")
    search_help_text = "Name or id"
    ordering = ("name", "id")

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("", wrap(self.changelist_view), name="accounts_apikey_changelist"),
            path("add/", wrap(self.issue_view), name="accounts_apikey_add"),
            path("<str:key_id>/change/", wrap(self.detail_view), name="accounts_apikey_change"),
            path("<str:key_id>/access/", wrap(self.permissions_view), name="accounts_apikey_access"),
            path("<str:key_id>/rotate/", wrap(self.rotate_view), name="accounts_apikey_rotate"),
            path("<str:key_id>/revoke/", wrap(self.revoke_view), name="accounts_apikey_revoke"),
        ]

    @admin.display(description="State")
    def state(self, key: ApiKey) -> str:
        if key.revoked_at:
            return "revoked"
        return "active" if key.is_valid_at(clock.now()) else "expired"

    @admin.display(description="Scopes")
    def display_scopes(self, key: ApiKey) -> str:
        return ", ".join(key.scopes)

    @admin.display(description="Channels")
    def channel_count(self, key: ApiKey) -> str:
        return "all" if key.channels is None else str(len(key.channels))

    issued = column("created_at", "Created", ordering="created_at")
    last_use = column("last_used_at", "Last used", empty="never")

    def issue_view(self, request: HttpRequest) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied
        mine = Organization.objects.filter(pk__in=organizations_with_role(request, Role.ADMIN)).order_by("name")
        form = ApiKeyCreateForm(request.POST or None, organizations=mine)
        if request.method == "POST" and form.is_valid():
            fields = form.cleaned_data
            days = fields["expires_in"]
            with domain_errors_in(form):
                key, secret = api_keys.create_api_key(
                    reauthenticated_actor(request),
                    organization=fields["organization"],
                    name=fields["name"],
                    expires_at=clock.now() + timedelta(days=days) if days else None,
                    key_id=fields["key_id"],
                    **form.cleaned_permissions(),
                )
                return self._page(request, "secret", "API key created", key=key, secret=secret)
        return self._page(request, "create", self.add_title, form=form)

    def detail_view(self, request: HttpRequest, key_id: str) -> HttpResponse:
        key = self.get_object_or_404(request, key_id)
        names = channel_names(Organization.objects.filter(pk=key.organization_id))
        return self._page(
            request,
            "key",
            key.name,
            key=key,
            state=self.state(key),
            scopes=[Scope(scope).label for scope in key.scopes],
            # A deleted channel has no name: its id is shown.
            channels=None if key.channels is None else [names.get(channel, channel) for channel in key.channels],
            overlaps=key.previous_until is not None and clock.now() < key.previous_until,
            usable=key.is_valid_at(clock.now()) and self.has_change_permission(request, key),
        )

    def permissions_view(self, request: HttpRequest, key_id: str) -> HttpResponse:
        key = self.get_object_or_404(request, key_id, change=True)
        reach = "all" if key.channels is None else "some"
        initial = {
            "scopes": key.scopes,
            "reach": reach,
            "channels": key.channels or [],
            "allow_bearer": key.allow_bearer,
        }
        form = AccessForm(request.POST or None, initial=initial)
        form.set_channel_choices(channel_names(Organization.objects.filter(pk=key.organization_id)))
        if request.method == "POST" and form.is_valid():
            actor = reauthenticated_actor(request)
            with domain_errors_in(form):
                changed = api_keys.update_permissions(actor, key, **form.cleaned_permissions())
                outcome = "changed, starting with its next request" if changed else "not changed"
                messages.success(request, f"Permissions of {key.name} {outcome}.")
                return HttpResponseRedirect(reverse(f"{BASE}_change", args=[quote(key.pk)]))
        return self._page(request, "permissions", f"Permissions of {key.name}", form=form, key=key)

    def rotate_view(self, request: HttpRequest, key_id: str) -> HttpResponse:
        key = self.get_object_or_404(request, key_id, change=True)
        form = ApiKeyRotateForm(request.POST or None, initial={"known": secret_fingerprint(key)})
        if request.method == "POST" and form.is_valid():
            actor, overlap = reauthenticated_actor(request), timedelta(hours=form.cleaned_data["overlap"])
            with domain_errors_in(form):
                if form.cleaned_data["known"] != secret_fingerprint(key):
                    raise Conflict("The secret has already been rotated and cannot be displayed again")
                secret = api_keys.rotate(actor, key, overlap=overlap)
                return self._page(request, "secret", f"New secret of {key.name}", key=key, secret=secret)
        return self._page(request, "rotate", f"Rotate {key.name}", form=form, key=key)

    def revoke_view(self, request: HttpRequest, key_id: str) -> HttpResponse:
        key = self.get_object_or_404(request, key_id, change=True)
        if request.method != "POST":
            return self._page(request, "revoke", f"Revoke {key.name}", form=forms.Form(), key=key)
        try:
            api_keys.revoke(user_actor(current_user(request)), key)
        except DomainError as error:
            messages.error(request, error.message)
        else:
            messages.success(request, f"{key.name} is revoked.")
        return HttpResponseRedirect(reverse(f"{BASE}_changelist"))

    def _page(self, request: HttpRequest, page: str, title: str, **context: Any) -> HttpResponse:
        context |= {"opts": self.opts, "list_url": reverse(f"{BASE}_changelist")}
        return render_page(request, f"admin/accounts/apikey/{page}.html", title, **context)
