"""Counters that all processes share."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from django.core.cache import cache

from accounts.api.counting import Window, count
from tests.engines import Redis


def test_no_count_is_lost_and_none_stays_for_ever(settings: Any) -> None:
    window = Window.current()
    with ThreadPoolExecutor(8) as crowd:
        seen = list(crowd.map(lambda _: (count(window, ["a", "b"]) or [0, 0])[0], range(200)))
    if settings.REDIS_URL:
        assert sorted(seen) == list(range(1, 201))
        client = cache._cache.get_client(None, write=True)
        kept = [client.ttl(cache.make_key(f"count:{name}:{window.number}")) for name in "ab"]
        assert all(0 < left <= 120 for left in kept)
    else:
        assert max(seen) <= 200  # files may lose a count, and never make one up
    assert count(window, ["c"], seen=["d", "c"]) == [1, 0, 1]


def test_a_connection_that_the_server_ended_costs_no_count(settings: Any) -> None:
    with Redis() as server:
        settings.CACHES = {"default": {"BACKEND": "dynamo.rediscache.RedisCache", "LOCATION": server.url}}
        window = Window.current()
        assert count(window, ["kept"]) == [1]
        cache._cache.get_client(None, write=True).client_kill_filter(_type="normal", skipme=True)
        assert count(window, ["kept"]) == [2]
