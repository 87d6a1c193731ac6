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
from typing import Any, cast

from django.core.cache import cache, caches
from django.core.cache.backends.redis import RedisCache
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import NoScriptError, RedisError

from accounts import clock

log = logging.getLogger(__name__)
WINDOW = 60  # seconds: each minute of the clock
# The first keys, as many as the first argument says, are added to; the others are looked at.
SCRIPT = b"""
local counts = {}
for number, name in ipairs(KEYS) do
  if number <= tonumber(ARGV[1]) then
    counts[number] = redis.call('INCR', name)
    redis.call('EXPIRE', name, ARGV[2])
  else
    counts[number] = tonumber(redis.call('GET', name) or 0)
  end
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
    names = [backend.make_and_validate_key(entry).encode() for entry in entries]
    arguments = [b"%d" % len(names), *names, b"%d" % added, b"%d" % (WINDOW * 2)]
    # Each request is counted twice, so it is one command on a bare connection that the thread keeps: a client, a
    # pipeline or the pool costs more than the command, and the backend's own incr loses the expiry of what expires
    # meanwhile.
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


def _by_hand(entry: str) -> int:
    try:
        return cache.incr(entry)
    except ValueError:  # the first of this minute
        cache.add(entry, 0, WINDOW * 2)
    try:
        return cache.incr(entry)
    except ValueError:
        return 1  # it was evicted in between
