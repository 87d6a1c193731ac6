"""The error pages, which need no database."""

from collections.abc import Callable

import pytest
from django.test import Client, RequestFactory

from accounts.api import views
from accounts.api.middleware import REQUEST_ID
from accounts.models import User


def test_404_and_403_have_our_page(viewer: User, signed_in: Callable[[User], Client]) -> None:
    desk = signed_in(viewer)
    pages = {
        "/admin/nothing/": (404, "Page not found"),
        "/nothing": (404, "Page not found"),
        "/admin/accounts/apikey/add/": (403, "You do not have permission to do this"),
    }
    for address, (status, text) in pages.items():
        answer = desk.get(address)
        assert (answer.status_code, text in answer.content.decode()) == (status, True), address
        assert "dynamo/admin.css" in answer.content.decode()


def test_form_without_csrf_token_is_403_with_our_page(viewer: User, signed_in: Callable[[User], Client]) -> None:
    desk = signed_in(viewer)
    desk.handler.enforce_csrf_checks = True
    answer = desk.post("/admin/account/sign-out/")
    assert (answer.status_code, "This page has expired" in answer.content.decode()) == (403, True)


def test_500_needs_no_database_and_shows_the_request_id(rf: RequestFactory) -> None:
    request = rf.get("/admin/", **{REQUEST_ID: "a-name-in-the-log"})
    page = views.server_error(request)
    assert (page.status_code, "a-name-in-the-log" in page.content.decode()) == (500, True)


@pytest.mark.parametrize("status", [400, 500])
def test_api_errors_are_json(rf: RequestFactory, status: int) -> None:
    handler = {400: views.bad_request, 500: views.server_error}[status]
    assert handler(rf.get("/v1/posts")).headers["Content-Type"] == "application/json"


def test_wrong_host_is_named_o11() -> None:
    for path in ("/admin/login/", "/healthz"):
        answer = Client(headers={"host": "other.example"}).get(path)
        assert (answer.status_code, "DYNAMO_ALLOWED_HOSTS" in answer.content.decode()) == (400, True)


def test_admin_has_no_stock_pages(viewer: User, signed_in: Callable[[User], Client]) -> None:
    User.objects.filter(pk=viewer.pk).update(is_superuser=True)
    desk, organization = signed_in(viewer), viewer.memberships.get().organization
    assert "To approve" in desk.get("/admin/accounts/").content.decode()
    history = desk.get(f"/admin/accounts/organization/{organization.pk}/history/").content.decode()
    assert f"/admin/accounts/auditevent/?q=organization:{organization.pk}" in history
