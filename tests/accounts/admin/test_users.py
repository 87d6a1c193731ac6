"""Organizations, users and memberships in the admin."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from accounts import clock
from accounts.domain import mfa, sessions
from accounts.models import AuditEvent, Membership, Organization, Role, TotpDevice, User

ACCOUNTS = "/admin/accounts"


@pytest.fixture
def root(signed_in: Callable[[User], Client], db: None) -> Client:
    user: Any = User.objects.create_user("root", password="horse battery staple", is_staff=True, is_superuser=True)
    user.raw_password = "horse battery staple"
    return signed_in(user)


def verbs() -> list[str]:
    return list(AuditEvent.objects.order_by("id").values_list("verb", flat=True))


def test_superuser_creates_organization_user_and_membership(root: Client) -> None:
    root.post(f"{ACCOUNTS}/organization/add/", {"name": "New", "active": "on"})
    organization = Organization.objects.get()
    root.post(
        f"{ACCOUNTS}/user/add/",
        {
            "username": "maria",
            "usable_password": "true",
            "password1": "a-long-passphrase",
            "password2": "a-long-passphrase",
        },
    )
    maria = User.objects.get(username="maria")
    root.post(
        f"{ACCOUNTS}/membership/add/",
        {"organization": str(organization.pk), "user": maria.pk, "role": "EDITOR", "may_review": "on"},
    )
    membership = Membership.objects.get()
    assert (maria.is_staff, maria.is_superuser, maria.check_password("a-long-passphrase")) == (True, False, True)
    assert (membership.user, membership.role, membership.may_review) == (maria, Role.EDITOR, True)
    assert verbs() == ["organization.create", "user.create", "membership.create"]
    assert AuditEvent.objects.filter(actor_name="root").count() == 3


@pytest.mark.parametrize(("own", "expected"), [("UTC", "Europe/Lisbon"), ("Asia/Tokyo", "Asia/Tokyo")])
def test_added_user_takes_the_time_zone_of_the_first_organization_t2(
    root: Client, other_organization: Organization, own: str, expected: str
) -> None:
    root.post(f"{ACCOUNTS}/organization/add/", {"name": "New", "active": "on", "time_zone": "Europe/Lisbon"})
    user = User.objects.create_user("maria", time_zone=own)
    other_organization.time_zone = "America/Havana"
    other_organization.save()
    for organization in (Organization.objects.get(name="New"), other_organization):
        root.post(f"{ACCOUNTS}/membership/add/", {"organization": organization.pk, "user": user.pk, "role": "EDITOR"})
    user.refresh_from_db()
    assert (user.memberships.count(), user.time_zone) == (2, expected)
    assert ("user.change" in verbs()) == (own == "UTC")


def test_user_change_with_unknown_time_zone_is_refused(root: Client, author: User) -> None:
    page = f"{ACCOUNTS}/user/{author.pk}/change/"
    given = {"username": "author", "email": "a@example.com", "is_active": "on", "is_staff": "on"}
    assert "Select a valid choice" in root.post(page, {**given, "time_zone": "Mars/Base"}).content.decode()
    root.post(page, {**given, "time_zone": "Europe/Lisbon"})
    author.refresh_from_db()
    assert (author.email, author.time_zone) == ("a@example.com", "Europe/Lisbon")
    assert verbs() == ["user.change"]


def test_refused_password_changes_and_records_nothing(root: Client, author: User) -> None:
    before = author.password
    root.post(f"{ACCOUNTS}/user/{author.pk}/password/", {"usable_password": "true", "password1": "a", "password2": "b"})
    author.refresh_from_db()
    assert (author.password, verbs()) == (before, [])


def test_superuser_cannot_reset_their_own_password_or_mfa(root: Client) -> None:
    user = User.objects.get(username="root")
    mfa.start_enrolment(user)
    TotpDevice.objects.update(confirmed_at=clock.now())
    spelt = [str(user.pk), f"0{user.pk}", f"+{user.pk}", f"%20{user.pk}"]
    session = root.session
    session[sessions.MFA_DEVICE_ID] = mfa.get_mfa(user).pk  # type: ignore[union-attr]
    session.save()
    typed = {"password1": "a-long-passphrase", "password2": "a-long-passphrase"}
    reset = [root.post(f"{ACCOUNTS}/user/{item}/password/", typed).url for item in spelt]
    assert reset == ["/admin/password_change/"] * len(spelt)
    rescued = root.post(f"{ACCOUNTS}/user/{user.pk}/rescue/", {"reset_mfa": "on", "sign_out": "on"})
    assert rescued.url == "/admin/account/"
    user.refresh_from_db()
    assert (mfa.get_mfa(user) is not None, user.check_password("a-long-passphrase"), verbs()) == (True, False, [])


@pytest.mark.parametrize("spelt", ["{pk}", "0{pk}", "+{pk}", "%20{pk}"])
def test_password_set_for_another_user_is_recorded_for_any_spelling_of_the_id(
    root: Client, author: User, spelt: str
) -> None:
    typed = {"password1": "a-long-passphrase", "password2": "a-long-passphrase"}
    root.post(f"{ACCOUNTS}/user/{spelt.format(pk=author.pk)}/password/", typed)
    author.refresh_from_db()
    event = AuditEvent.objects.get()
    assert author.check_password("a-long-passphrase")
    assert (event.verb, event.details) == ("user.change", {"changed": {}, "password": "set"})


def test_superuser_who_adds_themselves_is_visible_to_members(
    root: Client, organization: Organization, viewer: User, signed_in: Callable[[User], Client]
) -> None:
    user = User.objects.get(username="root")
    mine = {"organization": str(organization.pk), "user": user.pk, "role": "ADMIN", "may_review": "on"}
    root.post(f"{ACCOUNTS}/membership/add/", mine)
    line = AuditEvent.objects.get(organization_id=organization.pk)
    assert (line.verb, line.actor_name, line.details["changed"]["may_review"]) == (
        "membership.create", "root", [None, True],
    )  # fmt: skip
    assert "added the member" in signed_in(viewer).get(f"{ACCOUNTS}/auditevent/").content.decode()
