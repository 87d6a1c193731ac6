"""Counters of what happened in this minute, shared by every process.

On Redis a count and its expiry are one transaction: no count is lost, and none stays for ever. The file cache of the
embedded stack can lose a count between two processes.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from django.core.cache import cache, caches
from django.core.cache.backends.redis import RedisCache
from redis.exceptions import RedisError

from accounts import clock

log = logging.getLogger(__name__)
WINDOW = 60  # seconds: each minute of the clock


@dataclass(frozen=True)
class Window:
    """A minute of the clock, and how many seconds of it are left."""

    number: int
    left: float

    @classmethod
    def current(cls) -> "Window":
        """Return the one that the clock is in."""
        now = clock.now().timestamp()
        return cls(int(now // WINDOW), WINDOW - now % WINDOW)


def count(window: Window, names: Sequence[str], *, seen: Sequence[str] = ()) -> list[int] | None:
    """Add one to each of `names` and return their counts, then those of `seen`, which are only looked at.

    None when the cache is down: nothing was counted then, which must not keep anybody out.
    """
    entries = [f"count:{name}:{window.number}" for name in (*names, *seen)]
    try:
        backend = caches["default"]
        if isinstance(backend, RedisCache):
            return _on_redis(backend, entries, len(names))
        return [_by_hand(entry) if number < len(names) else cache.get(entry, 0) for number, entry in enumerate(entries)]
    except (OSError, RedisError):
        log.warning("The cache is down: requests are not counted")
        return None


def _on_redis(backend: RedisCache, entries: list[str], added: int) -> list[int]:
    names = [backend.make_and_validate_key(entry) for entry in entries]
    # The backend's own incr looks first and adds then: what expires in between would never expire again.
    client = backend._cache.get_client(None, write=True)
    with client.pipeline(transaction=True) as together:
        for number, name in enumerate(names):
            if number < added:
                together.incr(name)
                together.expire(name, WINDOW * 2)
            else:
                together.get(name)
        answers = iter(together.execute())
    counts = []
    for number in range(len(names)):
        counts.append(int(next(answers) or 0))
        if number < added:
            next(answers)
    return counts


def _by_hand(entry: str) -> int:
    try:
        return cache.incr(entry)
    except ValueError:  # the first of this minute
        cache.add(entry, 0, WINDOW * 2)
    try:
        return cache.incr(entry)
    except ValueError:
        return 1  # it was evicted in between
