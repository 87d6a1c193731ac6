"""The two organizations of the access matrix, and its table."""

import logging
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import transaction
from django.test import override_settings

from tests.security.fixtures import ACTORS, Scenario
from tests.services.login import APP_ID, APP_SECRET, give_login
from tests.services.sandbox import PlatformAccount, SandboxControl


@pytest.fixture(scope="module")
def scenario(django_db_setup: None, django_db_blocker: Any, sandbox_server: SandboxControl) -> Iterator[Scenario]:
    """Create the organizations once for the tests of a module, which leave the database as it is."""
    settings = {
        "GRAPH_BASE_URL": sandbox_server.url,
        "SANDBOXED": True,
        "MEDIA_ALLOW_LOOPBACK": True,
        "PASSWORD_HASHERS": ["django.contrib.auth.hashers.MD5PasswordHasher"],
        "GRAPH_APP_ID": APP_ID,
        "GRAPH_APP_SECRET": APP_SECRET,
        "GRAPH_DIALOG_URL": sandbox_server.url,
        "API_RATE_PER_MINUTE": 0,
        "API_RATE_PER_ADDRESS": 0,
    }
    sandbox_server.reset()
    give_login(sandbox_server)
    sandbox_server.register(PlatformAccount("FB_PAGE", "4711", "New", "token-of-the-new-page"))
    with override_settings(**settings), django_db_blocker.unblock(), transaction.atomic():
        yield Scenario(sandbox_server)
        transaction.set_rollback(True)


@pytest.fixture(autouse=True)
def _quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL)  # each of thousands of refusals is logged


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Print who was let in where (r: reads, w: writes), when this folder was asked for."""
    if not any("tests/security" in argument for argument in config.invocation_params.args):
        return
    reports = [report for key in ("passed", "failed") for report in terminalreporter.stats.get(key, [])]
    results = [value for report in reports for name, value in report.user_properties if name == "access"]
    if not results:
        return
    marks = {(url, actor): (mark, calls) for url, actor, mark, calls in results}
    urls = sorted({url for url, _ in marks})
    width = max(map(len, urls))
    terminalreporter.write_line(" ".join([" " * width, "calls", *ACTORS]))
    for url in urls:
        found = [marks.get((url, actor), ("?", 0)) for actor in ACTORS]
        cells = [mark.center(len(actor)) for (mark, _), actor in zip(found, ACTORS, strict=True)]
        terminalreporter.write_line(
            " ".join([url.ljust(width), f"{sum(calls for _, calls in found):5}", *cells]).rstrip()
        )
    calls = sum(calls for _, calls in marks.values())
    terminalreporter.write_line(f"{len(urls)} URLs, {len(ACTORS)} actors, {calls:,} requests")
