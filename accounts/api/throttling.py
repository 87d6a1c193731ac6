"""Rate limits per calendar minute, counted in Django's cache. There is no limit while the cache is down.

Each request counts against its address, each authorized one against its key. Wrong signatures count against the
address, and against the pair of address and key id: that stops guessing from one address without blocking the key's
owner elsewhere. The limits do not depend on whether a key exists, which would disclose it.

The windows are fixed, so that counting is one atomic increment on Redis; DRF's SimpleRateThrottle reads and rewrites a
list of times, and concurrent requests overwrite each other's. The file cache of the embedded default may lose a count.
"""

import hashlib
import logging
from typing import Any

from django.conf import settings
from django.core.cache import cache
from redis.exceptions import RedisError
from rest_framework.exceptions import Throttled
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from accounts import clock
from accounts.api.middleware import RATE_LIMITS
from accounts.client_ip import client_ip
from accounts.models import ApiKey

log = logging.getLogger(__name__)
WINDOW = 60  # seconds
ADDRESS_FACTOR = 5  # wrong signatures per address, relative to those per key id: an address may have several users


class WindowThrottle(BaseThrottle):
    """Allows per minute and `get_ident` the number of requests in the setting `setting`; 0 is no limit."""

    policy: str  # name in the RateLimit headers
    setting: str

    def __init__(self) -> None:
        now = clock.now().timestamp()
        self.window, self.seconds_left = int(now // WINDOW), WINDOW - now % WINDOW

    def allow_request(self, request: Request, view: Any) -> bool:  # noqa: ARG002  DRF's signature
        quota: int = getattr(settings, self.setting)
        ident = self.get_ident(request)
        count = self.increment(f"{self.policy}:{ident}") if quota and ident else 0
        if count:
            limits = request.META.setdefault(RATE_LIMITS, {})
            limits[self.policy] = (quota, WINDOW, max(0, quota - count), max(1, round(self.seconds_left)))
        return count <= quota

    def wait(self) -> float:
        return self.seconds_left

    def check(self, request: Request) -> None:
        """Raise Throttled unless the request is allowed: for throttles that run before DRF's."""
        if not self.allow_request(request, None):
            raise Throttled(wait=self.wait())

    def increment(self, name: str) -> int:
        """Add one to a counter of this minute and return it; 0 when the cache is down."""
        key = self.cache_key(name)
        try:
            # The key outlives its window, so that it cannot expire between the two calls.
            return 1 if cache.add(key, 1, WINDOW * 2) else cache.incr(key)
        except (OSError, RedisError, ValueError):  # ValueError: evicted between the two calls
            log.warning("The cache is down: requests are not counted")
            return 0

    def cache_key(self, name: str) -> str:
        return f"throttle:{name}:{self.window}"


class AddressThrottle(WindowThrottle):
    policy, setting = "address", "API_RATE_PER_ADDRESS"

    def get_ident(self, request: Request) -> str:
        return client_ip(request._request)


class ApiKeyThrottle(WindowThrottle):
    policy, setting = "key", "API_RATE_PER_MINUTE"

    def get_ident(self, request: Request) -> str:
        return request.auth.pk if isinstance(request.auth, ApiKey) else ""


class SignatureFailureThrottle(WindowThrottle):
    """Refuses requests for a key id after too many wrong signatures or tokens, which `record_failure` counts."""

    def __init__(self, key_id: str) -> None:
        super().__init__()
        # A key id may have any length and characters, which not every cache accepts in a key.
        self.key_digest = hashlib.sha256(key_id.encode(errors="surrogateescape")).hexdigest()[:32]

    def allow_request(self, request: Request, view: Any) -> bool:  # noqa: ARG002  DRF's signature
        limit = settings.SIGNATURE_FAILURES_PER_MINUTE
        if not limit:
            return True
        pair, address = [self.cache_key(name) for name in self._names(request)]
        try:
            counts = cache.get_many([pair, address])
        except (OSError, RedisError):
            return True
        if counts.get(pair, 0) < limit and counts.get(address, 0) < limit * ADDRESS_FACTOR:
            return True
        log.warning("Too many wrong signatures from %s", client_ip(request._request))
        return False

    def record_failure(self, request: Request) -> None:
        for name in self._names(request):
            self.increment(name)

    def _names(self, request: Request) -> list[str]:
        address = client_ip(request._request)
        return [f"wrong:{address}:{self.key_digest}", f"wrong:{address}"]
