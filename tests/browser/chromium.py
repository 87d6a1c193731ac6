"""The browser: Debian's Chromium, not one that playwright downloads."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, ViewportSize, sync_playwright

SIZES: dict[str, ViewportSize] = {
    "desktop": {"width": 1280, "height": 900},
    "phone": {"width": 390, "height": 844},
}


def path() -> str:
    """Return where Chromium is: CHROMIUM, or the first of its names on the path."""
    names = (os.environ.get("CHROMIUM") or "", "chromium", "chromium-browser", "google-chrome")
    found = next((where for name in names if name and (where := shutil.which(name))), None)
    if found is None:
        raise RuntimeError("There is no Chromium: apt-get install chromium, or say CHROMIUM=/path/to/it")
    return found


@contextmanager
def launched() -> Iterator[Browser]:
    """Give a browser that reaches this machine only, and end it."""
    with sync_playwright() as play:
        browser = play.chromium.launch(
            executable_path=path(),
            args=["--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1", "--disable-dev-shm-usage"],
        )
        yield browser
        browser.close()
