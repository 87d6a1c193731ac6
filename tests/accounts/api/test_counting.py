"""Counters that all processes share."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.core.cache import cache

from accounts.api.counting import Counter, Window, count
from tests.services.engines import Redis

pytestmark = pytest.mark.embedded


def test_no_count_is_lost_and_none_stays_for_ever(settings: Any) -> None:
    window = Window.current()
    with ThreadPoolExecutor(8) as crowd:
        seen = list(crowd.map(lambda _: (count(window, [Counter("a"), Counter("b")]) or [0, 0])[0], range(200)))
    if settings.REDIS_URL:
        assert sorted(seen) == list(range(1, 201))
        client = cache._cache.get_client(None, write=True)
        kept = [client.ttl(cache.make_key(f"count:{name}:{window.number}")) for name in "ab"]
        assert all(0 < left <= 120 for left in kept)
    else:
        assert max(seen) <= 200  # files may lose a count, and never make one up


def test_what_is_over_its_limit_keeps_the_rest_from_being_counted() -> None:
    window = Window.current()
    row = [Counter("c", 1, 2), Counter("d", 0, 0), Counter("e", 3)]
    assert [count(window, row) for _ in range(3)] == [[1, 0, 3], [2, 0, 6], [3, 0, 6]]
    assert count(window, [Counter("d"), Counter("e", -4)]) == [1, 2]
    assert count(window, [Counter("d", 0, 0), Counter("e")]) == [1, 2]


def test_a_connection_that_the_server_ended_costs_no_count(settings: Any) -> None:
    with Redis() as server:
        backend = "django.core.cache.backends.redis.RedisCache"
        settings.CACHES = {"default": {"BACKEND": backend, "LOCATION": server.url}}
        window = Window.current()
        assert count(window, [Counter("kept")]) == [1]
        cache._cache.get_client(None, write=True).client_kill_filter(_type="normal", skipme=True)
        assert count(window, [Counter("kept")]) == [2]
