"""When each key was last used.

A request that only reads must not write a row, so its use is noted in the cache and a sweep carries it to the row.
A cache that is down loses the note and nothing else.
"""

import logging
from datetime import UTC, datetime, timedelta

from django.core.cache import cache
from django.db.models import Q
from redis.exceptions import RedisError

from accounts import clock
from accounts.models import ApiKey

log = logging.getLogger(__name__)
EVERY = timedelta(minutes=1)
KEPT = timedelta(days=7)
MOST = 10_000  # keys that a process remembers
_noted: dict[str, datetime] = {}  # by this process, or seen by it, so that it need not ask the cache at each request


def _entry(key_id: str) -> str:
    return f"key-used:{key_id}"


def note(key: ApiKey) -> None:
    """Note that `key` was used now; a note younger than a minute is left as it is. Never raises."""
    now = clock.now()
    if _young(_noted.get(key.pk), now):
        return
    try:
        stamp = cache.get(_entry(key.pk))
        noted = _instant(stamp) if stamp else None
        if not _young(noted, now):
            cache.set(_entry(key.pk), now.timestamp(), KEPT.total_seconds())
            noted = now
        if len(_noted) >= MOST:
            _noted.clear()
        _noted[key.pk] = noted or now
    except (OSError, RedisError):
        log.warning("The cache is down: the use of key %s is not noted", key.pk)


def _young(noted: datetime | None, now: datetime) -> bool:
    return noted is not None and timedelta(0) <= now - noted < EVERY


def last_used(key: ApiKey) -> datetime | None:
    """Return when `key` was last used, to the minute: the later of its row and the note. None means never."""
    try:
        noted = cache.get(_entry(key.pk))
    except (OSError, RedisError):
        noted = None
    known = [instant for instant in (key.last_used_at, _instant(noted) if noted else None) if instant]
    return max(known, default=None)


def flush_last_used() -> int:
    """Carry the notes to the rows, at most once a minute however often it is called; return how many rows changed."""
    try:
        if not cache.add("key-used-flush", 1, EVERY.total_seconds()):
            return 0
        ids = list(ApiKey.objects.filter(revoked_at=None).values_list("pk", flat=True))
        notes = cache.get_many([_entry(key_id) for key_id in ids])
    except (OSError, RedisError):
        log.warning("The cache is down: uses of keys are not carried over")
        return 0
    changed = 0
    for entry, noted in notes.items():
        used = _instant(noted)
        stale = Q(last_used_at=None) | Q(last_used_at__lt=used)
        changed += ApiKey.objects.filter(stale, pk=entry.partition(":")[2]).update(last_used_at=used)
    return changed


def _instant(timestamp: float) -> datetime:
    return datetime.fromtimestamp(timestamp, UTC)
