"""Organizations, people and memberships: who changes them, and what the trail keeps."""

from typing import Any

import pytest

from accounts.domain import memberships
from accounts.domain.actors import WORKER, api_key_actor, user_actor
from accounts.exceptions import Forbidden
from accounts.models import AuditEvent, Membership, Organization, Role, User


@pytest.fixture
def root(db: None) -> User:
    return User.objects.create_user("root", is_staff=True, is_superuser=True)


def trail() -> list[tuple[Any, ...]]:
    return list(AuditEvent.objects.order_by("id").values_list("organization_id", "verb", "subject", "details"))


def test_only_superusers_manage(author: User, key: Any, organization: Organization) -> None:
    organization.name = "Ours now"
    for actor in (user_actor(author), api_key_actor(key), WORKER):
        with pytest.raises(Forbidden, match="superusers"):
            memberships.save(actor, organization)
        with pytest.raises(Forbidden, match="administrator"):
            memberships.remove(actor, Membership.objects.get(user=author))
    assert Organization.objects.get(pk=organization.pk).name == "Casa do Sol"
    assert Membership.objects.filter(user=author).count() == 1
    assert trail() == []


def test_a_new_organization_leaves_a_line(root: User) -> None:
    organization = Organization(name="New")
    memberships.save(user_actor(root), organization)
    rules = ("allow_self_approval", "second_approver", "require_mfa", "require_full_signature")
    changed = {"name": [None, "New"], "active": [None, True], **{rule: [None, False] for rule in rules}}
    assert trail() == [
        (organization.pk, "organization.create", f"organization:{organization.pk}", {"changed": changed})
    ]


def test_a_change_is_quoted_before_and_after(root: User, author: User, organization: Organization) -> None:
    membership = Membership.objects.get(user=author)
    membership.may_review = True
    memberships.save(user_actor(root), membership)
    assert trail() == [
        (
            organization.pk,
            "membership.change",
            f"membership:{membership.pk}",
            {"changed": {"may_review": [False, True]}},
        )
    ]


def test_what_did_not_change_leaves_no_line(root: User, organization: Organization) -> None:
    memberships.save(user_actor(root), organization)
    assert trail() == []


def test_a_membership_that_ends_leaves_a_line(root: User, author: User, organization: Organization) -> None:
    membership = Membership.objects.get(user=author)
    subject = f"membership:{membership.pk}"
    memberships.remove(user_actor(root), membership)
    was = {
        "organization_id": str(organization.pk), "user_id": author.pk, "role": Role.EDITOR, "may_review": False,
            "review_channels": None,
    }  # fmt: skip
    assert trail() == [(organization.pk, "membership.remove", subject, {"was": was})]
    assert not Membership.objects.filter(user=author).exists()


def test_a_person_leaves_a_line_in_each_of_their_organizations_and_no_password(
    root: User, author: User, organization: Organization, other_organization: Organization
) -> None:
    Membership.objects.create(organization=other_organization, user=author)
    author.email = "new@example.com"
    author.set_password("correct horse battery")
    memberships.save(user_actor(root), author, password=True)
    details = {"changed": {"email": ["author@example.com", "new@example.com"]}, "password": "set"}
    expected = [(item.pk, "user.change", f"user:{author.pk}", details) for item in (organization, other_organization)]
    assert sorted(trail(), key=lambda line: line[0]) == sorted(expected, key=lambda line: line[0])
    assert author.password not in str(trail())


def test_a_person_of_no_organization_has_a_line_all_the_same(root: User) -> None:
    newcomer = User(username="newcomer")
    memberships.save(user_actor(root), newcomer)
    assert [line[:3] for line in trail()] == [(memberships.NO_ORGANIZATION_ID, "user.create", f"user:{newcomer.pk}")]
