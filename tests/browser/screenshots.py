"""`make screenshots`: every page of the admin, light and dark, desktop and phone, into `screenshots/`.

Also states without a URL: the dialog of keyboard shortcuts, the form's rows of media, the changes since the page was
loaded, the offer to undo, and the result of a bulk approval.
Runs in pytest for its fixtures. PAGES="queue review-failed" selects pages.
"""

import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from playwright.sync_api import Page, expect

from accounts import clock
from accounts.domain import actors
from scheduling.domain import drafts
from scheduling.domain.drafts import ChannelText
from tests.browser.axe import SCHEMES
from tests.browser.chromium import SIZES
from tests.browser.conftest import OpenAdmin
from tests.browser.page_list import ANONYMOUS, named_pages
from tests.browser.sample_data import Scene

# Load and decode all images, including those below the window. Broken images are ignored.
DECODE_IMAGES = """() => {
  for (const image of document.images) image.loading = "eager";
  return Promise.allSettled([...document.images].map((image) => image.decode()));
}"""
FOLDER = Path(settings.BASE_DIR) / "screenshots"


def test_take_screenshots(open_admin: OpenAdmin, scene: Scene, open_browser: Callable[..., Any]) -> None:
    FOLDER.mkdir(exist_ok=True)
    wanted = os.environ.get("PAGES", "").split()
    taken = 0
    for phone in (False, True):
        for dark in (False, True):
            signed_in = open_admin(scene.person, phone=phone, dark=dark)
            anonymous = open_browser(phone=phone, dark=dark).new_page()
            kind = f"{'phone' if phone else 'desktop'}-{'dark' if dark else 'light'}"
            for name, make_url in named_pages():
                if wanted and name not in wanted:
                    continue
                page = anonymous if name in ANONYMOUS else signed_in
                page.goto(make_url(scene), wait_until="load")
                taken += take(page, name, kind)
    taken += take_states(open_admin(scene.person), scene, wanted)
    print(f"\n{taken} screenshots in {FOLDER}")
    assert taken


def take_states(page: Page, scene: Scene, wanted: list[str]) -> int:
    """Take states after an interaction; all but the first two change the sample data."""
    taken, urls = 0, dict(named_pages())
    if not wanted or "shortcuts" in wanted:
        page.goto(urls["review-waiting"](scene))
        page.keyboard.press("?")
        taken += take_all(page, "shortcuts", full=False)
    if not wanted or "form-media" in wanted:
        page.goto(urls["scheduling_scheduledpost_add"](scene))
        page.get_by_text("More images or videos").click()
        taken += take_all(page, "form-media")
        page.locator("#id_media_url-2").fill("https://media.example.com/figs.jpg")
        page.get_by_role("button", name="Add media").click()
        taken += take_all(page, "form-media-added")
        page.locator("#id_media_url-2").fill("")  # else leaving the page asks
    if not wanted or "review-changed" in wanted:
        post, facebook = scene.posts["WAITING_FOR_APPROVAL"], scene.facebook
        page.goto(urls["review-waiting"](scene))
        changes: Any = {
            "channels": {facebook.public_id: ChannelText(facebook.type, "The terrace opens at eight tomorrow.", None)},
            "scheduled_for": clock.now() + timedelta(days=3),
        }
        drafts.edit(actors.api_key_actor(scene.key), post, changes=changes)
        page.get_by_role("button", name="Approve and schedule").first.click()
        expect(page.locator("#problem .changes")).to_be_visible()
        taken += take_all(page, "review-changed")
    if not wanted or "undo" in wanted:
        for size in SIZES:
            page.set_viewport_size(SIZES[size])
            page.goto(urls["queue"](scene))
            page.locator("a.row-title").last.click()
            page.get_by_role("button", name="Approve and schedule").first.click()
            expect(page.get_by_role("button", name="Undo approval")).to_be_visible()
            for scheme in SCHEMES:
                page.emulate_media(color_scheme=scheme)
                taken += take(page, "undo", f"{size}-{scheme}", full=False)
            page.get_by_role("button", name="Undo approval").click()
    if not wanted or "bulk-approval" in wanted:
        page.goto(urls["queue"](scene))
        page.get_by_label("All on this page").check()
        page.get_by_role("button", name="Review selected").click()
        page.get_by_role("button", name="Approve selected").click()
        taken += take_all(page, "bulk-approval")
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
    page.evaluate(DECODE_IMAGES)
    page.screenshot(path=FOLDER / f"{name}-{kind}.png", full_page=full)
    return 1
