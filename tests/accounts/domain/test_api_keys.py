"""Creating, rotating and revoking keys."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine

from accounts import clock, encryption
from accounts.domain import api_keys
from accounts.domain.actors import user_actor
from accounts.exceptions import Conflict, Invalid
from accounts.models import ApiKey, AuditEvent, Organization, User


def issue(organization: Organization, issued_by: User, **given: Any) -> tuple[ApiKey, str]:
    return api_keys.create_api_key(user_actor(issued_by), organization=organization, **{"name": "agent", **given})


def lines() -> list[tuple[str, str, str]]:
    return list(AuditEvent.objects.order_by("id").values_list("verb", "subject", "actor_id"))


def test_create_stores_the_secret_encrypted(organization: Organization, author: User) -> None:
    key, secret = issue(organization, author)
    stored = ApiKey.objects.get()
    assert (stored.pk, stored.organization, stored.issued_by, stored.name) == (key.pk, organization, author, "agent")
    assert encryption.decrypt(stored.secret_encrypted) == secret
    assert len(secret) >= 43
    assert secret not in str(vars(stored))
    assert lines() == [("key.issue", f"key:{key.pk}", str(author.pk))]
    assert secret not in str(AuditEvent.objects.values())


@pytest.mark.parametrize("name", ["", "   ", "x" * 101, "a\x00b"])
def test_create_with_invalid_name_is_refused(name: str, organization: Organization, author: User) -> None:
    with pytest.raises(Invalid, match="name"):
        issue(organization, author, name=name)
    assert lines() == []


def test_a_key_needs_an_active_issuer_who_may_write(
    organization: Organization, viewer: User, outsider: User, author: User
) -> None:
    author.is_active = False
    for user in (viewer, outsider, author):
        with pytest.raises(Invalid):
            issue(organization, user)
    assert ApiKey.objects.count() == 0


def test_rotate_changes_the_secret_and_keeps_the_old_one(key: Any, author: User) -> None:
    with time_machine.travel("2026-07-01T13:00:00Z", tick=False):
        secret = api_keys.rotate(user_actor(author), key, overlap=timedelta(hours=1))
        until = clock.now() + timedelta(hours=1)
    stored = ApiKey.objects.get()
    assert encryption.decrypt(stored.secret_encrypted) == secret != key.secret
    assert encryption.decrypt(stored.previous_encrypted) == key.secret
    assert stored.previous_until == until
    assert lines() == [("key.rotate", f"key:{key.pk}", str(author.pk))]


def test_rotate_without_overlap_deletes_the_old_secret(key: Any, author: User) -> None:
    api_keys.rotate(user_actor(author), key, overlap=timedelta(0))
    stored = ApiKey.objects.get()
    assert (stored.previous_encrypted, stored.previous_until) == ("", None)


@pytest.mark.parametrize("overlap", [timedelta(seconds=-1), timedelta(days=30, seconds=1)])
def test_rotate_with_overlap_out_of_bounds_is_refused(overlap: timedelta, key: Any, author: User) -> None:
    with pytest.raises(Invalid, match="30 days"):
        api_keys.rotate(user_actor(author), key, overlap=overlap)


def test_concurrent_rotations_one_succeeds(key: Any, author: User) -> None:
    rival = ApiKey.objects.get()
    secret = api_keys.rotate(user_actor(author), rival, overlap=timedelta(0))
    with pytest.raises(Conflict, match="Another user"):
        api_keys.rotate(user_actor(author), key, overlap=timedelta(0))
    assert encryption.decrypt(ApiKey.objects.get().secret_encrypted) == secret
    assert len(lines()) == 1


def test_revoked_key_cannot_be_revoked_or_rotated(key: Any, author: User) -> None:
    api_keys.revoke(user_actor(author), key)
    assert not ApiKey.objects.get().is_valid_at(clock.now())
    with pytest.raises(Conflict, match="already revoked"):
        api_keys.revoke(user_actor(author), key)
    with pytest.raises(Conflict, match="revoked or has expired"):
        api_keys.rotate(user_actor(author), key, overlap=timedelta(0))
    assert lines() == [("key.revoke", f"key:{key.pk}", str(author.pk))]


def test_keys_rotated_by_returns_the_users_rotations(
    organization: Organization, author: User, admin_member: User
) -> None:
    key, _ = issue(organization, author)
    other, _ = issue(organization, author)
    api_keys.rotate(user_actor(admin_member), key, overlap=timedelta(0))
    assert api_keys.keys_rotated_by([admin_member.pk], [key.pk, other.pk]) == {key.pk: {admin_member.pk}}
    assert api_keys.keys_rotated_by([author.pk], [key.pk]) == {}
    assert api_keys.keys_rotated_by([admin_member.pk], []) == {}
