"""The admin in a real browser against a real web server: gunicorn, static files, the Content-Security-Policy.

`open_admin(user)` returns a page on which the user is signed in, `open_admin(user, phone=True)` the same on a phone.
URLs are relative to the server. Errors on any page (`Guard`) fail the test. Run by `make test-browser`.
"""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.conf import settings as configured
from playwright.sync_api import Browser, BrowserContext, Page, expect

from accounts.models import User
from tests.browser import chromium as browsers
from tests.browser.csp_guard import Guard
from tests.browser.sample_data import scene  # noqa: F401  a fixture
from tests.services.login import APP_ID, APP_SECRET
from tests.services.processes import Process, process_group
from tests.services.sandbox import SandboxControl

OpenAdmin = Callable[..., Page]
TIMEOUT = 60_000  # milliseconds; it only bounds a test that fails
expect.set_options(timeout=TIMEOUT)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    with pytest.MonkeyPatch.context() as patch:
        # Playwright runs an event loop in this thread; the tests use the database outside of it.
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
        with browsers.launched() as browser:
            yield browser


@pytest.fixture(scope="session")
def web_logs() -> list[Process]:
    """The processes of the web server: their `output()` has the access log and everything that was logged."""
    return []


@pytest.fixture(scope="session")
def web(
    django_db_setup: None,
    sandbox_server: SandboxControl,
    tmp_path_factory: pytest.TempPathFactory,
    web_logs: list[Process],
) -> Iterator[str]:
    """Start gunicorn on the database of the tests; yield its base URL."""
    with process_group(tmp_path_factory.mktemp("web")) as started:
        platform = {"GRAPH_BASE_URL": sandbox_server.url, "GRAPH_DIALOG_URL": sandbox_server.url}
        app = {"GRAPH_APP_ID": APP_ID, "GRAPH_APP_SECRET": APP_SECRET}
        process, url = started.web(**platform, **app, DYNAMO_WEB_WORKERS="1", GUNICORN_CMD_ARGS="--access-logfile -")
        web_logs.append(process)
        yield url


@pytest.fixture
def guard(web: str, sandbox_server: SandboxControl) -> Iterator[Guard]:
    """Watch the pages of this test; the test fails with its errors."""
    guard = Guard([web, sandbox_server.url])
    yield guard
    assert guard.unexpected_errors() == []


@pytest.fixture
def open_browser(
    transactional_db: None, sandbox: SandboxControl, web: str, guard: Guard, chromium: Browser
) -> Iterator[Callable[..., BrowserContext]]:
    """Return a factory of browser contexts without a session. They close before the tables are truncated."""
    opened: list[BrowserContext] = []

    def make(*, phone: bool = False, dark: bool = False, **more: Any) -> BrowserContext:
        context = chromium.new_context(
            base_url=web,
            viewport=browsers.SIZES["phone" if phone else "desktop"],
            has_touch=phone,
            is_mobile=phone,
            color_scheme="dark" if dark else "light",
            reduced_motion="reduce",
            locale="en-GB",
            **more,
        )
        context.set_default_timeout(TIMEOUT)
        guard.watch(context)
        opened.append(context)
        return context

    yield make
    for context in opened:
        context.close()


@pytest.fixture
def open_admin(open_browser: Callable[..., BrowserContext], signed_in: Callable[[User], Any], web: str) -> OpenAdmin:
    """Return a factory of pages on which the user is signed in. Takes the arguments of `open_browser`."""

    def sign_in(user: User, **options: Any) -> Page:
        session = signed_in(user).cookies[configured.SESSION_COOKIE_NAME].value
        context = open_browser(**options)
        context.add_cookies([{"name": configured.SESSION_COOKIE_NAME, "value": session, "url": web}])
        return context.new_page()

    return sign_in
