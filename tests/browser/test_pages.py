"""Every page of the desk: no error, no violation of the policy, no stranger, nothing that is cut off at the side.

And nothing against WCAG 2.2 AA that can be computed, in light and in dark, also in what is folded away at first.
"""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, ViewportSize, expect

from tests.browser.axe import Judge
from tests.browser.chromium import SIZES
from tests.browser.conftest import Desk
from tests.browser.page_list import FOR_STRANGERS, named
from tests.browser.sample_data import Scene

UNFOLD = "for (const one of document.querySelectorAll('details')) one.open = true"
WIDER = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
NARROW: ViewportSize = {"width": 320, "height": 640}  # WCAG 1.4.10, and what 1.4.12 lets a reader set:
SET_WIDE = """() => {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(
    "* { line-height: 1.5 !important; letter-spacing: 0.12em !important; word-spacing: 0.16em !important }"
    + "p { margin-bottom: 2em !important }"
  );
  document.adoptedStyleSheets = [sheet];
}"""


@pytest.mark.parametrize("phone", [False, True], ids=["desktop", "phone"])
def test_every_page_opens_cleanly_fits_and_is_there_for_everybody(
    phone: bool, desk: Desk, scene: Scene, open_browser: Callable[..., Any]
) -> None:
    how = {"phone": phone, "dark": phone}
    judge = Judge()
    own, stranger = desk(scene.person, **how), open_browser(**how).new_page()
    found = {name: look(stranger if name in FOR_STRANGERS else own, way(scene), judge) for name, way in named()}
    assert {name: wrong for name, wrong in found.items() if wrong} == {}


def look(page: Page, url: str, judge: Judge) -> list[str]:
    """Open the page; return what is wrong with it."""
    answer = page.goto(url, wait_until="load")
    if answer is None or answer.status != 200:
        return [f"answers {answer and answer.status}"]
    wrong = cut_off(page, "is")
    page.evaluate(UNFOLD)
    wrong += judge.faults(page)
    window = page.viewport_size
    if window == SIZES["phone"]:
        page.set_viewport_size(NARROW)
        page.evaluate(SET_WIDE)
        wrong += cut_off(page, "narrow and set wide, is")
        page.set_viewport_size(window)
    return wrong


def cut_off(page: Page, what: str) -> list[str]:
    wider = page.evaluate(WIDER)
    return [f"{what} {wider} pixels wider than the window"] * (wider > 0)


def test_on_a_phone_the_header_shows_the_entry_where_one_is(desk: Desk, scene: Scene) -> None:
    page = desk(scene.person, phone=True)
    page.goto("/admin/accounts/auditevent/")
    here = page.locator("#desk-nav [aria-current]")
    expect(here).to_have_text("Trail")
    expect(here).to_be_in_viewport(ratio=1)
