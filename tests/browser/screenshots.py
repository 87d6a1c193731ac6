"""`make screenshots`: every page of the desk, light and dark, desktop and phone, into `screenshots/`.

And what has no address: the overlay of keys, and the answers to several approvals at once.

Run by pytest for its fixtures; what is wrong with a page fails it here too. PAGES="queue review-failed" takes a few.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.conf import settings
from playwright.sync_api import Page

from tests.browser.axe import SCHEMES
from tests.browser.chromium import SIZES
from tests.browser.conftest import Desk
from tests.browser.page_list import FOR_STRANGERS, named
from tests.browser.sample_data import Scene

# What lies below the window, too, and drawn rather than only loaded; a picture that cannot be shown is none.
DRAWN = """() => {
  for (const one of document.images) one.loading = "eager";
  return Promise.allSettled([...document.images].map((one) => one.decode()));
}"""
FOLDER = Path(settings.BASE_DIR) / "screenshots"


def test_take_screenshots(desk: Desk, scene: Scene, open_browser: Callable[..., Any]) -> None:
    FOLDER.mkdir(exist_ok=True)
    wanted = os.environ.get("PAGES", "").split()
    taken = 0
    for phone in (False, True):
        for dark in (False, True):
            own, stranger = desk(scene.person, phone=phone, dark=dark), open_browser(phone=phone, dark=dark).new_page()
            kind = f"{'phone' if phone else 'desktop'}-{'dark' if dark else 'light'}"
            for name, way in named():
                if wanted and name not in wanted:
                    continue
                page = stranger if name in FOR_STRANGERS else own
                page.goto(way(scene), wait_until="load")
                taken += take(page, name, kind)
    taken += without_address(desk(scene.person), scene, wanted)
    print(f"\n{taken} screenshots in {FOLDER}")
    assert taken


def without_address(page: Page, scene: Scene, wanted: list[str]) -> int:
    """Take what comes of a key or a button; the last changes the scene."""
    taken, ways = 0, dict(named())
    if not wanted or "keys-overlay" in wanted:
        page.goto(ways["review-waiting"](scene))
        page.keyboard.press("?")
        taken += take_all(page, "keys-overlay", full=False)
    if not wanted or "several" in wanted:
        page.goto(ways["queue"](scene))
        page.get_by_label("All on this page").check()
        page.get_by_role("button", name="Approve the chosen").click()
        taken += take_all(page, "several")
    return taken


def take_all(page: Page, name: str, *, full: bool = True) -> int:
    taken = 0
    for size, window in SIZES.items():
        page.set_viewport_size(window)
        for scheme in SCHEMES:
            page.emulate_media(color_scheme=scheme)
            taken += take(page, name, f"{size}-{scheme}", full=full)
    return taken


def take(page: Page, name: str, kind: str, *, full: bool = True) -> int:
    page.wait_for_load_state("networkidle")
    page.evaluate(DRAWN)
    page.screenshot(path=FOLDER / f"{name}-{kind}.png", full_page=full)
    return 1
