"""Counters of what happened in this minute, shared by every process.

On Redis a count and its expiry are one script: no count is lost, and none stays for ever. The file cache of the
embedded stack can lose a count between two processes.
"""

import hashlib
import logging
import os
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, cast

from django.core.cache import cache, caches
from django.core.cache.backends.redis import RedisCache
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import NoScriptError, RedisError

from accounts import clock

log = logging.getLogger(__name__)
WINDOW = 60  # seconds: each minute of the clock
ANY = 1 << 53  # a limit that no count reaches
# After the expiry, each key's step and limit. From a count over its limit on, the rest is only looked at.
SCRIPT = b"""
local counts, over = {}, false
for number, name in ipairs(KEYS) do
  local step, limit = tonumber(ARGV[2 * number]), tonumber(ARGV[2 * number + 1])
  if step ~= 0 and not over then
    counts[number] = redis.call('INCRBY', name, step)
    redis.call('EXPIRE', name, ARGV[1])
  else
    counts[number] = tonumber(redis.call('GET', name) or 0)
  end
  over = over or counts[number] > limit
end
return counts
"""
_here = threading.local()
SCRIPT_HASH = hashlib.sha1(SCRIPT, usedforsecurity=False).hexdigest().encode()  # Redis names scripts so


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


class Counter(NamedTuple):
    """One to add `step` to; 0 only looks. Over `limit`, it keeps those after it from being added to."""

    name: str
    step: int = 1
    limit: int = ANY


def count(window: Window, counters: Sequence[Counter]) -> list[int] | None:
    """Count, in order, and return the counts.

    None when the cache is down: nothing was counted then, which must not keep anybody out.
    """
    try:
        backend = caches["default"]
        if isinstance(backend, RedisCache):
            return _on_redis(backend, window, counters)
        return _by_hand(window, counters)
    except (OSError, RedisError):
        log.warning("The cache is down: requests are not counted")
        return None


def _on_redis(backend: RedisCache, window: Window, counters: Sequence[Counter]) -> list[int]:
    names = [backend.make_key(f"count:{one.name}:{window.number}").encode() for one in counters]
    steps = [b"%d" % number for one in counters for number in (one.step, one.limit)]
    arguments = [b"%d" % len(names), *names, b"%d" % (WINDOW * 2), *steps]
    # One command on a bare connection that the thread keeps: a client, a pipeline or the pool costs more than the
    # command, and the backend's own incr loses the expiry of what expires meanwhile.
    pool = cast("Any", backend._cache)._get_connection_pool(write=True)
    if getattr(_here, "pool", None) is not pool or _here.process != os.getpid():
        _here.pool, _here.process = pool, os.getpid()
        _here.connection = pool.connection_class(**pool.connection_kwargs)
    kept = _here.connection.is_connected
    try:
        return _asked(_here.connection, arguments)
    except RedisConnectionError:
        if not kept:
            raise
        return _asked(_here.connection, arguments)  # the server had closed what was kept


def _asked(connection: Any, arguments: list[bytes]) -> list[int]:
    try:
        connection.send_packed_command(_packed(b"EVALSHA", SCRIPT_HASH, *arguments), check_health=False)
        try:
            counts: list[int] = connection.read_response()
        except NoScriptError:
            connection.send_packed_command(_packed(b"EVAL", SCRIPT, *arguments), check_health=False)
            counts = connection.read_response()
    except BaseException:
        connection.disconnect()  # an answer that is still to come must not be taken for the next one's
        raise
    return counts


def _packed(*words: bytes) -> list[bytes]:
    return [b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%b\r\n" % (len(word), word) for word in words)]


def _by_hand(window: Window, counters: Sequence[Counter]) -> list[int]:
    counts: list[int] = []
    over = False
    for one in counters:
        entry = f"count:{one.name}:{window.number}"
        counts.append(_added(entry, one.step) if one.step and not over else cache.get(entry, 0))
        over = over or counts[-1] > one.limit
    return counts


def _added(entry: str, step: int) -> int:
    try:
        return cache.incr(entry, step)
    except ValueError:  # the first of this minute
        cache.add(entry, 0, WINDOW * 2)
    try:
        return cache.incr(entry, step)
    except ValueError:
        return step  # it was evicted in between
