"""Faults to order: which, on which route, how many times, how likely.

`DELAYS` add up and let the call go on. `BEFORE` answer (or hang up) without doing anything. `AFTER` do the work and
then spoil the answer. `INSIDE` change what a handler does. At most one fault beside the delays acts on a call: the
first ordered that matches and is not spent.
"""

import random
import re
import threading
from dataclasses import dataclass, field
from typing import Any

DELAYS = {"delay", "delay_after"}
BEFORE = {
    "drop_before", "html_502", "error", "throttle", "expired_token", "flicker", "quota", "policy_block",
    "localised",
}  # fmt: skip
AFTER = {"drop_after", "error_after", "error400_after", "truncated_json", "spam_after", "html_502_after"}
INSIDE = {"slow_container", "container_error"}
KNOWN = DELAYS | BEFORE | AFTER | INSIDE


class BadOrder(ValueError):
    """The order cannot be taken; the text says why."""


@dataclass
class Fault:
    """One order. `times` None never runs out; `skip` lets so many matching calls pass first; `probability` is drawn
    from a generator seeded by `seed`. `seconds` is of delays and containers, `minutes` is
    estimated_time_to_regain_access, `retry_after` adds that header, `reset` hangs up with a TCP reset.
    """

    route: str
    fault: str
    times: int | None = 1
    probability: float = 1.0
    seed: int | None = None
    skip: int = 0
    seconds: float = 1.0
    code: int | None = None
    subcode: int | None = None
    status: int | None = None
    message: str = ""
    minutes: int = 5
    retry_after: int | None = None
    localised: bool = False
    reset: bool = False
    hits: int = 0
    _pattern: re.Pattern[str] = field(init=False, repr=False)
    _random: random.Random = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if self.fault not in KNOWN:
            raise BadOrder(f"fault is none of {', '.join(sorted(KNOWN))}")
        try:
            self._pattern = re.compile(self.route)
        except (re.error, TypeError) as error:
            raise BadOrder(f"route is not a regular expression: {error}") from None
        self._random = random.Random(self.seed)  # noqa: S311  chance of a fault, not a secret

    def strikes(self, *routes: str) -> bool:
        """Say whether the fault acts on this call, and count it when it does."""
        if (self.times is not None and self.hits >= self.times) or not any(map(self._pattern.search, routes)):
            return False
        if self.skip > 0:
            self.skip -= 1
            return False
        if self.probability < 1 and self._random.random() >= self.probability:
            return False
        self.hits += 1
        return True

    def wire(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if not name.startswith("_")}


class FaultBook:
    """All orders, in the order in which they came."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._orders: list[Fault] = []

    def order(self, given: Any) -> Fault:
        allowed = set(Fault.__dataclass_fields__) - {"hits", "_pattern", "_random"}
        if not isinstance(given, dict) or not {"route", "fault"} <= set(given) <= allowed:
            raise BadOrder(f"an order has route and fault, and may have {', '.join(sorted(allowed))}")
        fault = Fault(**given)
        with self._lock:
            self._orders.append(fault)
        return fault

    def clear(self) -> None:
        with self._lock:
            self._orders.clear()

    def wire(self) -> list[dict[str, Any]]:
        with self._lock:
            return [fault.wire() for fault in self._orders]

    def take(self, method: str, path: str, bare_path: str) -> tuple[list[Fault], Fault | None]:
        """Return the delays and the one other fault that act on this call. Routes match with and without version."""
        delays: list[Fault] = []
        acting: Fault | None = None
        with self._lock:
            for fault in self._orders:
                if acting is not None and fault.fault not in DELAYS:
                    continue
                if fault.strikes(f"{method} {path}", f"{method} {bare_path}"):
                    if fault.fault in DELAYS:
                        delays.append(fault)
                    else:
                        acting = fault
        return delays, acting
