"""With Tab alone: a page's main act is on the way, and wherever the focus is, it is seen. A thumb hits the act too."""

from typing import Any

import pytest
from playwright.sync_api import Page

from tests.browser.conftest import Desk
from tests.browser.page_list import named
from tests.browser.sample_data import Scene

# Page by its name in `page_list.py`, and what a person comes for.
ACTS = {
    "desk": ".tile a",
    "queue": "#several .button.primary",
    "calendar-week": ".entry-link",
    "review-waiting": "#approve .button.primary",
    "review-failed": "#decision .button",
    "move-waiting": "#decision .button.primary",
    "post-edit": ".form .button.primary",
    "channels": "#content .button",
    "you": "#content .button",
}
# A ring of two pixels or more that stands out 3:1 from its ground, around what is not wholly behind something else.
STOP = """() => {
  const one = document.activeElement;
  if (!one || one === document.body) return null;
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
  const style = getComputedStyle(one), row = one.closest(".row");
  const shadow = row && getComputedStyle(row).boxShadow.match(/^(rgba?\\([^)]*\\)) .* (\\d+)px inset$/);
  const outlined = style.outlineStyle !== "none";
  const ring = (outlined && shows(parseFloat(style.outlineWidth), style.outlineColor, one.parentElement))
    || (shadow && shows(Number(shadow[2]), shadow[1], row));
  const box = one.getBoundingClientRect();
  const free = [0.1, 0.5, 0.9].some((part) => {
    const hit = document.elementFromPoint(box.x + box.width * part, box.y + box.height * part);
    return hit && (one.contains(hit) || hit.contains(one));
  });
  const words = one.ariaLabel || one.textContent.trim().slice(0, 40) || one.name || one.id;
  return [`${one.localName} “${words}”`, ring, free];
}"""
THUMB = 44  # pixels
UNFOCUS = "document.activeElement.blur()"


@pytest.mark.parametrize("phone", [False, True], ids=["desktop", "phone"])
def test_tab_leads_to_the_main_act_and_the_focus_is_always_seen(phone: bool, desk: Desk, scene: Scene) -> None:
    page, ways = desk(scene.person, phone=phone, dark=phone), dict(named())
    wrong = {}
    for name, act in ACTS.items():
        page.goto(ways[name](scene), wait_until="load")
        wrong[name] = walk(page, act)
        if phone and (height := page.locator(act).first.evaluate("one => one.offsetHeight")) < THUMB:
            wrong[name].append(f"{act} is {height} pixels high")
    assert {name: found for name, found in wrong.items() if found} == {}


def walk(page: Page, act: str) -> list[str]:
    """Tab once through the page; return the stops at which the focus cannot be seen, and `act` if it is no stop."""
    page.evaluate(UNFOCUS)
    reached, lost, stops = False, [], 0
    while stop := tabbed(page):
        what, ring, free = stop
        stops += 1
        assert stops < 400, f"never comes to an end, at {what}"
        reached = reached or page.evaluate("act => document.activeElement.matches(act)", act)
        lost += [f"{what} has no ring"] * (not ring) + [f"{what} is hidden"] * (not free)
    return lost if reached else [*lost, f"never comes to {act}"]


def tabbed(page: Page) -> Any:
    page.keyboard.press("Tab")
    return page.evaluate(STOP)
