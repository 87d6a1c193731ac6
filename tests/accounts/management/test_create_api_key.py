"""manage.py create_api_key."""

import re
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from accounts import clock
from accounts.models import ApiKey, AuditEvent, Organization, User
from posts.models import Channel
from tests.helpers import SignedClient


def create(organization: str, issued_by: str, **given: Any) -> str:
    out = StringIO()
    call_command("create_api_key", organization=organization, name="agent", issued_by=issued_by, stdout=out, **given)
    return out.getvalue()


@pytest.mark.parametrize("naming", ["id", "name"])
def test_command_prints_a_working_key(naming: str, organization: Organization, author: User) -> None:
    printed = create(str(organization.pk) if naming == "id" else organization.name, "author")
    matched = re.fullmatch(r"id      (dk_[0-9a-f]{24})\nsecret  ([\w-]{43})\n", printed)
    assert matched is not None
    key: Any = ApiKey.objects.get()
    key.secret = matched[2]
    assert (key.pk, key.issued_by, key.expires_at) == (matched[1], author, None)
    assert SignedClient(key).get("/organizations").json()[0]["id"] == str(organization.pk)
    assert AuditEvent.objects.get().verb == "key.issue"


def test_expires_in_sets_the_expiry(organization: Organization, author: User) -> None:
    create(organization.name, "author", expires_in=30)
    expires_at = ApiKey.objects.get().expires_at
    assert expires_at is not None
    assert abs(expires_at - clock.now() - timedelta(days=30)) < timedelta(minutes=1)


@pytest.mark.parametrize("allowed", [False, True])
def test_bearer_token_is_allowed_on_request(organization: Organization, author: User, allowed: bool) -> None:
    create(organization.name, "author", allow_bearer=allowed)
    assert ApiKey.objects.get().allow_bearer is allowed


def test_scopes_and_channels_limit_the_key(
    organization: Organization, author: User, facebook: Channel, instagram: Channel
) -> None:
    create(organization.name, "author", scopes=["draft", "read"], channels=[instagram.public_id])
    key = ApiKey.objects.get()
    assert (key.scopes, key.channels) == (["read", "draft"], [instagram.public_id])


@pytest.mark.parametrize(
    ("named", "issued_by", "given", "message"),
    [
        ("Nowhere", "author", {}, "There is no organization Nowhere"),
        ("00000000-0000-0000-0000-000000000000", "author", {}, "There is no organization 0000"),
        ("Casa do Sol", "ghost", {}, "There is no user ghost"),
        ("Casa do Sol", "viewer", {}, "viewer cannot be responsible"),
        ("Casa do Sol", "outsider", {}, "outsider cannot be responsible"),
        ("Casa do Sol", "author", {"expires_in": 0}, "in the past"),
        ("Casa do Sol", "author", {"scopes": ["approve"]}, "one or more of the scopes read, draft, queue"),
        ("Casa do Sol", "author", {"channels": ["FB_PAGE_1"]}, "unknown: FB_PAGE_1"),
        ("Casa do Sol", "author", {"expires_in": 10**9}, "beyond the calendar"),
    ],
)
@pytest.mark.usefixtures("author", "viewer", "outsider")
def test_invalid_arguments_raise_command_error(named: str, issued_by: str, given: dict[str, Any], message: str) -> None:
    with pytest.raises(CommandError, match=message):
        create(named, issued_by, **given)
    assert ApiKey.objects.count() == 0


def test_ambiguous_organization_name_is_refused(organization: Organization, author: User) -> None:
    Organization.objects.create(name=organization.name)
    with pytest.raises(CommandError, match="There are several organizations Casa do Sol"):
        create(organization.name, "author")
    assert ApiKey.objects.count() == 0
