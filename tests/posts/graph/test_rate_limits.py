"""Usage headers, and what all processes know of them."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine

from posts.graph import rate_limits
from posts.graph.account import Account

PAGE = Account("FB_PAGE", "123", "token")
OTHER = Account("INSTAGRAM_ACCOUNT", "456", "token")
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def business(percent: Any, minutes: Any = 0) -> dict[str, str]:
    entries = [
        {"type": "pages", "call_count": 1},
        {"type": "pages", "total_time": percent, "estimated_time_to_regain_access": minutes},
    ]
    return {"X-Business-Use-Case-Usage": json.dumps({"123": entries})}


def test_usage_is_the_highest_percentage() -> None:
    app = {"X-App-Usage": '{"call_count": 28, "total_time": 31, "total_cputime": 25}'}
    assert rate_limits.of_app(app) == rate_limits.Usage(31, 0)
    assert rate_limits.of_account({**business(80, 2), "X-Page-Usage": '{"call_count": 90}'}) == rate_limits.Usage(
        90, 120
    )


@pytest.mark.parametrize(
    "value", ["", "[]", "{", "17", '{"a": 1}', '{"a": ["b"]}', '{"call_count": "x"}', '{"call_count": true}']
)
def test_malformed_headers_are_ignored(value: str) -> None:
    headers = dict.fromkeys(["X-App-Usage", "X-Page-Usage", "X-Business-Use-Case-Usage"], value)
    assert rate_limits.of_app(headers).percent in {0, 1}
    assert rate_limits.of_account(headers).regain_seconds == 0


def test_usage_is_shared_through_the_cache() -> None:
    rate_limits.record_usage(PAGE, {**business(55), "X-App-Usage": '{"call_count": 30}'})
    assert (rate_limits.usage_percent(PAGE), rate_limits.usage_percent(OTHER)) == (55, 30)
    assert rate_limits.blocked_until(PAGE) is None


def test_lost_access_blocks_the_account() -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        rate_limits.record_usage(PAGE, business(100, 5))
        assert rate_limits.blocked_until(PAGE) == NOON + timedelta(minutes=6)
        assert rate_limits.blocked_until(OTHER) is None
        clock.move_to(NOON + timedelta(minutes=6))
        assert rate_limits.blocked_until(PAGE) is None


def header(**percents: int) -> dict[str, str]:
    """Return the header that was recorded: several use cases, with an estimate although access is not lost."""
    entries = [
        {"type": name, "call_count": percent, "estimated_time_to_regain_access": 45}
        for name, percent in percents.items()
    ]
    return {"X-Business-Use-Case-Usage": json.dumps({"123": entries[:1], "999": entries[1:]})}


@pytest.mark.parametrize(("account", "percent"), [(PAGE, 19), (OTHER, 40)])
def test_usage_of_another_use_case_does_not_count_r5(account: Account, percent: int) -> None:
    rate_limits.record_usage(account, header(custom_audience=100, pages=19, instagram=40))
    assert (rate_limits.usage_percent(account), rate_limits.blocked_until(account)) == (percent, None)


def test_only_a_full_use_case_blocks_on_a_good_answer_r5() -> None:
    with time_machine.travel(NOON, tick=False):
        rate_limits.record_usage(PAGE, header(pages=99))
        assert rate_limits.blocked_until(PAGE) is None
        rate_limits.record_usage(PAGE, header(pages=100))
        assert rate_limits.blocked_until(PAGE) == NOON + timedelta(minutes=46)
        assert rate_limits.retry_after(header(custom_audience=100), "pages") == rate_limits.DEFAULT_BLOCK
        assert rate_limits.retry_after(header(pages=19), "pages") == 46 * 60


def test_app_limit_blocks_every_account() -> None:
    with time_machine.travel(NOON, tick=False):
        rate_limits.block(PAGE, 30, code=4)
        assert rate_limits.blocked_until(OTHER) == NOON + timedelta(seconds=30)


def test_retry_after_accepts_a_date() -> None:
    with time_machine.travel(NOON, tick=False):
        assert rate_limits.retry_after({"Retry-After": "Mon, 23 Nov 2026 12:02:00 GMT"}) == 120
        assert rate_limits.retry_after({"Retry-After": "soon"}) == rate_limits.DEFAULT_BLOCK


def test_failed_cache_does_not_fail_calls(settings: Any, caplog: pytest.LogCaptureFixture) -> None:
    settings.CACHES = {
        "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": "redis://127.0.0.1:1"}
    }
    rate_limits.record_usage(PAGE, business(100, 5))
    assert (rate_limits.usage_percent(PAGE), rate_limits.blocked_until(PAGE)) == (0, None)
    assert {record.levelname for record in caplog.records} == {"WARNING"}


def test_long_lost_access_is_limited_to_a_day():
    with time_machine.travel(NOON, tick=False):
        rate_limits.record_usage(PAGE, business(100, 900_000))
        assert rate_limits.blocked_until(PAGE) == NOON + timedelta(days=1, minutes=1)


@pytest.mark.parametrize(
    "asked", ["-5", "1e3", "soon", "Mon, 01 Jan 0001 00:00:00 GMT", f"Fri, 31 Dec {10**20} 23:59:59 GMT"]
)
def test_retry_after_malformed_is_the_default(asked):
    assert rate_limits.retry_after({"Retry-After": asked}) == rate_limits.DEFAULT_BLOCK


@pytest.mark.parametrize("asked", ["99999999999999", "9" * 400, "Fri, 31 Dec 9999 23:59:59 GMT"])
def test_retry_after_overflow_is_a_day(asked):
    seconds = rate_limits.retry_after({"Retry-After": asked})
    assert seconds == 86_400
    rate_limits.block(OTHER, seconds)
    assert rate_limits.blocked_until(OTHER) is not None


def test_deeply_nested_header_is_ignored():
    assert rate_limits.of_app({"X-App-Usage": "[" * 60_000}) == rate_limits.Usage()
