"""Common parts of the admin pages: navigation, values in tables, empty lists."""

import re
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from django.test import Client

from accounts.models import Membership, Organization, User
from scheduling.admin.review_context import title_of
from scheduling.models import Webhook
from tests.helpers import POSTS, AdminClient

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


def test_superuser_without_membership_sees_why_and_no_dead_links_t8(viewer: User) -> None:
    Membership.objects.all().delete()
    User.objects.filter(pk=viewer.pk).update(is_superuser=True)
    site = AdminClient(viewer).open("/admin/")
    assert "You are not a member of any organization" in site.text
    assert "To approve" not in site.text
    links = {link for link in site.page.links if link.startswith("/admin/")}
    assert "/admin/accounts/membership/" in links
    assert {link: site.open(link).answer.status_code for link in links} == dict.fromkeys(links, 200)
    User.objects.filter(pk=viewer.pk).update(is_superuser=False)
    assert "Ask an administrator" in site.open("/admin/").text
    assert "/admin/accounts/membership/" not in site.page.links


def test_editor_reads_who_approves_t8(make_waiting: Any, author: User) -> None:
    assert "Reviewers approve posts." in AdminClient(author).review(make_waiting()).text


def test_rejection_without_notes_keeps_the_form_open_and_in_view_t8(make_waiting: Any, reviewer: User) -> None:
    site = AdminClient(reviewer).review(make_waiting()).press("reject", notes=" ")
    html = site.answer.content.decode()
    assert '<details open class="reject">' in html
    assert 'name="notes" rows="4" required autofocus' in html


def test_cut_title_does_not_end_in_a_full_stop_and_an_ellipsis_t12() -> None:
    caption = "Market day! Figs, goat's cheese, and the man who sells only brooms. Until 13:00, by the church."
    post = SimpleNamespace(deliveries=SimpleNamespace(all=lambda: [SimpleNamespace(caption=caption)]))
    assert title_of(post) == "Market day! Figs, goat's cheese, and the man who sells only brooms…"  # type: ignore[arg-type]
