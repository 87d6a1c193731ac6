"""Detects console errors, Content-Security-Policy violations and requests to other hosts on pages of the admin."""

from collections.abc import Iterable

from playwright.sync_api import BrowserContext, ConsoleMessage, Request

LOCAL_SCHEMES = ("data:", "blob:", "about:")


class Guard:
    """Records the errors of pages. `origins` are the allowed request targets."""

    def __init__(self, origins: Iterable[str]) -> None:
        self.origins = tuple(f"{origin.rstrip('/')}/" for origin in origins)
        self.errors: list[str] = []
        self.expected: list[str] = []

    def watch(self, context: BrowserContext) -> None:
        """Watch every present and future page of the context."""
        context.on("console", self._on_console)
        context.on("weberror", lambda error: self.errors.append(f"uncaught: {error.error}"))
        context.on("request", self._on_request)

    def expect_error(self, text: str) -> None:
        """Ignore errors that contain `text`, such as the status code that a test is about."""
        self.expected.append(text)

    def unexpected_errors(self) -> list[str]:
        """Return the errors that were not expected."""
        return [error for error in self.errors if not any(text in error for text in self.expected)]

    def _on_console(self, message: ConsoleMessage) -> None:
        # Chromium also reports policy violations and responses of 400 and above here.
        if message.type == "error":
            self.errors.append(f"console: {message.text} ({message.location.get('url', '')})")

    def _on_request(self, request: Request) -> None:
        if not request.url.startswith((*self.origins, *LOCAL_SCHEMES)):
            self.errors.append(f"request to {request.url}")
