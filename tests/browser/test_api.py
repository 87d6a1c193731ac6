"""The API reference in the browser: requests of "Try it out" are signed and accepted."""

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from accounts.models import ApiKey
from tests.browser.conftest import OpenAdmin
from tests.browser.csp_guard import Guard
from tests.browser.sample_data import Scene

CHANNELS, CREATE = "/channels", "/scheduled-posts"
PATIENCE = 60_000  # ms: the first page builds the schema, and Swagger UI keeps the browser busy while it renders it


def open_reference(page: Page) -> Page:
    page.set_default_timeout(PATIENCE)
    page.goto("/admin/api/")
    return page


def try_out(page: Page, method: str, path: str) -> Any:
    """Execute the example of an operation and return the response."""
    operation = page.locator(f".opblock-{method}").filter(has=page.locator(f'[data-path="{path}"]'))
    operation.locator(".opblock-summary-control").click()
    operation.get_by_role("button", name="Try it out").click()
    with page.expect_response(f"**/v1{path}*") as response:
        operation.get_by_role("button", name="Execute").click()
    expect(operation.locator(".live-responses-table")).to_be_visible(timeout=PATIENCE)
    return response.value


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_request_is_signed_with_the_entered_key(
    open_admin: OpenAdmin, scene: Scene, key: ApiKey, guard: Guard, dark: bool
) -> None:
    guard.expect_error("400 (Bad Request)")  # the example names a channel that the organization does not have
    page = open_reference(open_admin(scene.person, dark=dark))
    page.get_by_label("API key ID").fill(key.pk)
    page.get_by_label("Secret").fill(key.secret)  # type: ignore[attr-defined]
    read = try_out(page, "get", CHANNELS)
    assert read.status == 200
    assert {"x-api-key", "x-date", "x-signature", "x-signature-full"} <= set(read.request.all_headers())
    written = try_out(page, "post", CREATE)
    assert "ignature" not in written.text()
    assert key.secret not in page.evaluate("JSON.stringify([localStorage, sessionStorage])")  # type: ignore[attr-defined]


def test_request_without_key_is_not_signed(open_admin: OpenAdmin, scene: Scene, guard: Guard) -> None:
    guard.expect_error("403")
    page = open_reference(open_admin(scene.person))
    assert try_out(page, "get", CHANNELS).json() == {
        "message": "Missing authentication headers",
        "code": "signature.missing",
    }
