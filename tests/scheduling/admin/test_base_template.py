"""Common parts of the admin pages: navigation, values in tables, empty lists."""

import re
from datetime import UTC, datetime

import pytest
from django.test import Client

from accounts.models import Organization, User
from scheduling.models import Webhook
from tests.helpers import POSTS

CURRENT = re.compile(r'<a href="[^"]*" aria-current="page">([^<]*?) ?<')


@pytest.fixture
def superuser(admin_member: User) -> User:
    User.objects.filter(pk=admin_member.pk).update(is_superuser=True, time_zone="Europe/Lisbon")
    admin_member.refresh_from_db()
    return admin_member


def test_navigation_marks_the_current_entry(
    superuser: User, viewer: User, signed_in, organization: Organization
) -> None:
    hook = Webhook.objects.create(organization=organization, url="https://example.com/")
    site: Client = signed_in(superuser)
    current = {
        f"{POSTS}?status=WAITING_FOR_APPROVAL": "To approve",
        POSTS: "All posts",
        f"{POSTS}calendar/": "Calendar",
        "/admin/scheduling/notification/": "Notifications",
        "/admin/scheduling/webhook/": "Notifications",
        f"/admin/scheduling/webhook/{hook.pk}/change/": "Notifications",
        "/admin/accounts/membership/": "People",
        "/admin/accounts/user/": "People",
        f"/admin/accounts/user/{viewer.pk}/password/": "People",
        f"/admin/accounts/organization/{organization.pk}/change/": "People",
        f"/admin/policy/{organization.pk}/": "People",
        "/admin/accounts/apikey/add/": "API keys",
        "/admin/account/": "Profile",
    }
    assert {address: CURRENT.findall(site.get(address).content.decode()) for address in current} == {
        address: [name] for address, name in current.items()
    }


def test_table_shows_yes_no_never_and_local_time(superuser: User, signed_in, organization: Organization) -> None:
    site: Client = signed_in(superuser)
    Organization.objects.filter(pk=organization.pk).update(created_at=datetime(2026, 7, 1, 14, 5, tzinfo=UTC))
    page = site.get("/admin/accounts/organization/").content.decode()
    assert re.search(r'<span class="local">Wed 1 Jul(?: 2026)?, 15:05</span> <span class="utc">14:05 UTC</span>', page)
    assert "icon-no.svg" not in page
    assert re.search(r'data-label="Active">yes<', page)
    User.objects.filter(pk=superuser.pk).update(last_login=None)
    members = site.get("/admin/accounts/membership/").content.decode()
    assert re.search(r'data-label="Last signed in">(never|<time)', members)
    assert not re.search(r"[ap]\.m\.", members)
