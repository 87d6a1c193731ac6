"""Launches Debian's Chromium instead of a downloaded one."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, ViewportSize, sync_playwright

SIZES: dict[str, ViewportSize] = {
    "desktop": {"width": 1280, "height": 900},
    "phone": {"width": 390, "height": 844},
}


def chromium_path() -> str:
    """Return the path of Chromium: $CHROMIUM, or the first known name on PATH. Raises RuntimeError."""
    names = (os.environ.get("CHROMIUM") or "", "chromium", "chromium-browser", "google-chrome")
    executable = next((path for name in names if name and (path := shutil.which(name))), None)
    if executable is None:
        raise RuntimeError("Chromium not found: apt-get install chromium, or set CHROMIUM=/path/to/chromium")
    return executable


@contextmanager
def launched() -> Iterator[Browser]:
    """Yield a browser that can only connect to 127.0.0.1."""
    with sync_playwright() as play:
        browser = play.chromium.launch(
            executable_path=chromium_path(),
            args=["--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1", "--disable-dev-shm-usage"],
        )
        yield browser
        browser.close()
