"""Organizations, users and memberships: who can change them, and what is recorded."""

from typing import Any

import pytest

from accounts.domain import memberships
from accounts.domain.actors import WORKER, api_key_actor, user_actor
from accounts.exceptions import Forbidden
from accounts.models import AuditEvent, Membership, Organization, Role, User


@pytest.fixture
def root(db: None) -> User:
    return User.objects.create_user("root", is_staff=True, is_superuser=True)


def events() -> list[tuple[Any, ...]]:
    return list(AuditEvent.objects.order_by("id").values_list("organization_id", "verb", "subject", "details"))


def test_save_without_superuser_is_forbidden(author: User, key: Any, organization: Organization) -> None:
    organization.name = "Ours now"
    for actor in (user_actor(author), api_key_actor(key), WORKER):
        with pytest.raises(Forbidden, match="superusers"):
            memberships.save(actor, organization)
        with pytest.raises(Forbidden, match="administrator"):
            memberships.remove(actor, Membership.objects.get(user=author))
    assert Organization.objects.get(pk=organization.pk).name == "Casa do Sol"
    assert Membership.objects.filter(user=author).count() == 1
    assert events() == []


def test_new_organization_is_recorded(root: User) -> None:
    organization = Organization(name="New")
    memberships.save(user_actor(root), organization)
    rules = (
        "allow_self_approval",
        "second_approver",
        "require_mfa",
        "require_full_signature",
        "reviewers_may_correct",
        "require_if_match",
    )
    changed = {
        "name": [None, "New"],
        "active": [None, True],
        "time_zone": [None, "UTC"],
        **{rule: [None, False] for rule in rules},
    }
    assert events() == [
        (organization.pk, "organization.create", f"organization:{organization.pk}", {"changed": changed})
    ]


def test_change_is_recorded_with_old_and_new_value(root: User, author: User, organization: Organization) -> None:
    membership = Membership.objects.get(user=author)
    membership.may_review = True
    memberships.save(user_actor(root), membership)
    assert events() == [
        (
            organization.pk,
            "membership.change",
            f"membership:{membership.pk}",
            {"changed": {"may_review": [False, True]}},
        )
    ]


def test_save_without_change_is_not_recorded(root: User, organization: Organization) -> None:
    memberships.save(user_actor(root), organization)
    assert events() == []


def test_removal_is_recorded(root: User, author: User, organization: Organization) -> None:
    membership = Membership.objects.get(user=author)
    subject = f"membership:{membership.pk}"
    memberships.remove(user_actor(root), membership)
    was = {
        "organization_id": str(organization.pk), "user_id": author.pk, "role": Role.EDITOR, "may_review": False,
            "review_channels": None,
    }  # fmt: skip
    assert events() == [(organization.pk, "membership.remove", subject, {"was": was})]
    assert not Membership.objects.filter(user=author).exists()


def test_user_change_is_recorded_in_each_organization_without_password(
    root: User, author: User, organization: Organization, other_organization: Organization
) -> None:
    Membership.objects.create(organization=other_organization, user=author)
    author.email = "new@example.com"
    author.set_password("correct horse battery")
    memberships.save(user_actor(root), author, password=True)
    details = {"changed": {"email": ["author@example.com", "new@example.com"]}, "password": "set"}
    expected = [(item.pk, "user.change", f"user:{author.pk}", details) for item in (organization, other_organization)]
    assert sorted(events(), key=lambda line: line[0]) == sorted(expected, key=lambda line: line[0])
    assert author.password not in str(events())


def test_user_without_organization_is_recorded(root: User) -> None:
    newcomer = User(username="newcomer")
    memberships.save(user_actor(root), newcomer)
    assert [line[:3] for line in events()] == [(memberships.NO_ORGANIZATION_ID, "user.create", f"user:{newcomer.pk}")]
