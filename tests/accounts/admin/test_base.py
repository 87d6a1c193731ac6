"""Permissions follow from memberships, not from Django's permissions or superuser status."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import Permission
from django.test import RequestFactory

from accounts.admin.base import OrganizationScopedAdmin
from accounts.models import ApiKey, AuditEvent, Membership, Organization, Role, User
from posts.models import Channel, PublishedPost


class Scoped(OrganizationScopedAdmin):
    """A model admin with the default edit_role, EDITOR."""


class ByPath(Scoped):
    organization_lookup = "channel__organization_id"


class ByColumn(Scoped):
    edit_role = None


def as_seen_by(user: User) -> Any:
    request = RequestFactory().get("/admin/")
    request.user = user
    return request


@pytest.fixture
def superuser(db: None) -> User:
    return User.objects.create_user("root", is_staff=True, is_superuser=True)


KEYS = Scoped(ApiKey, admin.site)


def rights(user: User, obj: Any = None, model_admin: Any = KEYS) -> str:
    """Return v, a, c, d for viewing, adding, changing and deleting, as far as `user` may."""
    request = as_seen_by(user)
    return "".join(
        letter
        for letter, may in [
            ("m", model_admin.has_module_permission(request)),
            ("v", model_admin.has_view_permission(request, obj)),
            ("a", model_admin.has_add_permission(request)),
            ("c", model_admin.has_change_permission(request, obj)),
            ("d", model_admin.has_delete_permission(request, obj)),
        ]
        if may
    )


def test_member_of_two_organizations_sees_both(key: ApiKey, other_key: ApiKey, viewer: User) -> None:
    Membership.objects.create(user=viewer, organization=other_key.organization, role=Role.ADMIN)
    assert set(KEYS.get_queryset(as_seen_by(viewer))) == {key, other_key}
    assert rights(viewer, key) == "mva"
    assert rights(viewer, other_key) == "mvac"


def test_django_permissions_and_superuser_status_grant_nothing(key: ApiKey, superuser: User, viewer: User) -> None:
    viewer.user_permissions.set(Permission.objects.all())
    assert rights(User.objects.get(pk=viewer.pk), key) == "mv"
    assert rights(superuser, key) == ""


def test_inactive_users_and_keys_have_no_permissions(key: ApiKey, author: User) -> None:
    author.is_active = False
    assert rights(author, key) == ""
    assert rights(key, key) == ""  # type: ignore[arg-type]  # whatever a request's user may be


@pytest.mark.parametrize("role", [Role.VIEWER, Role.EDITOR, Role.ADMIN])
def test_edit_role_is_the_lowest_role_that_writes(
    role: Role, key: ApiKey, make_member: Callable[..., User], organization: Organization
) -> None:
    class ForAdministrators(Scoped):
        edit_role = Role.ADMIN

    class ForNobody(Scoped):
        edit_role = None

    member = make_member("member", organization, role)
    assert rights(member, key, ForAdministrators(ApiKey, admin.site)) == ("mvac" if role == Role.ADMIN else "mv")
    assert rights(member, key, ForNobody(ApiKey, admin.site)) == "mv"


def test_organization_lookup_can_be_a_path_or_a_column(
    facebook: Channel, other_facebook: Channel, author: User, organization: Organization
) -> None:
    def published(channel: Channel) -> PublishedPost:
        return PublishedPost.objects.create(
            organization=channel.organization, channel=channel, platform_id="1", published_at=channel.connected_at
        )

    posts = ByPath(PublishedPost, admin.site)
    own, foreign = published(facebook), published(other_facebook)
    assert list(posts.get_queryset(as_seen_by(author))) == [own]
    assert (rights(author, own, posts), rights(author, foreign, posts)) == ("mvac", "ma")

    events = ByColumn(AuditEvent, admin.site)
    event = AuditEvent(organization_id=organization.pk)
    assert rights(author, event, events) == "mv"
    assert rights(author, AuditEvent(organization_id=other_facebook.organization_id), events) == "m"


def test_lookups_on_encrypted_columns_are_refused(author: User) -> None:
    request = as_seen_by(author)
    assert not KEYS.lookup_allowed("secret_encrypted__startswith", "gAAAA", request)
    assert KEYS.lookup_allowed("name__startswith", "a", request)


def test_memberships_are_queried_once_per_request(author: User, key: ApiKey, django_assert_num_queries: Any) -> None:
    request = as_seen_by(author)
    with django_assert_num_queries(1):
        assert KEYS.has_module_permission(request)
        assert KEYS.has_change_permission(request, key)
        assert KEYS.has_add_permission(request)
