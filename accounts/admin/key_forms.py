"""What is typed to issue, restrict or rotate a key, and what the domain makes of it."""

import hashlib
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django import forms

from accounts import clock
from accounts.domain import keys
from accounts.domain.actors import Actor
from accounts.errors import Conflict
from accounts.models import ApiKey, Organization, Scope, User, every_scope, new_key_id

if TYPE_CHECKING:
    OrganizationChoice = forms.ModelChoiceField[Organization]
else:
    OrganizationChoice = forms.ModelChoiceField


class AccessForm(forms.Form):
    """What a key may be used for, and where. Every channel is said in so many words, not by ticking none."""

    scopes = forms.MultipleChoiceField(
        label="May be used to", choices=Scope, initial=every_scope, widget=forms.CheckboxSelectMultiple
    )
    reach = forms.ChoiceField(
        label="Reaches",
        choices=[("all", "Every channel, those that are connected later as well"), ("some", "Only these channels:")],
        initial="all",
        widget=forms.RadioSelect,
    )
    channels = forms.MultipleChoiceField(required=False, widget=forms.CheckboxSelectMultiple)

    def offer(self, channels: dict[str, str]) -> None:
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

    def limits(self) -> dict[str, list[str] | None]:
        """Return what was chosen as the domain takes it."""
        given = self.cleaned_data
        return {"scopes": given["scopes"], "channels": given["channels"] if given["reach"] == "some" else None}


class RestrictForm(AccessForm):
    """The access of a key that exists, as it is now."""

    def __init__(self, given: Any, *, key: ApiKey) -> None:
        reach = "all" if key.channels is None else "some"
        now = {"scopes": key.scopes, "reach": reach, "channels": key.channels or []}
        super().__init__(given, initial=now)
        self.key = key
        self.offer(named(Organization.objects.filter(pk=key.organization_id)))

    def store(self, actor: Actor) -> bool:
        """Restrict the key; return whether that changed anything. Raises Refusal."""
        return keys.restrict(actor, self.key, **self.limits())


class IssueForm(AccessForm):
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
        self.offer(named(organizations))

    def store(self, actor: Actor, person: User) -> tuple[ApiKey, str]:
        """Issue the key, answered for by `person`; return it and its secret. Raises Refusal."""
        given = self.cleaned_data
        days = given["expires_in"]
        return keys.issue(
            actor,
            organization=given["organization"],
            name=given["name"],
            issued_by=person,
            expires_at=clock.now() + timedelta(days=days) if days else None,
            key_id=given["key_id"],
            **self.limits(),
        )


def named(organizations: Any) -> dict[str, str]:
    """Return the names of the organizations' channels by id; where there are several, with their organization's."""
    rows = organizations.filter(channels__isnull=False).order_by("name", "channels__name", "channels__wire_id")
    several = len(organizations) > 1
    return {
        wire_id: f"{channel}, {organization}" if several else channel
        for organization, channel, wire_id in rows.values_list("name", "channels__name", "channels__wire_id")
    }


def fingerprint(key: ApiKey) -> str:
    """Return what tells the present secret from a later one, and nothing about it."""
    return hashlib.sha256(key.secret_encrypted.encode()).hexdigest()[:16]


class RotateForm(forms.Form):
    """A new secret for a key. It carries a fingerprint of the old, so that sending it twice rotates once."""

    overlap = forms.TypedChoiceField(
        label="The old secret stays good for",
        coerce=int,
        initial=24,
        choices=[(0, "no time at all"), (1, "an hour"), (24, "a day"), (24 * 7, "a week")],
    )
    known = forms.CharField(widget=forms.HiddenInput)

    def store(self, actor: Actor, key: ApiKey) -> str:
        """Rotate the key and return its new secret. Raises Refusal."""
        if self.cleaned_data["known"] != fingerprint(key):
            raise Conflict("This key was rotated meanwhile; its new secret was shown then, and is not shown again")
        return keys.rotate(actor, key, overlap=timedelta(hours=self.cleaned_data["overlap"]))
