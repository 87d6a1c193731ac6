"""All that one running sandbox holds, handed to every handler."""

import threading
from collections import deque
from pathlib import Path
from typing import Any

from dynamo.sandbox.faults import FaultBook
from dynamo.sandbox.nodes import Post
from dynamo.sandbox.settings import Settings
from dynamo.sandbox.state import State
from dynamo.sandbox.usage import Usage


class HangUp(Exception):
    """Close the connection without an answer; with a reset when an order says so."""

    def __init__(self, *, reset: bool) -> None:
        super().__init__()
        self.reset = reset


class World:
    """`url` is the base without a trailing slash, known once the port is bound."""

    def __init__(self, folder: Path | None, app_secret: str = "") -> None:
        self.url = ""
        self._app_secret = app_secret
        self.settings = Settings(app_secret=app_secret)
        self.state = State(folder)
        self.faults = FaultBook()
        self.usage = Usage()
        self.requests: deque[dict[str, Any]] = deque(maxlen=5000)
        self._over = threading.Event()

    def reset(self) -> None:
        """Forget accounts, posts, faults, settings, counters and the journal: as good as new.

        Calls that sleep end with it: they must not act on what comes after.
        """
        self.end_sleepers()
        with self.state.lock:
            self.state.reset()
        self.faults.clear()
        self.usage.clear()
        self.requests.clear()
        self.settings = Settings(app_secret=self._app_secret)

    def wait(self, seconds: float) -> None:
        """Sleep, holding no lock. A stop or a reset wakes the sleeper and ends its call, whose time has not come."""
        if seconds > 0 and self._over.wait(seconds):
            raise HangUp(reset=False)

    def end_sleepers(self) -> None:
        over, self._over = self._over, threading.Event()
        over.set()

    def stored_url(self, sha256: str) -> str:
        return f"{self.url}/stored/{sha256}" if sha256 else ""

    def picture_url(self, post: Post, number: int = 0, kind: str = "jpg") -> str:
        """Return where a post's picture is, or its film: what was uploaded, else what a foreign post names."""
        if post.sha256 or not post.media_url:
            return self.stored_url(post.sha256)
        if not post.media_url.startswith("/"):
            return post.media_url
        stem = self.url + post.media_url.removesuffix(".jpg")
        return f"{stem}-{number}.{kind}" if number else f"{stem}.{kind}"

    def permalink(self, post_id: str) -> str:
        """Return the page that shows the post. The platform's own names www.facebook.com, where nothing would be."""
        return f"{self.url}/live/{post_id}"
