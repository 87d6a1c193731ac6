"""Every page of the admin: no errors, no policy violations, no overflow, and no WCAG 2.2 AA violations axe finds.

In light and dark, with all details elements open.
"""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, ViewportSize, expect

from tests.browser.axe import AccessibilityChecker
from tests.browser.chromium import SIZES
from tests.browser.conftest import OpenAdmin
from tests.browser.page_list import ANONYMOUS, named_pages
from tests.browser.sample_data import Scene

UNFOLD = "for (const details of document.querySelectorAll('details')) details.open = true"
OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
NARROW: ViewportSize = {"width": 320, "height": 640}  # WCAG 1.4.10; below, the text spacing of 1.4.12
WIDE_SPACING = """() => {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(
    "* { line-height: 1.5 !important; letter-spacing: 0.12em !important; word-spacing: 0.16em !important }"
    + "p { margin-bottom: 2em !important }"
  );
  document.adoptedStyleSheets = [sheet];
}"""


@pytest.mark.every_page
@pytest.mark.parametrize("phone", [False, True], ids=["desktop", "phone"])
def test_every_page_is_accessible_and_fits(
    phone: bool, open_admin: OpenAdmin, scene: Scene, open_browser: Callable[..., Any]
) -> None:
    options = {"phone": phone, "dark": phone}
    checker = AccessibilityChecker()
    signed_in, anonymous = open_admin(scene.person, **options), open_browser(**options).new_page()
    problems = {
        name: check_page(anonymous if name in ANONYMOUS else signed_in, make_url(scene), checker)
        for name, make_url in named_pages()
    }
    assert {name: messages for name, messages in problems.items() if messages} == {}


def check_page(page: Page, url: str, checker: AccessibilityChecker) -> list[str]:
    """Open the page and return its problems."""
    response = page.goto(url, wait_until="load")
    if response is None or response.status != 200:
        return [f"responds {response and response.status}"]
    problems = overflow(page, "is")
    page.evaluate(UNFOLD)
    problems += checker.violations(page)
    window = page.viewport_size
    if window == SIZES["phone"]:
        page.set_viewport_size(NARROW)
        page.evaluate(WIDE_SPACING)
        problems += overflow(page, "with wide text spacing, is")
        page.set_viewport_size(window)
    return problems


def overflow(page: Page, condition: str) -> list[str]:
    pixels = page.evaluate(OVERFLOW)
    return [f"{condition} {pixels} pixels wider than the window"] if pixels > 0 else []


def test_current_navigation_entry_is_visible_on_a_phone(open_admin: OpenAdmin, scene: Scene) -> None:
    page = open_admin(scene.person, phone=True)
    page.goto("/admin/accounts/auditevent/")
    current = page.locator("#main-nav [aria-current]")
    expect(current).to_have_text("Activity log")
    expect(current).to_be_in_viewport(ratio=1)
