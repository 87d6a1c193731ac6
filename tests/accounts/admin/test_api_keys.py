"""API keys in the admin."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.test import Client

from accounts import clock, encryption
from accounts.models import ApiKey, AuditEvent, Organization, Scope, User
from posts.models import Channel
from tests.helpers import AdminClient

LIST = "/admin/accounts/apikey/"


@pytest.fixture
def browser(signed_in: Callable[[User], Client], admin_member: User) -> Client:
    """The browser of an administrator of the organization."""
    return signed_in(admin_member)


def hidden(page: Any, name: str) -> str:
    matched = re.search(rf'name="{name}" value="([^"]+)"', page.content.decode())
    assert matched is not None
    return matched[1]


def shown_secret(page: Any) -> str:
    matched = re.search(r'id="key-secret">([^<]+)<', page.content.decode())
    assert matched is not None
    return matched[1]


def fill(browser: Client, own: Organization, /, **given: Any) -> dict[str, Any]:
    blank = browser.get(f"{LIST}add/")
    access = {"scopes": Scope.values, "reach": "all"}
    return {"organization": str(own.pk), "name": "agent", "key_id": hidden(blank, "key_id"), **access, **given}


def test_create_shows_the_secret_once(browser: Client, organization: Organization, admin_member: User) -> None:
    page = browser.post(f"{LIST}add/", fill(browser, organization, expires_in="7"))
    key = ApiKey.objects.get()
    secret = shown_secret(page)
    assert page.status_code == 200
    assert (key.organization, key.issued_by, key.name) == (organization, admin_member, "agent")
    assert encryption.decrypt(key.secret_encrypted) == secret
    assert "no-store" in page.headers["Cache-Control"]
    assert AuditEvent.objects.get().verb == "key.issue"
    for elsewhere in (LIST, f"{LIST}{key.pk}/change/", f"{LIST}{key.pk}/rotate/", f"{LIST}{key.pk}/revoke/"):
        assert secret not in browser.get(elsewhere).content.decode(), elsewhere
    assert secret not in str([session.get_decoded() for session in Session.objects.all()])
    assert secret not in str(browser.cookies)


def test_create_with_some_scopes_and_channels_stores_them(
    browser: Client, organization: Organization, facebook: Channel, instagram: Channel, other_facebook: Channel
) -> None:
    blank = browser.get(f"{LIST}add/").content.decode()
    assert (facebook.public_id in blank, other_facebook.public_id in blank) == (True, False)
    access = {"scopes": ["read", "draft"], "reach": "some", "channels": [instagram.public_id]}
    browser.post(f"{LIST}add/", fill(browser, organization, **access))
    key = ApiKey.objects.get()
    assert (key.scopes, key.channels) == (["read", "draft"], [instagram.public_id])
    details = AuditEvent.objects.get().details
    assert (details["scopes"], details["channels"]) == (key.scopes, key.channels)
    page = browser.get(f"{LIST}{key.pk}/change/").content.decode()
    assert (Scope.READ.label in page, Scope.QUEUE.label in page, instagram.name in page) == (True, False, True)
    assert "read, draft" in browser.get(LIST).content.decode()


def test_permissions_change_is_stored_and_recorded(browser: Client, key: Any, facebook: Channel) -> None:
    address = f"{LIST}{key.pk}/access/"
    assert browser.get(address).content.decode().count("checked") == len(Scope) + 1
    access = {"scopes": ["read"], "reach": "some", "channels": [facebook.public_id]}
    assert "changed, starting with its next request" in browser.post(address, access, follow=True).content.decode()
    assert "not changed." in browser.post(address, access, follow=True).content.decode()
    key.refresh_from_db()
    assert (key.scopes, key.channels) == (["read"], [facebook.public_id])
    event = AuditEvent.objects.get()
    assert (event.verb, event.subject) == ("key.restrict", f"key:{key.pk}")
    assert event.details == {"changed": {"scopes": [Scope.values, ["read"]], "channels": [None, [facebook.public_id]]}}
    browser.post(address, {"scopes": ["read"], "reach": "all", "channels": [facebook.public_id]})
    key.refresh_from_db()
    assert key.channels is None


def test_bearer_token_is_allowed_by_an_administrator_and_recorded(
    browser: Client, organization: Organization, key: Any
) -> None:
    browser.post(f"{LIST}add/", fill(browser, organization, name="mcp", allow_bearer="on"))
    assert ApiKey.objects.get(name="mcp").allow_bearer is True
    assert AuditEvent.objects.get().details["allow_bearer"] is True
    assert "not allowed" in browser.get(f"{LIST}{key.pk}/change/").content.decode()
    browser.post(f"{LIST}{key.pk}/access/", {"scopes": Scope.values, "reach": "all", "allow_bearer": "on"})
    key.refresh_from_db()
    assert key.allow_bearer is True
    assert AuditEvent.objects.get(verb="key.restrict").details == {"changed": {"allow_bearer": [False, True]}}
    assert browser.get(f"{LIST}{key.pk}/access/").content.decode().count("checked") == len(Scope.values) + 2


def test_create_submitted_twice_creates_one_key(browser: Client, organization: Organization) -> None:
    given = fill(browser, organization)
    browser.post(f"{LIST}add/", given)
    again = browser.post(f"{LIST}add/", given)
    assert "already been created" in again.content.decode()
    assert ApiKey.objects.count() == 1


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"name": " "}, "This field is required"),
        ({"expires_in": "0"}, "greater than or equal to 1"),
        ({"organization": ""}, "This field is required"),
        ({"key_id": "admin"}, "Invalid key id"),
        ({"scopes": []}, "This field is required"),
        ({"scopes": ["root"]}, "Select a valid choice"),
        ({"reach": "some"}, "Select at least one channel"),
        ({"reach": "some", "channels": ["FB_PAGE_1"]}, "Select a valid choice"),
    ],
)
def test_create_with_invalid_input_shows_the_error(
    given: dict[str, str], message: str, browser: Client, organization: Organization
) -> None:
    page = browser.post(f"{LIST}add/", fill(browser, organization, **given))
    assert page.status_code == 200
    assert message in page.content.decode()
    assert ApiKey.objects.count() == 0


def test_rotate_shows_the_new_secret_and_keeps_the_old_one(browser: Client, key: Any) -> None:
    form = browser.get(f"{LIST}{key.pk}/rotate/")
    page = browser.post(f"{LIST}{key.pk}/rotate/", {"overlap": "1", "known": hidden(form, "known")})
    stored = ApiKey.objects.get()
    assert shown_secret(page) == encryption.decrypt(stored.secret_encrypted) != key.secret
    assert encryption.decrypt(stored.previous_encrypted) == key.secret
    assert stored.previous_until is not None
    assert abs(stored.previous_until - clock.now() - timedelta(hours=1)) < timedelta(minutes=1)


def test_rotate_submitted_twice_rotates_once(browser: Client, key: Any) -> None:
    form = browser.get(f"{LIST}{key.pk}/rotate/")
    given = {"overlap": "24", "known": hidden(form, "known")}
    secret = shown_secret(browser.post(f"{LIST}{key.pk}/rotate/", given))
    again = browser.post(f"{LIST}{key.pk}/rotate/", given)
    assert "already been rotated" in again.content.decode()
    assert encryption.decrypt(ApiKey.objects.get().secret_encrypted) == secret


def test_revoke_needs_a_post_and_is_permanent(browser: Client, key: Any) -> None:
    assert "refused immediately and permanently" in browser.get(f"{LIST}{key.pk}/revoke/").content.decode()
    assert ApiKey.objects.get().revoked_at is None
    answer = browser.post(f"{LIST}{key.pk}/revoke/", follow=True)
    assert "Agent is revoked." in answer.content.decode()
    assert ApiKey.objects.get().revoked_at is not None
    assert "already revoked" in browser.post(f"{LIST}{key.pk}/revoke/", follow=True).content.decode()
    assert "Rotate…" not in browser.get(f"{LIST}{key.pk}/change/").content.decode()


def test_every_link_of_the_list_opens_the_key_t1(
    admin_member: User, make_key: Callable[..., ApiKey], organization: Organization
) -> None:
    """The list quotes ids, other links do not; `_22` of an id stands for another character where it is unquoted."""
    admin = AdminClient(admin_member)
    for pk in (f"dk_{'0a' * 12}", f"dk_22{'0b' * 11}"):
        key = make_key(organization, admin_member, pk=pk)
        linked = next(url for url in admin.open("/admin/accounts/apikey/").page.links if pk[3:] in url)
        assert key.pk in admin.open(linked).text
        assert key.pk in admin.open(f"/admin/accounts/apikey/{pk}/change/").text
        for page in [url for url in admin.page.links if pk[3:] in url]:
            assert admin.open(page).answer.status_code == 200, page
        assert admin.press().answer.url == "/admin/accounts/apikey/"  # the last one revokes
        key.refresh_from_db()
        assert key.revoked_at is not None
    assert admin.open("/admin/accounts/apikey/dk_5Fnothing/change/").answer.status_code == 404
