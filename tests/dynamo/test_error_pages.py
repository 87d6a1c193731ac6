"""What people read when something is wrong: our words on our page, without asking the database for anything."""

from collections.abc import Callable

import pytest
from django.test import Client, RequestFactory

from accounts.api import error_views
from accounts.api.middleware import REQUEST_ID
from accounts.models import User


def test_what_is_not_there_or_not_allowed_is_said_on_a_page_of_ours(
    viewer: User, signed_in: Callable[[User], Client]
) -> None:
    desk = signed_in(viewer)
    said = {
        "/admin/nothing/": (404, "Page not found"),
        "/nothing": (404, "Page not found"),
        "/admin/accounts/apikey/add/": (403, "You do not have permission to do this"),
    }
    for address, (status, words) in said.items():
        answer = desk.get(address)
        assert (answer.status_code, words in answer.content.decode()) == (status, True), address
        assert "dynamo/admin.css" in answer.content.decode()


def test_a_form_without_its_token_is_said_to_be_too_old(viewer: User, signed_in: Callable[[User], Client]) -> None:
    desk = signed_in(viewer)
    desk.handler.enforce_csrf_checks = True
    answer = desk.post("/admin/account/sign-out/")
    assert (answer.status_code, "This page has expired" in answer.content.decode()) == (403, True)


def test_a_mistake_of_ours_needs_no_database_and_names_the_line_in_the_log(rf: RequestFactory) -> None:
    request = rf.get("/admin/", **{REQUEST_ID: "a-name-in-the-log"})
    page = error_views.server_error(request)
    assert (page.status_code, "a-name-in-the-log" in page.content.decode()) == (500, True)


@pytest.mark.parametrize("status", [400, 500])
def test_the_api_keeps_its_envelope(rf: RequestFactory, status: int) -> None:
    handler = {400: error_views.bad_request, 500: error_views.server_error}[status]
    assert handler(rf.get("/v1/posts")).headers["Content-Type"] == "application/json"


def test_what_is_signed_out_is_told_so(viewer: User, signed_in: Callable[[User], Client]) -> None:
    page = signed_in(viewer).post("/admin/logout/").content.decode()
    assert "You are signed out" in page
    assert "Sign in again" in page


def test_nothing_of_the_stock_pages_is_left_behind_the_desk(viewer: User, signed_in: Callable[[User], Client]) -> None:
    User.objects.filter(pk=viewer.pk).update(is_superuser=True)
    desk, organization = signed_in(viewer), viewer.memberships.get().organization
    assert "To approve" in desk.get("/admin/accounts/").content.decode()
    history = desk.get(f"/admin/accounts/organization/{organization.pk}/history/").content.decode()
    assert f"/admin/accounts/auditevent/?q=organization:{organization.pk}" in history
