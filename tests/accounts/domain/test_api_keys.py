"""Issuing, rotating and revoking keys."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine

from accounts import clock, encryption
from accounts.domain import api_keys
from accounts.domain.actors import user_actor
from accounts.exceptions import Conflict, Invalid
from accounts.models import ApiKey, AuditEvent, Organization, User, new_key_id


def issue(organization: Organization, issued_by: User, **given: Any) -> tuple[ApiKey, str]:
    return api_keys.create_api_key(
        user_actor(issued_by), organization=organization, issued_by=issued_by, **{"name": "agent", **given}
    )


def lines() -> list[tuple[str, str, str]]:
    return list(AuditEvent.objects.order_by("id").values_list("verb", "subject", "actor_id"))


def test_a_key_is_issued_with_a_secret_that_is_stored_encrypted_only(organization: Organization, author: User) -> None:
    key, secret = issue(organization, author)
    stored = ApiKey.objects.get()
    assert (stored.pk, stored.organization, stored.issued_by, stored.name) == (key.pk, organization, author, "agent")
    assert encryption.decrypt(stored.secret_encrypted) == secret
    assert len(secret) >= 43
    assert secret not in str(vars(stored))
    assert lines() == [("key.issue", f"key:{key.pk}", str(author.pk))]
    assert secret not in str(AuditEvent.objects.values())


@pytest.mark.parametrize("name", ["", "   ", "x" * 101, "a\x00b"])
def test_a_key_needs_a_name(name: str, organization: Organization, author: User) -> None:
    with pytest.raises(Invalid, match="name"):
        issue(organization, author, name=name)
    assert lines() == []


def test_a_key_is_not_born_expired(organization: Organization, author: User) -> None:
    with pytest.raises(Invalid, match="in the past"):
        issue(organization, author, expires_at=clock.now())
    assert ApiKey.objects.count() == 0


def test_only_members_who_may_write_answer_for_a_key(
    organization: Organization, viewer: User, outsider: User, author: User
) -> None:
    author.is_active = False
    for item in (viewer, outsider, author):
        with pytest.raises(Invalid, match=f"{item} cannot be responsible"):
            issue(organization, item)
    assert ApiKey.objects.count() == 0


def test_a_form_that_is_sent_twice_issues_one_key(organization: Organization, author: User) -> None:
    key_id = new_key_id()
    issue(organization, author, key_id=key_id)
    with pytest.raises(Conflict, match="already been created"):
        issue(organization, author, key_id=key_id)
    assert ApiKey.objects.count() == 1
    assert len(lines()) == 1


def test_an_id_of_another_make_is_refused(organization: Organization, author: User) -> None:
    with pytest.raises(Invalid):
        issue(organization, author, key_id="admin")


def test_rotation_changes_the_secret_and_keeps_the_old_for_the_overlap(key: Any, author: User) -> None:
    with time_machine.travel("2026-07-01T13:00:00Z", tick=False):
        secret = api_keys.rotate(user_actor(author), key, overlap=timedelta(hours=1))
        until = clock.now() + timedelta(hours=1)
    stored = ApiKey.objects.get()
    assert encryption.decrypt(stored.secret_encrypted) == secret != key.secret
    assert encryption.decrypt(stored.previous_encrypted) == key.secret
    assert stored.previous_until == until
    assert lines() == [("key.rotate", f"key:{key.pk}", str(author.pk))]


def test_rotation_without_overlap_forgets_the_old_secret(key: Any, author: User) -> None:
    api_keys.rotate(user_actor(author), key, overlap=timedelta(0))
    stored = ApiKey.objects.get()
    assert (stored.previous_encrypted, stored.previous_until) == ("", None)


@pytest.mark.parametrize("overlap", [timedelta(seconds=-1), timedelta(days=30, seconds=1)])
def test_an_overlap_has_bounds(overlap: timedelta, key: Any, author: User) -> None:
    with pytest.raises(Invalid, match="30 days"):
        api_keys.rotate(user_actor(author), key, overlap=overlap)


def test_of_two_rotations_at_once_one_wins(key: Any, author: User) -> None:
    rival = ApiKey.objects.get()
    secret = api_keys.rotate(user_actor(author), rival, overlap=timedelta(0))
    with pytest.raises(Conflict, match="Another user"):
        api_keys.rotate(user_actor(author), key, overlap=timedelta(0))
    assert encryption.decrypt(ApiKey.objects.get().secret_encrypted) == secret
    assert len(lines()) == 1


def test_a_revoked_key_stays_revoked(key: Any, author: User) -> None:
    api_keys.revoke(user_actor(author), key)
    assert not ApiKey.objects.get().is_valid_at(clock.now())
    with pytest.raises(Conflict, match="already revoked"):
        api_keys.revoke(user_actor(author), key)
    with pytest.raises(Conflict, match="revoked or has expired"):
        api_keys.rotate(user_actor(author), key, overlap=timedelta(0))
    assert lines() == [("key.revoke", f"key:{key.pk}", str(author.pk))]


def test_whoever_rotates_a_key_is_remembered_with_it(
    organization: Organization, author: User, admin_member: User
) -> None:
    key, _ = issue(organization, author)
    other, _ = issue(organization, author)
    api_keys.rotate(user_actor(admin_member), key, overlap=timedelta(0))
    assert api_keys.keys_rotated_by(admin_member, [key.pk, other.pk]) == {key.pk}
    assert api_keys.keys_rotated_by(author, [key.pk]) == set()
    assert api_keys.keys_rotated_by(admin_member, []) == set()
