"""How many requests a key may make: a fixed window of one minute, counted in the cache."""

import logging
from typing import Any

from django.conf import settings
from django.core.cache import cache
from redis.exceptions import RedisError
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from accounts import clock
from accounts.models import ApiKey

log = logging.getLogger(__name__)
WINDOW = 60  # seconds


class KeyThrottle(BaseThrottle):
    """Let a key make API_RATE_PER_MINUTE requests in each minute of the clock; 0 means no limit.

    A cache that is down lets everybody pass: the limit protects us from haste, not from attack. Counting is exact on
    Redis; the file cache of the embedded stack can lose a count between two processes.
    """

    def allow_request(self, request: Request, view: Any) -> bool:  # noqa: ARG002  DRF's signature
        """Count the request; whether it may pass."""
        rate = settings.API_RATE_PER_MINUTE
        if not rate or not isinstance(request.auth, ApiKey):
            return True
        now = clock.now().timestamp()
        self.left = WINDOW - now % WINDOW
        entry = f"rate:{request.auth.pk}:{int(now // WINDOW)}"
        try:
            return self._count(entry) <= rate
        except ValueError:
            return True  # the entry was evicted in between
        except (OSError, RedisError):
            log.warning("The cache is down: requests are not counted")
            return True

    def _count(self, entry: str) -> int:
        try:
            return cache.incr(entry)
        except ValueError:  # the first of this minute
            cache.add(entry, 0, WINDOW * 2)
            return cache.incr(entry)

    def wait(self) -> float:
        """Return the seconds until the next window begins."""
        return self.left
