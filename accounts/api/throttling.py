"""How much a caller may ask in a minute of the clock, and how much of that is left.

Three limits. Every request counts against its address, every signed one against its key. Wrong signatures count
against the address, and against the pair of address and key id: whoever guesses is stopped where they are, and the
holder of the key, who is elsewhere, is not. Nothing here depends on whether a key exists.

All of it is one command. A request that claims a key is counted against it before its signature is looked at, and
taken back when that is wrong: strangers can hold as much of a key's budget as they have requests under way.
"""

import hashlib
import logging
from dataclasses import dataclass, field

from django.conf import settings
from django.http import HttpRequest
from rest_framework.exceptions import Throttled

from accounts.addresses import address_of
from accounts.api.counting import ANY, WINDOW, Counter, Window, count

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
        self._of_key, self._failures, self._asked, self._suspicious = "", ("", ""), 0, False

    def arrive(self, key_id: str, *, claimed: bool) -> None:
        """Count the request against its address, and against the key when it is `claimed`.

        Raises Throttled when the address is over its limit; what is over a limit is not counted against the key.
        """
        shown, most = _shown(key_id), settings.API_RATE_PER_ADDRESS
        wrong = settings.SIGNATURE_FAILURES_PER_MINUTE
        self._of_key = f"key:{shown}" if claimed else ""
        self._failures = pair, here = f"wrong:{self.address}:{shown}", f"wrong:{self.address}"
        counters = [
            Counter(f"address:{self.address}", 1, most or ANY),
            Counter(pair, 0, wrong - 1 if wrong else ANY),
            Counter(here, 0, wrong * SEVERAL - 1 if wrong else ANY),
        ]
        counted = count(self.window, [*counters, Counter(self._of_key)] if claimed else counters)
        if counted is None:
            return
        self._suspicious = counted[1] > counters[1].limit or counted[2] > counters[2].limit
        self._asked = counted[3] if claimed and counted[0] <= counters[0].limit and not self._suspicious else 0
        self._spend("address", counted[0], most)

    def suspect(self) -> None:
        """Raise Throttled when too many signatures were wrong: of this key id from here, or from here at all."""
        if self._suspicious:
            log.warning("Too many wrong signatures from %s", self.address)
            raise Throttled(wait=self.window.left)

    def failed(self) -> None:
        """Count a wrong signature, and take back what was counted against the key."""
        back, self._asked = [Counter(self._of_key, -1)] if self._asked else [], 0
        count(self.window, [*(Counter(name) for name in self._failures), *back])

    def give_back(self) -> None:
        """Take back what was counted against the key, unless it was admitted: whatever went wrong, it has not asked."""
        if self._asked:
            count(self.window, [Counter(self._of_key, -1)])

    def admit(self) -> None:
        """Hold the request against the key, which has signed it. Raises Throttled when that is over its limit."""
        asked, self._asked = self._asked, 0
        if asked:
            self._spend("key", asked, settings.API_RATE_PER_MINUTE)

    def headers(self) -> dict[str, str]:
        """Return the fields of the IETF's draft on rate limits, for what the request was counted against."""
        if not self.limits:
            return {}
        quotas = [f'"{name}";q={quota};w={WINDOW}' for name, (quota, _) in self.limits.items()]
        left = [f'"{name}";r={rest};t={max(1, round(self.window.left))}' for name, (_, rest) in self.limits.items()]
        return {"RateLimit-Policy": ", ".join(quotas), "RateLimit": ", ".join(left)}

    def _spend(self, policy: str, counted: int, quota: int) -> None:
        if quota:
            self.limits[policy] = (quota, max(0, quota - counted))
            if counted > quota:
                raise Throttled(wait=self.window.left)


def _shown(key_id: str) -> str:
    # What a caller sends as an id is of any length, and has any characters.
    return hashlib.sha256(key_id.encode(errors="surrogateescape")).hexdigest()[:32]
