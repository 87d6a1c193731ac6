"""What is typed to issue or rotate a key, and what the domain makes of it."""

import hashlib
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django import forms

from accounts import clock
from accounts.domain import keys
from accounts.domain.actors import Actor
from accounts.errors import Conflict
from accounts.models import ApiKey, Organization, User, new_key_id

if TYPE_CHECKING:
    OrganizationChoice = forms.ModelChoiceField[Organization]
else:
    OrganizationChoice = forms.ModelChoiceField


class IssueForm(forms.Form):
    """A new key. It carries the id that the key will have, so that sending it twice makes one key."""

    organization = OrganizationChoice(Organization.objects.none())
    name = forms.CharField(max_length=100, help_text="What people will know it by, for example the agent's name.")
    expires_in = forms.IntegerField(
        label="Expires in days", required=False, min_value=1, max_value=3650, help_text="Blank: it does not expire."
    )
    key_id = forms.CharField(widget=forms.HiddenInput, initial=new_key_id)

    def __init__(self, *args: Any, organizations: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["organization"]
        assert isinstance(field, forms.ModelChoiceField)  # noqa: S101  declared above
        field.queryset = organizations
        if len(organizations) == 1:
            field.initial = organizations[0]

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
        )


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
