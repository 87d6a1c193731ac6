"""How much a caller may ask in a minute of the clock, and how much of that is left.

Three limits. Every request counts against its address, every signed one against its key. Wrong signatures count
against the address, and against the pair of address and key id: whoever guesses is stopped where they are, and the
holder of the key, who is elsewhere, is not. Nothing here depends on whether a key exists.
"""

import hashlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field

from django.conf import settings
from django.http import HttpRequest
from rest_framework.exceptions import Throttled

from accounts.addresses import address_of
from accounts.api.counting import WINDOW, Window, count
from accounts.models import ApiKey

log = logging.getLogger(__name__)
SEVERAL = 5  # an address may be wrong so many times as often as one key id from there: others may live behind it


@dataclass
class Budget:
    """What one request is counted against. `limits`: by policy the quota, and what is left of it after this request."""

    request: HttpRequest
    window: Window = field(default_factory=Window.current)
    limits: dict[str, tuple[int, int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.address = address_of(self.request)

    def arrive(self, key_id: str) -> None:
        """Count the request against its address. Raises Throttled when that is over its limit."""
        self._wrong = self._spend("address", self.address, settings.API_RATE_PER_ADDRESS, seen=self._failures(key_id))

    def admit(self, key: ApiKey) -> None:
        """Count the request against the key that signed it. Raises Throttled when that is over its limit."""
        self._spend("key", key.pk, settings.API_RATE_PER_MINUTE)

    def suspect(self) -> None:
        """Raise Throttled when too many signatures were wrong: of this key id from here, or from here at all."""
        limit = settings.SIGNATURE_FAILURES_PER_MINUTE
        if limit and any(wrong >= most for wrong, most in zip(self._wrong, (limit, limit * SEVERAL), strict=False)):
            log.warning("Too many wrong signatures from %s", self.address)
            raise Throttled(wait=self.window.left)

    def failed(self, key_id: str) -> None:
        """Count a wrong signature."""
        count(self.window, self._failures(key_id))

    def headers(self) -> dict[str, str]:
        """Return the fields of the IETF's draft on rate limits, for what the request was counted against."""
        if not self.limits:
            return {}
        quotas = [f'"{name}";q={quota};w={WINDOW}' for name, (quota, _) in self.limits.items()]
        left = [f'"{name}";r={rest};t={max(1, round(self.window.left))}' for name, (_, rest) in self.limits.items()]
        return {"RateLimit-Policy": ", ".join(quotas), "RateLimit": ", ".join(left)}

    def _spend(self, policy: str, name: str, quota: int, *, seen: Sequence[str] = ()) -> list[int]:
        """Count against a policy, and return the counts of what else is to be seen; none while the cache is down."""
        counted = count(self.window, [f"{policy}:{name}"], seen=seen)
        if counted is None:
            return []
        if quota:
            self.limits[policy] = (quota, max(0, quota - counted[0]))
            if counted[0] > quota:
                raise Throttled(wait=self.window.left)
        return counted[1:]

    def _failures(self, key_id: str) -> list[str]:
        # What a caller sends as an id is of any length, and has any characters.
        shown = hashlib.sha256(key_id.encode(errors="surrogateescape")).hexdigest()[:32]
        return [f"wrong:{self.address}:{shown}", f"wrong:{self.address}"]
