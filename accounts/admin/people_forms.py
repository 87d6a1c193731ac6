"""Forms about people, in the desk's words."""

from typing import TYPE_CHECKING, Any
from zoneinfo import available_timezones

from django import forms
from django.contrib.auth.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from accounts.models import User

if TYPE_CHECKING:
    BaseUserForm = UserChangeForm[User]
    BaseNewUserForm = UserCreationForm[User]
    BasePasswordForm = AdminPasswordChangeForm[User]
else:
    BaseUserForm, BaseNewUserForm, BasePasswordForm = UserChangeForm, UserCreationForm, AdminPasswordChangeForm


class RescueForm(forms.Form):
    """What a superuser does for somebody who lost their phone."""

    sign_out = forms.BooleanField(required=False, initial=True, label="Sign them out everywhere")
    factor = forms.BooleanField(
        required=False, label="Remove their second factor", help_text="Make sure first that it is they who ask."
    )


ACCESS = {
    "is_active": ("Active", "Switch off whoever has left: what they did stays theirs."),
    "is_staff": ("May sign in to the desk", ""),
    "is_superuser": ("Manages accounts and organizations", "All of them, not only their own. It lets nobody approve."),
}


NAMED = {
    "username": ("Name to sign in with", "Letters, digits and @ . + - _"),
    "email": ("E-mail", ""),
    "password1": ("Password", None),
    "password2": ("The password again", ""),
}


def name_fields(form: forms.BaseForm) -> None:
    """Call the fields of a stock form what the desk calls them; None leaves a stock hint as it is."""
    for name, (label, help_text) in {**NAMED, **ACCESS}.items():
        if name in form.fields:
            form.fields[name].label = label
            if help_text is not None:
                form.fields[name].help_text = help_text


class NewPersonForm(BaseNewUserForm):
    """A new account."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        name_fields(self)


class PersonForm(BaseUserForm):
    """A person, with the time zones that this machine knows."""

    time_zone = forms.ChoiceField(choices=lambda: [(name, name) for name in sorted(available_timezones())])

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        name_fields(self)


class NewPasswordForm(BasePasswordForm):
    """A password for somebody else: there is no other way to sign in, so none is switched off here."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields.pop("usable_password", None)
        name_fields(self)
