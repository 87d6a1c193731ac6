"""The key's rate limit."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine

from tests.accounts.domain.test_last_use import DOWN

# The file cache forgets by the true clock, so the minute under test lies in the future.
MINUTE = datetime(2099, 7, 1, 13, tzinfo=UTC)


def statuses(api: Any, times: int) -> list[int]:
    return [api.get("/organizations").status_code for _ in range(times)]


def test_over_the_limit_is_429_until_the_minute_is_over(api: Any, settings: Any) -> None:
    settings.API_RATE_PER_MINUTE = 3
    with time_machine.travel(MINUTE + timedelta(seconds=20), tick=False):
        assert statuses(api, 3) == [200] * 3
        response = api.get("/organizations")
        assert (response.status_code, response.json()) == (429, {"message": "Too many requests"})
        assert response.headers["Retry-After"] == "40"
    with time_machine.travel(MINUTE + timedelta(seconds=59.9), tick=False):
        assert api.get("/organizations").headers["Retry-After"] == "1"
    with time_machine.travel(MINUTE + timedelta(seconds=60), tick=False):
        assert statuses(api, 4) == [200, 200, 200, 429]


def test_each_key_has_a_limit_of_its_own(api: Any, other_api: Any, settings: Any) -> None:
    settings.API_RATE_PER_MINUTE = 1
    with time_machine.travel(MINUTE, tick=False):
        assert statuses(api, 2) == [200, 429]
        assert statuses(other_api, 2) == [200, 429]


def test_unknown_paths_count_and_refused_signatures_do_not(api: Any, settings: Any) -> None:
    settings.API_RATE_PER_MINUTE = 1
    with time_machine.travel(MINUTE, tick=False):
        for _ in range(3):
            assert api.get("/organizations", headers={"x-signature": "0" * 64}).status_code == 403
        assert api.get("/nothing").status_code == 404
        assert api.get("/nothing").status_code == 429


def test_no_limit_is_a_limit_of_zero(api: Any, settings: Any) -> None:
    settings.API_RATE_PER_MINUTE = 0
    assert statuses(api, 3) == [200] * 3


def test_a_cache_that_is_down_lets_requests_pass_and_says_so(
    api: Any, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.API_RATE_PER_MINUTE = 1
    settings.CACHES = DOWN
    assert statuses(api, 3) == [200] * 3
    lines = [record for record in caplog.records if record.name == "accounts.api.throttling"]
    assert [line.getMessage() for line in lines] == ["The cache is down: requests are not counted"] * 3
