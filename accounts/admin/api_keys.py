"""API keys on the desk: issue, restrict, rotate, revoke. Only the page that answers the POST shows a secret."""

import hashlib
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse

from accounts import clock
from accounts.admin.base import OrganizationScopedAdmin, organizations_with_role
from accounts.domain import api_keys
from accounts.domain.actors import Actor, user_actor
from accounts.exceptions import Conflict, DomainError
from accounts.models import ApiKey, Organization, Role, Scope, User, all_scopes, new_key_id

if TYPE_CHECKING:
    OrganizationChoice = forms.ModelChoiceField[Organization]
else:
    OrganizationChoice = forms.ModelChoiceField


class AccessForm(forms.Form):
    """What a key may be used for, and where. Every channel is said in so many words, not by ticking none."""

    scopes = forms.MultipleChoiceField(
        label="May be used to", choices=Scope, initial=all_scopes, widget=forms.CheckboxSelectMultiple
    )
    reach = forms.ChoiceField(
        label="Reaches",
        choices=[("all", "Every channel, those that are connected later as well"), ("some", "Only these channels:")],
        initial="all",
        widget=forms.RadioSelect,
    )
    channels = forms.MultipleChoiceField(required=False, widget=forms.CheckboxSelectMultiple)

    def set_channel_choices(self, channels: dict[str, str]) -> None:
        """Offer these channels, named by their ids."""
        field = self.fields["channels"]
        assert isinstance(field, forms.MultipleChoiceField)  # noqa: S101  declared above
        field.choices = list(channels.items())
        if not channels:
            field.help_text = "No channel is connected yet."

    def clean(self) -> dict[str, Any]:
        """Refuse a choice of no channel. What is ticked beside "every channel" counts for nothing."""
        given: dict[str, Any] = super().clean() or {}
        if given.get("reach") == "some" and "channels" in given and not given["channels"]:
            self.add_error("channels", "Tick at least one channel, or let the key reach every one.")
        return given

    def cleaned_scopes_and_channels(self) -> dict[str, list[str] | None]:
        """Return what was chosen as the domain takes it."""
        given = self.cleaned_data
        return {"scopes": given["scopes"], "channels": given["channels"] if given["reach"] == "some" else None}


class ApiKeyPermissionsForm(AccessForm):
    """The access of a key that exists, as it is now."""

    def __init__(self, given: Any, *, key: ApiKey) -> None:
        reach = "all" if key.channels is None else "some"
        now = {"scopes": key.scopes, "reach": reach, "channels": key.channels or []}
        super().__init__(given, initial=now)
        self.key = key
        self.set_channel_choices(channel_names(Organization.objects.filter(pk=key.organization_id)))

    def store(self, actor: Actor) -> bool:
        """Restrict the key; return whether that changed anything. Raises Refusal."""
        return api_keys.update_permissions(actor, self.key, **self.cleaned_scopes_and_channels())


class ApiKeyCreateForm(AccessForm):
    """A new key. It carries the id that the key will have, so that sending it twice makes one key."""

    organization = OrganizationChoice(Organization.objects.none())
    name = forms.CharField(max_length=100, help_text="What people will know it by, for example the agent's name.")
    expires_in = forms.IntegerField(
        label="Expires in days", required=False, min_value=1, max_value=3650, help_text="Blank: it does not expire."
    )
    key_id = forms.CharField(widget=forms.HiddenInput, initial=new_key_id)
    field_order = ("organization", "name", "expires_in", "scopes", "reach", "channels")

    def __init__(self, *args: Any, organizations: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["organization"]
        assert isinstance(field, forms.ModelChoiceField)  # noqa: S101  declared above
        field.queryset = organizations
        if len(organizations) == 1:
            field.initial = organizations[0]
        self.set_channel_choices(channel_names(organizations))

    def store(self, actor: Actor, person: User) -> tuple[ApiKey, str]:
        """Issue the key, answered for by `person`; return it and its secret. Raises Refusal."""
        given = self.cleaned_data
        days = given["expires_in"]
        return api_keys.create_api_key(
            actor,
            organization=given["organization"],
            name=given["name"],
            issued_by=person,
            expires_at=clock.now() + timedelta(days=days) if days else None,
            key_id=given["key_id"],
            **self.cleaned_scopes_and_channels(),
        )


def channel_names(organizations: Any) -> dict[str, str]:
    """Return the names of the organizations' channels by id; where there are several, with their organization's."""
    rows = organizations.filter(channels__isnull=False).order_by("name", "channels__name", "channels__public_id")
    several = len(organizations) > 1
    return {
        public_id: f"{channel}, {organization}" if several else channel
        for organization, channel, public_id in rows.values_list("name", "channels__name", "channels__public_id")
    }


def secret_fingerprint(key: ApiKey) -> str:
    """Return what tells the present secret from a later one, and nothing about it."""
    return hashlib.sha256(key.secret_encrypted.encode()).hexdigest()[:16]


class ApiKeyRotateForm(forms.Form):
    """A new secret for a key. It carries a fingerprint of the old, so that sending it twice rotates once."""

    overlap = forms.TypedChoiceField(
        label="The old secret stays good for",
        coerce=int,
        initial=24,
        choices=[(0, "no time at all"), (1, "an hour"), (24, "a day"), (24 * 7, "a week")],
    )
    known = forms.CharField(widget=forms.HiddenInput)

    def save(self, actor: Actor, key: ApiKey) -> str:
        """Rotate the key and return its new secret. Raises Refusal."""
        if self.cleaned_data["known"] != secret_fingerprint(key):
            raise Conflict("This key was rotated meanwhile; its new secret was shown then, and is not shown again")
        return api_keys.rotate(actor, key, overlap=timedelta(hours=self.cleaned_data["overlap"]))


if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[ApiKey]
else:
    ModelAdmin = admin.ModelAdmin

BASE = "admin:accounts_apikey"


@admin.register(ApiKey)
class ApiKeyAdmin(OrganizationScopedAdmin, ModelAdmin):
    """Administrators issue, restrict, rotate and revoke their organizations' keys; members see which there are."""

    edit_role = Role.ADMIN
    add_title = "New key"
    actions = None
    list_display = (
        "name",
        "id",
        "organization",
        "state",
        "display_scopes",
        "channel_count",
        "issued_by",
        "issued",
        "last_use",
    )
    list_select_related = ("organization", "issued_by")
    list_filter = (("organization", admin.RelatedOnlyFieldListFilter),)
    search_fields = ("name", "id")
    search_help_text = "Name or id"
    ordering = ("name", "id")
    show_facets = admin.ShowFacets.NEVER

    def get_urls(self) -> list[URLPattern]:
        """Return the list, the key's page, and a page for each thing that can be done."""
        wrap = self.admin_site.admin_view
        return [
            path("", wrap(self.changelist_view), name="accounts_apikey_changelist"),
            path("add/", wrap(self.issue_view), name="accounts_apikey_add"),
            path("<str:key_id>/change/", wrap(self.detail_view), name="accounts_apikey_change"),
            path("<str:key_id>/access/", wrap(self.permissions_view), name="accounts_apikey_access"),
            path("<str:key_id>/rotate/", wrap(self.rotate_view), name="accounts_apikey_rotate"),
            path("<str:key_id>/revoke/", wrap(self.revoke_view), name="accounts_apikey_revoke"),
        ]

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002  Django's signature
        """Keys are revoked, so that what they wrote keeps its author."""
        return False

    @admin.display(description="State")
    def state(self, key: ApiKey) -> str:
        """Say whether requests with the key are accepted."""
        if key.revoked_at:
            return "revoked"
        return "in use" if key.is_valid_at(clock.now()) else "expired"

    @admin.display(description="Scopes")
    def display_scopes(self, key: ApiKey) -> str:
        """Say what the key may be used for."""
        return ", ".join(key.scopes)

    @admin.display(description="Channels")
    def channel_count(self, key: ApiKey) -> str:
        """Say how many channels the key reaches."""
        return "all" if key.channels is None else str(len(key.channels))

    @admin.display(description="Issued", ordering="created_at")
    def issued(self, key: ApiKey) -> datetime:
        """Say when the key was issued."""
        return key.created_at

    @admin.display(description="Last used", empty_value="never")
    def last_use(self, key: ApiKey) -> datetime | None:
        """Say when the key was last used, to the minute."""
        return key.last_used_at

    def issue_view(self, request: HttpRequest) -> HttpResponse:
        """Show the form for a new key; on POST issue it and show its secret, this once."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        mine = Organization.objects.filter(pk__in=organizations_with_role(request, Role.ADMIN)).order_by("name")
        form = ApiKeyCreateForm(request.POST or None, organizations=mine)
        if request.method == "POST" and form.is_valid():
            try:
                key, secret = form.store(user_actor(_person(request)), _person(request))
            except DomainError as refusal:
                form.add_error(None, refusal.message)
            else:
                return self._page(request, "secret", key=key, secret=secret, title=f"{key.name} is issued")
        return self._page(request, "issue", form=form, title=self.add_title)

    def detail_view(self, request: HttpRequest, key_id: str) -> HttpResponse:
        """Show the key, and what can be done with it."""
        key = self._key(request, key_id)
        usable = key.is_valid_at(clock.now()) and self.has_change_permission(request, key)
        return self._page(
            request,
            "key",
            key=key,
            state=self.state(key),
            last_use=key.last_used_at,
            scopes=[Scope(scope).label for scope in key.scopes],
            channels=None if key.channels is None else _channels(key, key.channels),
            overlaps=key.previous_until is not None and clock.now() < key.previous_until,
            usable=usable,
            title=key.name,
        )

    def permissions_view(self, request: HttpRequest, key_id: str) -> HttpResponse:
        """Show what the key may be used for and which channels it reaches; on POST change that."""
        key = self._key(request, key_id, change=True)
        form = ApiKeyPermissionsForm(request.POST or None, key=key)
        if request.method == "POST" and form.is_valid():
            try:
                changed = form.store(user_actor(_person(request)))
            except DomainError as refusal:
                form.add_error(None, refusal.message)
            else:
                said = "is changed, from its next request on" if changed else "was so already"
                messages.success(request, f"The access of {key.name} {said}.")
                return HttpResponseRedirect(reverse(f"{BASE}_change", args=[key.pk]))
        return self._page(request, "access", form=form, key=key, title=f"Access of {key.name}")

    def rotate_view(self, request: HttpRequest, key_id: str) -> HttpResponse:
        """Ask how long the old secret stays good; on POST rotate and show the new one, this once."""
        key = self._key(request, key_id, change=True)
        form = ApiKeyRotateForm(request.POST or None, initial={"known": secret_fingerprint(key)})
        if request.method == "POST" and form.is_valid():
            try:
                secret = form.save(user_actor(_person(request)), key)
            except DomainError as refusal:
                form.add_error(None, refusal.message)
            else:
                return self._page(request, "secret", key=key, secret=secret, title=f"{key.name} is rotated")
        return self._page(request, "rotate", form=form, key=key, title=f"Rotate {key.name}")

    def revoke_view(self, request: HttpRequest, key_id: str) -> HttpResponse:
        """Ask; on POST revoke."""
        key = self._key(request, key_id, change=True)
        if request.method != "POST":
            return self._page(request, "revoke", form=forms.Form(), key=key, title=f"Revoke {key.name}")
        try:
            api_keys.revoke(user_actor(_person(request)), key)
        except DomainError as refusal:
            messages.error(request, refusal.message)
        else:
            messages.success(request, f"{key.name} is revoked.")
        return HttpResponseRedirect(reverse(f"{BASE}_changelist"))

    def _key(self, request: HttpRequest, key_id: str, *, change: bool = False) -> ApiKey:
        """Return the key as the person may see it; another organization's does not exist."""
        keys_here = self.get_queryset(request).select_related("organization", "issued_by")
        key: ApiKey | None = keys_here.filter(pk=key_id).first() if key_id.isprintable() else None
        if key is None:
            raise Http404
        if change and not self.has_change_permission(request, key):
            raise PermissionDenied
        return key

    def _page(self, request: HttpRequest, page: str, **context: Any) -> HttpResponse:
        context |= {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "list_url": reverse(f"{BASE}_changelist"),
        }
        return TemplateResponse(request, f"admin/accounts/apikey/{page}.html", context)


def _channels(key: ApiKey, wire_ids: list[str]) -> list[str]:
    """Return the names of these channels, and the ids of those that are not there any more."""
    names = channel_names(Organization.objects.filter(pk=key.organization_id))
    return [names.get(public_id, public_id) for public_id in wire_ids]


def _person(request: HttpRequest) -> User:
    if not isinstance(request.user, User):
        raise TypeError("The desk is for people who are signed in")
    return request.user
