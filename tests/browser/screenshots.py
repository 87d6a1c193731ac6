"""`make screenshots`: every page of the desk, light and dark, desktop and phone, into `screenshots/`.

Run by pytest for its fixtures; what is wrong with a page fails it here too. PAGES="queue review-failed" takes a few.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.conf import settings

from tests.browser.conftest import Desk
from tests.browser.pages import FOR_STRANGERS, named
from tests.browser.scene import Scene

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
                page.wait_for_load_state("networkidle")
                page.evaluate(DRAWN)
                page.screenshot(path=FOLDER / f"{name}-{kind}.png", full_page=True)
                taken += 1
    print(f"\n{taken} screenshots in {FOLDER}")
    assert taken
