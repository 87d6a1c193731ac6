"""Keyboard access: Tab reaches the main action of a page, and the focus is always visible. Touch targets on a phone."""

from typing import Any

import pytest
from playwright.sync_api import Page

from tests.browser.conftest import OpenAdmin
from tests.browser.page_list import named_pages
from tests.browser.sample_data import Scene

# By page name of `page_list.py`: the selector of the main action.
MAIN_ACTIONS = {
    "dashboard": ".tile a",
    "queue": "#several .button.primary",
    "calendar-week": ".entry-link",
    "review-waiting": "#approve .button.primary",
    "review-failed": "#decision .button",
    "move-waiting": "#decision .button.primary",
    "post-edit": ".form .button.primary",
    "posts_channel_changelist": "#content .button",
    "admin_account": "#content .button",
}
# Returns description, whether the focus ring is >= 2 px with contrast >= 3:1, and whether the element is uncovered.
STOP = """() => {
  const element = document.activeElement;
  if (!element || element === document.body) return null;
  const light = (colour) => {
    const parts = colour.match(/[\\d.]+/g).slice(0, 3).map((part) => part / 255);
    const [r, g, b] = parts.map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const against = (above, below) => (Math.max(above, below) + 0.05) / (Math.min(above, below) + 0.05);
  const ground = (at) => {
    const colour = getComputedStyle(at).backgroundColor;
    return at.parentElement && /, 0\\)|^transparent/.test(colour) ? ground(at.parentElement) : colour;
  };
  const shows = (width, colour, at) => width >= 2 && against(light(colour), light(ground(at))) >= 3;
  const style = getComputedStyle(element), row = element.closest(".row");
  const shadow = row && getComputedStyle(row).boxShadow.match(/^(rgba?\\([^)]*\\)) .* (\\d+)px inset$/);
  const outlined = style.outlineStyle !== "none";
  const ring = (outlined && shows(parseFloat(style.outlineWidth), style.outlineColor, element.parentElement))
    || (shadow && shows(Number(shadow[2]), shadow[1], row));
  const box = element.getBoundingClientRect();
  const free = [0.1, 0.5, 0.9].some((part) => {
    const hit = document.elementFromPoint(box.x + box.width * part, box.y + box.height * part);
    return hit && (element.contains(hit) || hit.contains(element));
  });
  const words = element.ariaLabel || element.textContent.trim().slice(0, 40) || element.name || element.id;
  return [`${element.localName} “${words}”`, ring, free];
}"""
MIN_TARGET = 44  # pixels
UNFOCUS = "document.activeElement.blur()"


@pytest.mark.every_page
@pytest.mark.parametrize("phone", [False, True], ids=["desktop", "phone"])
def test_tab_reaches_main_action_with_visible_focus(phone: bool, open_admin: OpenAdmin, scene: Scene) -> None:
    page, urls = open_admin(scene.person, phone=phone, dark=phone), dict(named_pages())
    problems = {}
    for name, selector in MAIN_ACTIONS.items():
        page.goto(urls[name](scene), wait_until="load")
        problems[name] = tab_through(page, selector)
        if phone and (height := page.locator(selector).first.evaluate("element => element.offsetHeight")) < MIN_TARGET:
            problems[name].append(f"{selector} is {height} pixels high")
    assert {name: messages for name, messages in problems.items() if messages} == {}


def tab_through(page: Page, selector: str) -> list[str]:
    """Tab through the page once; return the stops without visible focus, and `selector` if it was not reached."""
    page.evaluate(UNFOCUS)
    reached, problems, stops = False, [], 0
    while stop := press_tab(page):
        element, ring, uncovered = stop
        stops += 1
        assert stops < 400, f"no end, at {element}"
        reached = reached or page.evaluate("selector => document.activeElement.matches(selector)", selector)
        if not ring:
            problems.append(f"{element} has no focus ring")
        if not uncovered:
            problems.append(f"{element} is covered")
    return problems if reached else [*problems, f"{selector} is not reached"]


def press_tab(page: Page) -> Any:
    page.keyboard.press("Tab")
    return page.evaluate(STOP)
