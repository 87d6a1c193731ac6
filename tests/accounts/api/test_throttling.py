"""Rate limits of keys, addresses and wrong signatures."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.core.cache import cache
from django.test import Client

from accounts.api.throttling import ApiKeyThrottle
from accounts.models import ApiKey, Organization

# The file cache forgets by the true clock, so the minute under test lies in the future.
MINUTE = datetime(2099, 7, 1, 13, tzinfo=UTC)
# No server listens there.
DOWN = {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": "redis://127.0.0.1:1"}}


def statuses(api: Any, times: int) -> list[int]:
    return [api.get("/organizations").status_code for _ in range(times)]


def test_over_the_limit_gets_429_until_the_minute_ends(api: Any, settings: Any) -> None:
    settings.API_RATE_PER_MINUTE = 3
    with time_machine.travel(MINUTE + timedelta(seconds=20), tick=False):
        assert statuses(api, 3) == [200] * 3
        response = api.get("/organizations")
        refused = {"message": "Too many requests", "code": "rate_limit.exceeded"}
        assert (response.status_code, response.json()) == (429, refused)
        assert response.headers["Retry-After"] == "40"
    with time_machine.travel(MINUTE + timedelta(seconds=59.9), tick=False):
        assert api.get("/organizations").headers["Retry-After"] == "1"
    with time_machine.travel(MINUTE + timedelta(seconds=60), tick=False):
        assert statuses(api, 4) == [200, 200, 200, 429]


def test_limit_is_per_key(api: Any, other_api: Any, settings: Any) -> None:
    settings.API_RATE_PER_MINUTE = 1
    with time_machine.travel(MINUTE, tick=False):
        assert statuses(api, 2) == [200, 429]
        assert statuses(other_api, 2) == [200, 429]


def budget(answer: Any) -> tuple[str, str]:
    return answer.headers["RateLimit-Policy"], answer.headers["RateLimit"]


def test_responses_have_rate_limit_headers(api: Any, settings: Any) -> None:
    settings.API_RATE_PER_MINUTE, settings.API_RATE_PER_ADDRESS = 2, 9
    both = '"address";q=9;w=60, "key";q=2;w=60'
    with time_machine.travel(MINUTE + timedelta(seconds=20), tick=False):
        assert budget(api.get("/organizations")) == (both, '"address";r=8;t=40, "key";r=1;t=40')
        assert budget(api.get("/nothing")) == (both, '"address";r=7;t=40, "key";r=0;t=40')
        assert budget(api.get("/organizations")) == (both, '"address";r=6;t=40, "key";r=0;t=40')
        wrong = api.get("/organizations", headers={"x-signature": "0" * 64})
        assert (wrong.status_code, budget(wrong)) == (403, ('"address";q=9;w=60', '"address";r=5;t=40'))
    assert "RateLimit" not in Client().get("/admin/login/").headers


def test_limit_per_address_counts_all_requests(api: Any, other_api: Any, settings: Any) -> None:
    settings.API_RATE_PER_ADDRESS = 2
    with time_machine.travel(MINUTE, tick=False):
        assert statuses(api, 1) == [200]
        assert Client().get("/v1/posts").status_code == 403
        assert statuses(other_api, 1) == [429]
        assert Client().get("/v1/posts").headers["Retry-After"] == "60"
        assert Client(REMOTE_ADDR="192.0.2.7").get("/v1/posts").status_code == 403


def test_wrong_signatures_block_the_address_not_the_key(api: Any, settings: Any) -> None:
    settings.SIGNATURE_FAILURES_PER_MINUTE = 2

    def guess(key_id: str, **right: str) -> tuple[int, Any]:
        given = {**api.signature(), "x-signature": "0" * 64, **right, "x-api-key": key_id}
        answer = Client(REMOTE_ADDR="192.0.2.7").get("/v1/organizations", headers=given)
        return answer.status_code, answer.json()["message"]

    with time_machine.travel(MINUTE, tick=False):
        wrong, stopped = (403, "Invalid signature"), (429, "Too many requests")
        for key_id in (api.key.pk, "dk_there_is_none", "\xe9"):
            assert [guess(key_id) for _ in range(3)] == [wrong, wrong, stopped], key_id
        assert guess(api.key.pk, **api.signature()) == stopped
        assert guess(api.key.pk, **{"x-date": "nonsense"}) == (403, "Invalid date")
        assert statuses(api, 3) == [200] * 3
        assert [guess(f"dk_{number}") for number in range(5)] == [wrong] * 4 + [stopped]
    with time_machine.travel(MINUTE + timedelta(seconds=60), tick=False):
        assert guess(api.key.pk) == wrong


def test_address_behind_proxy_is_the_last_forwarded_one(settings: Any, db: None) -> None:
    settings.API_RATE_PER_ADDRESS = 1

    def ask(forwarded: str) -> int:
        return Client(REMOTE_ADDR="10.0.0.1").get("/v1/posts", headers={"x-forwarded-for": forwarded}).status_code

    with time_machine.travel(MINUTE, tick=False):
        assert [ask("192.0.2.1"), ask("192.0.2.2")] == [403, 429]
        settings.BEHIND_PROXY = True
        assert [ask("192.0.2.1"), ask("198.51.100.9, 192.0.2.1"), ask("192.0.2.1, 192.0.2.2")] == [403, 429, 403]
        assert [ask("2001:db8:0:1::1"), ask("2001:db8:0:1:2::3"), ask("::ffff:192.0.2.3")] == [403, 429, 403]
        assert [ask("192.0.2.3"), ask("nonsense"), ask("\x00")] == [429, 403, 429]


def test_key_limit_counts_unknown_paths_but_not_wrong_signatures(api: Any, settings: Any) -> None:
    settings.API_RATE_PER_MINUTE = 1
    with time_machine.travel(MINUTE, tick=False):
        for _ in range(3):
            assert api.get("/organizations", headers={"x-signature": "0" * 64}).status_code == 403
        assert api.get("/nothing").status_code == 404
        assert api.get("/nothing").status_code == 429


def test_unauthorized_requests_do_not_count_against_the_key(api: Any, organization: Any, settings: Any) -> None:
    """A recorded signature opens nothing where requests are signed in full, and takes nothing from the holder."""
    settings.API_RATE_PER_MINUTE = 2
    with time_machine.travel(MINUTE, tick=False):
        for column, refused in (("require_full_signature", 403), ("active", 402)):
            Organization.objects.update(**{column: column != "active"})
            assert statuses(api, 3) == [refused] * 3
            Organization.objects.update(**{column: column == "active"})
        assert statuses(api, 3) == [200, 200, 429]


def test_limit_of_zero_is_no_limit(api: Any, settings: Any) -> None:
    settings.API_RATE_PER_MINUTE = 0
    assert statuses(api, 3) == [200] * 3


def test_unavailable_cache_allows_requests_and_logs(api: Any, settings: Any, caplog: pytest.LogCaptureFixture) -> None:
    settings.API_RATE_PER_MINUTE = 1
    settings.CACHES = DOWN
    assert statuses(api, 3) == [200] * 3
    lines = [record for record in caplog.records if record.name == "accounts.api.throttling"]
    assert {line.getMessage() for line in lines} == {"The cache is down: requests are not counted"}


def test_concurrent_increments_are_counted_and_expire(settings: Any) -> None:
    throttle = ApiKeyThrottle()
    with ThreadPoolExecutor(8) as executor:
        counts = list(executor.map(lambda _: throttle.increment("a"), range(200)))
    if settings.REDIS_URL:
        assert sorted(counts) == list(range(1, 201))
        client = cache._cache.get_client(None, write=True)  # type: ignore[attr-defined]
        assert 0 < client.ttl(cache.make_key(throttle.cache_key("a"))) <= 120
    else:
        assert max(counts) <= 200  # the file cache may lose counts


def test_missing_scope_counts_against_the_address_only(api: Any, settings: Any) -> None:
    settings.API_RATE_PER_MINUTE, settings.API_RATE_PER_ADDRESS = 2, 9
    ApiKey.objects.update(scopes=["draft"])
    with time_machine.travel(MINUTE, tick=False):
        refused = api.get("/organizations")
        assert (refused.status_code, refused.headers["RateLimit-Policy"]) == (403, '"address";q=9;w=60')
