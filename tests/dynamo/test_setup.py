"""`manage.py setup`: the first organization and its administrator, for people and for scripts."""

import io
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from accounts.models import AuditEvent, Membership, Organization, Role, User

pytestmark = pytest.mark.django_db
PASSWORD = "a-long-and-rare-passphrase"
GIVEN = {"organization": "Casa do Sol", "username": "ana", "email": "ana@casa.example", "time_zone": "Europe/Lisbon"}


@pytest.fixture
def password_file(tmp_path: Path) -> str:
    path = tmp_path / "password"
    path.write_text(f"{PASSWORD}\n")
    return str(path)


def setup(**options: Any) -> str:
    output = io.StringIO()
    call_command("setup", no_input=True, stdout=output, **options)
    return output.getvalue()


def test_setup_creates_an_administrator_who_can_sign_in(password_file: str) -> None:
    output = setup(**GIVEN, password_file=password_file)
    assert PASSWORD not in output
    membership = Membership.objects.select_related("user", "organization").get()
    assert (membership.role, membership.may_review, membership.user.is_superuser) == (Role.ADMIN, True, True)
    assert (membership.organization.time_zone, membership.user.time_zone) == ("Europe/Lisbon", "Europe/Lisbon")
    assert Client().login(username="ana", password=PASSWORD)
    verbs = set(AuditEvent.objects.filter(organization_id=membership.organization_id).values_list("verb", "actor_name"))
    assert verbs == {(verb, "operator") for verb in ("organization.create", "user.create", "membership.create")}


def test_second_run_changes_nothing(password_file: str) -> None:
    setup(**GIVEN, password_file=password_file)
    before = [list(model.objects.values()) for model in (Organization, User, Membership, AuditEvent)]
    output = setup(organization="Casa do Sol", username="ana", time_zone="UTC")
    assert output.count("exists") == 3
    assert [list(model.objects.values()) for model in (Organization, User, Membership, AuditEvent)] == before


def test_values_come_from_the_environment(password_file: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in GIVEN.items():
        monkeypatch.setenv(f"DYNAMO_SETUP_{name.upper()}", value)
    monkeypatch.setenv("DYNAMO_SETUP_PASSWORD_FILE", password_file)
    setup(no_superuser=True, no_review=True)
    membership = Membership.objects.select_related("user").get()
    assert (membership.may_review, membership.user.is_superuser, membership.user.email) == (
        False,
        False,
        GIVEN["email"],
    )


def test_password_from_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{PASSWORD}\n"))
    setup(**GIVEN, password_file="-")
    assert User.objects.get().check_password(PASSWORD)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"organization": None}, "--organization"),
        ({"time_zone": "Lisbon"}, "Lisbon"),
        ({"password_file": None}, "--password-file"),
        ({"password_file": "/nothing/here"}, "/nothing/here"),
        ({"email": "ana"}, "email"),
        ({"username": "a b"}, "username"),
    ],
)
def test_value_that_cannot_be_used_is_refused_and_nothing_is_created(
    password_file: str, changes: dict[str, Any], named: str
) -> None:
    with pytest.raises(CommandError) as caught:
        setup(**{**GIVEN, "password_file": password_file, **changes})
    assert named in str(caught.value)
    assert (Organization.objects.count(), User.objects.count()) == (0, 0)


def test_weak_password_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "weak"
    path.write_text("casa")
    with pytest.raises(CommandError):
        setup(**GIVEN, password_file=str(path))
    assert not Organization.objects.exists()


def test_organization_with_another_administrator_is_refused(password_file: str) -> None:
    setup(**GIVEN, password_file=password_file)
    with pytest.raises(CommandError):
        setup(**{**GIVEN, "username": "eve"}, password_file=password_file)
    assert User.objects.count() == 1
