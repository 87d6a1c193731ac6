"""Which version of the Graph API answered, when it expires, and errors of this installation's configuration."""

from collections.abc import Callable
from contextlib import suppress
from datetime import date, timedelta
from typing import Any

import pytest
from django.core.cache import cache

from posts.graph import client, errors, versions
from posts.graph.account import Account
from tests.posts.graph.raw import answer, serving
from tests.services.sandbox import FACEBOOK, SandboxControl

PAGE = Account(FACEBOOK.type, FACEBOOK.id, FACEBOOK.token)
EXPIRY = date(2027, 1, 21)  # of v21.0


@pytest.fixture(autouse=True)
def _nothing_stored() -> None:
    versions._stored.clear()


@pytest.fixture
def ask(sandbox: SandboxControl, settings: Any) -> Callable[[str], versions.PlatformVersion]:
    """Return the function that makes a call with a version and returns what is known then."""

    def call(version: str) -> versions.PlatformVersion:
        settings.GRAPH_VERSION = version
        with suppress(errors.ConfigurationError):
            client.get(PAGE, FACEBOOK.id, fields="name")
        return versions.platform_version()

    return call


def test_version_that_answered_is_compared_with_the_one_asked_for(ask: Callable[..., Any]) -> None:
    today = date(2026, 11, 29)
    known = ask("v27.0")
    assert (known.asked, known.ran, list(known.warnings(today))) == ("v27.0", "v27.0", [])
    known = ask("v19.0")  # expired: the platform runs its oldest one, without an error
    assert (known.asked, known.problem, known.ran == known.asked) == ("v19.0", "", False)
    [expired, other] = known.warnings(today)
    assert expired.startswith("Version v19.0 of the Graph API expired on 24 September 2026")
    assert known.ran in other
    assert versions.platform_version() == known


def test_unknown_version_is_a_problem_until_a_good_answer_r4(ask: Callable[..., Any]) -> None:
    assert ask("v27.0").problem == ""
    assert "does not know the API version" in ask("v99.0").problem
    assert list(ask("v99.0").warnings(date(2026, 11, 29))) == []  # a future version is no false alarm
    assert (ask("v27.0").problem, ask("v27.0").ran) == ("", "v27.0")


@pytest.mark.parametrize(
    ("version", "day", "count"),
    [
        ("v21.0", EXPIRY - timedelta(days=61), 0),
        ("v21.0", EXPIRY - timedelta(days=60), 1),
        ("v21.0", EXPIRY - timedelta(days=1), 1),
        ("v21.0", EXPIRY, 1),
        ("v3.1", date(2026, 11, 29), 1),
        ("v27.0", date(2030, 1, 1), 0),
        ("v40.0", date(2030, 1, 1), 0),
        ("nonsense", date(2030, 1, 1), 0),
        ("", date(2030, 1, 1), 0),
    ],
)
def test_version_that_expires_within_sixty_days_is_a_warning(version: str, day: date, count: int) -> None:
    assert len(list(versions.PlatformVersion(version).warnings(day))) == count


@pytest.mark.parametrize("header", ["", "v27.0\x00", "<b>", "v1234.0", "v27"])
def test_malformed_version_of_an_answer_is_ignored(settings: Any, header: str) -> None:
    headers = [f"facebook-api-version: {header}"] if header else []
    with serving(answer(b'{"id": "1"}', "200 OK", *headers)) as server:
        settings.GRAPH_BASE_URL, settings.SANDBOXED = server.url, True
        with suppress(errors.GraphError):
            client.get(PAGE, "1")
    assert versions.platform_version().ran == ""


def test_known_version_is_stored_once_a_minute_and_after_a_change(
    ask: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    ask("v27.0")
    cache.delete(versions.KEY)
    assert ask("v27.0").ran == ""
    assert ask("v26.0").ran == "v26.0"
    cache.delete(versions.KEY)
    monkeypatch.setattr(versions, "REFRESH", 0.0)
    assert ask("v26.0").ran == "v26.0"


def test_failed_cache_does_not_fail_calls(ask: Callable[..., Any], settings: Any) -> None:
    settings.CACHES = {
        "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": "redis://127.0.0.1:1"}
    }
    assert ask("v27.0") == versions.PlatformVersion("v27.0")
