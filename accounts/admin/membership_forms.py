"""What is typed about a member: role, right to review, for which channels. The domain decides if that may be."""

from typing import Any

from django import forms

from accounts.models import Membership, Organization, Role


class MemberForm(forms.Form):
    """Role and rights in one organization. Every channel is said in so many words, not by ticking none."""

    role = forms.ChoiceField(
        choices=Role.choices,
        initial=Role.EDITOR,
        help_text="Viewers look, editors write, admins also manage channels, keys and people.",
    )
    may_review = forms.BooleanField(required=False, label="Reviews: may approve and schedule posts")
    reach = forms.ChoiceField(
        required=False,
        label="Reviews what goes to",
        choices=[("all", "Every channel, those that are connected later as well"), ("some", "Only these channels:")],
        widget=forms.RadioSelect,
    )
    channels = forms.MultipleChoiceField(required=False, label="Channels", widget=forms.CheckboxSelectMultiple)

    def __init__(self, *args: Any, organization: Organization, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["channels"]
        assert isinstance(field, forms.MultipleChoiceField)  # noqa: S101  declared above
        rows = organization.channels.order_by("name", "wire_id")
        field.choices = [(one.wire_id, f"{one.name} ({one.get_type_display()})") for one in rows]

    def clean(self) -> dict[str, Any]:
        """Refuse a reviewer of whom nothing says what they review. What is ticked beside "every" counts for nothing."""
        given: dict[str, Any] = super().clean() or {}
        if given.get("may_review") and "reach" in given and not given["reach"]:
            self.add_error("reach", "Say what they review: every channel, or only some.")
        if given.get("may_review") and given.get("reach") == "some" and "channels" in given and not given["channels"]:
            self.add_error("channels", "Tick at least one channel, or let them review every one.")
        return given

    def rights(self) -> dict[str, Any]:
        """Return the columns that were typed, as a membership and an invitation have them.

        Where nothing is said of what somebody reviews who does not review, that stays as it is.
        """
        given = self.cleaned_data
        typed: dict[str, Any] = {"role": given["role"], "may_review": given["may_review"]}
        if given["reach"] == "all":
            typed["review_channels"] = None
        elif given["reach"] and given["channels"]:
            typed["review_channels"] = given["channels"]
        return typed

    @staticmethod
    def known(membership: Membership) -> dict[str, Any]:
        """Return what the form shows of a membership."""
        reach = "all" if membership.review_channels is None else "some"
        if not membership.may_review and reach == "all":
            reach = ""  # whoever makes them a reviewer says of what
        now = {"role": membership.role, "may_review": membership.may_review, "reach": reach}
        return {**now, "channels": membership.review_channels or []}


class InviteForm(MemberForm):
    """Whom to ask in, and as what."""

    email = forms.EmailField(label="E-mail", widget=forms.EmailInput(attrs={"autocomplete": "off"}))
    field_order = ("email", "role", "may_review", "reach", "channels")
