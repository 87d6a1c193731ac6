"""Django's cache on Redis, with one client for each server instead of one for each question."""

from typing import Any

from django.core.cache.backends import redis


class _Client(redis.RedisCacheClient):
    """A client of redis-py may be shared by threads, and making one costs as much as asking it something."""

    def __init__(self, *servers: Any, **options: Any) -> None:
        super().__init__(*servers, **options)
        self._clients: dict[int, Any] = {}

    def get_client(self, key: Any = None, *, write: bool = False) -> Any:
        index = self._get_connection_pool_index(write)  # type: ignore[attr-defined]  # the stubs do not know it
        client = self._clients.get(index)
        if client is None:
            client = self._clients[index] = super().get_client(key, write=write)
        return client


class RedisCache(redis.RedisCache):
    """The cache that settings name."""

    def __init__(self, server: Any, params: dict[str, Any]) -> None:
        super().__init__(server, params)
        self._class = _Client
