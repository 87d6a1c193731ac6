"""What a page of the desk must never do: fail in the console, break the policy, speak to anybody but us."""

from collections.abc import Iterable

from playwright.sync_api import BrowserContext, ConsoleMessage, Request

SILENT = ("data:", "blob:", "about:")


class Guard:
    """Listens to pages and keeps what is wrong. `origins` are those that they may speak to."""

    def __init__(self, origins: Iterable[str]) -> None:
        self.origins = tuple(f"{origin.rstrip('/')}/" for origin in origins)
        self.complaints: list[str] = []
        self.forgiven: list[str] = []

    def watch(self, context: BrowserContext) -> None:
        """Listen to every page of this context, also to those that it opens later."""
        context.on("console", self._said)
        context.on("weberror", lambda error: self._complain(f"uncaught: {error.error}"))
        context.on("request", self._asked)

    def forgive(self, words: str) -> None:
        """Expect a complaint that contains `words`: the refusal that a test is about."""
        self.forgiven.append(words)

    def verdict(self) -> list[str]:
        """Return the complaints that nobody expected."""
        return [complaint for complaint in self.complaints if not any(words in complaint for words in self.forgiven)]

    def _said(self, message: ConsoleMessage) -> None:
        # Chromium reports violations of the policy here as well, and answers of 400 and above.
        if message.type == "error":
            self._complain(f"console: {message.text} ({message.location.get('url', '')})")

    def _asked(self, request: Request) -> None:
        if not request.url.startswith((*self.origins, *SILENT)):
            self._complain(f"spoke to {request.url}")

    def _complain(self, words: str) -> None:
        self.complaints.append(words)
