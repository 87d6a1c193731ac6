"""What is typed about a member: role, right to review, for which channels. The domain decides if that may be."""

from typing import Any

from django import forms

from accounts.models import Membership, Organization, Role


class MemberForm(forms.Form):
    """Role and rights in one organization. No channel ticked stands for all of them."""

    role = forms.ChoiceField(
        choices=Role.choices,
        initial=Role.EDITOR,
        help_text="Viewers look, editors write, admins also manage channels, keys and people.",
    )
    may_review = forms.BooleanField(required=False, label="Reviews: may approve and schedule posts")
    channels = forms.MultipleChoiceField(
        required=False,
        label="Reviews these channels only",
        widget=forms.CheckboxSelectMultiple,
        help_text="None ticked: all of them, also those that are connected later.",
    )

    def __init__(self, *args: Any, organization: Organization, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["channels"]
        assert isinstance(field, forms.MultipleChoiceField)  # noqa: S101  declared above
        rows = organization.channels.order_by("name", "wire_id")
        field.choices = [(one.wire_id, f"{one.name} ({one.get_type_display()})") for one in rows]

    def rights(self) -> dict[str, Any]:
        """Return the columns that were typed, as a membership and an invitation have them."""
        given = self.cleaned_data
        return {
            "role": given["role"],
            "may_review": given["may_review"],
            "review_channels": given["channels"] or None,
        }

    @staticmethod
    def known(membership: Membership) -> dict[str, Any]:
        """Return what the form shows of a membership."""
        channels = membership.review_channels or []
        return {"role": membership.role, "may_review": membership.may_review, "channels": channels}


class InviteForm(MemberForm):
    """Whom to ask in, and as what."""

    email = forms.EmailField(label="E-mail", widget=forms.EmailInput(attrs={"autocomplete": "off"}))
    field_order = ("email", "role", "may_review", "channels")
