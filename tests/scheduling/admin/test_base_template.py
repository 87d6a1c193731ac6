"""What all pages of the desk have in common: where one is, how instants and truths are written, what is empty."""

import re
from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client

from accounts.models import Organization, User
from scheduling.models import Webhook
from tests.admin_client import POSTS

CURRENT = re.compile(r'<a href="[^"]*" aria-current="page">([^<]*?) ?<')


@pytest.fixture
def superuser(admin_member: User) -> User:
    User.objects.filter(pk=admin_member.pk).update(is_superuser=True, time_zone="Europe/Lisbon")
    admin_member.refresh_from_db()
    return admin_member


def test_the_header_marks_where_one_is(
    superuser: User, viewer: User, signed_in: Any, organization: Organization
) -> None:
    hook = Webhook.objects.create(organization=organization, url="https://example.com/")
    desk: Client = signed_in(superuser)
    where = {
        f"{POSTS}?status=WAITING_FOR_APPROVAL": "To approve",
        POSTS: "All posts",
        f"{POSTS}calendar/": "Calendar",
        "/admin/scheduling/notification/": "Notices",
        "/admin/scheduling/webhook/": "Notices",
        f"/admin/scheduling/webhook/{hook.pk}/change/": "Notices",
        "/admin/accounts/membership/": "People",
        "/admin/accounts/user/": "People",
        f"/admin/accounts/user/{viewer.pk}/password/": "People",
        f"/admin/accounts/organization/{organization.pk}/change/": "People",
        f"/admin/policy/{organization.pk}/": "People",
        "/admin/accounts/apikey/add/": "Keys",
        "/admin/account/": "You",
    }
    assert {address: CURRENT.findall(desk.get(address).content.decode()) for address in where} == {
        address: [name] for address, name in where.items()
    }


def test_tables_say_yes_no_never_and_the_readers_time(
    superuser: User, signed_in: Any, organization: Organization
) -> None:
    desk: Client = signed_in(superuser)
    Organization.objects.filter(pk=organization.pk).update(created_at=datetime(2026, 7, 1, 14, 5, tzinfo=UTC))
    page = desk.get("/admin/accounts/organization/").content.decode()
    assert re.search(r'<span class="local">Wed 1 Jul(?: 2026)?, 15:05</span> <span class="utc">14:05 UTC</span>', page)
    assert "icon-no.svg" not in page
    assert re.search(r'data-label="Active">yes<', page)
    User.objects.filter(pk=superuser.pk).update(last_login=None)
    people = desk.get("/admin/accounts/membership/").content.decode()
    assert re.search(r'data-label="Last signed in">(never|<time)', people)
    assert not re.search(r"[ap]\.m\.", people)


def test_an_empty_list_says_whether_it_is_empty_or_narrowed_down(superuser: User, signed_in: Any) -> None:
    desk: Client = signed_in(superuser)
    said = {
        "/admin/accounts/apikey/": "No key yet.",
        "/admin/accounts/apikey/?q=zebra": "No key fits “zebra”.",
        "/admin/posts/superpowertemplate/": "No superpower yet.",
        "/admin/posts/channel/": "No channel is connected yet.",
        "/admin/posts/publishedpost/?q=zebra": "No live post fits “zebra”.",
        f"{POSTS}?status=FAILED": "No post fits what you chose.",
    }
    pages = {address: desk.get(address).content.decode() for address in said}
    assert [address for address, words in said.items() if words not in pages[address]] == []
    narrowed = [address for address, page in pages.items() if '<a href="?">Show all</a>' in page]
    assert narrowed == [address for address in said if "?" in address]
