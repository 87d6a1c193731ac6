"""Faults that a test orders, and the responses that they cause.

`DELAYS` are added, and the call continues. `BEFORE` faults respond or hang up without doing the work. `AFTER` faults do
the work and then change the response. `INSIDE` faults change what a handler does. Besides delays at most one fault acts
on a call: the first order that matches and is not used up.

graph-api: error bodies as recorded, statuses as observed.
"""

import random
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from dynamo.sandbox import errors
from dynamo.sandbox.errors import InvalidControl, Refusal

DELAYS = {"delay", "delay_after"}
GATEWAY = {"drop_before", "html_502"}
BEFORE = GATEWAY | {"error", "throttle", "expired_token", "flicker", "quota", "policy_block", "localised"} | {
    "already_posted", "publishing_authorization", "partial_upload",
}  # fmt: skip
AFTER = {"drop_after", "error_after", "error400_after", "truncated_json", "spam_after", "html_502_after"}
INSIDE = {"slow_container", "container_error"}
KNOWN = DELAYS | BEFORE | AFTER | INSIDE
THROTTLES = {
    4: (403, "(#4) Application request limit reached"),
    17: (400, "(#17) User request limit reached"),
    32: (403, "(#32) Page request limit reached"),
    613: (400, "(#613) Calls to this api have exceeded the rate limit."),
    80001: (403, "(#80001) There have been too many calls to this Page account. Wait a bit and try again."),
    80002: (400, "(#80002) There have been too many calls to this Instagram account. Wait a bit and try again."),
}
ABUSE = "The action attempted has been deemed abusive or is otherwise disallowed"
LOCALISED = (
    "\u0e14\u0e32\u0e27\u0e19\u0e4c\u0e42\u0e2b\u0e25\u0e14\u0e44\u0e21\u0e48\u0e2a\u0e33\u0e40\u0e23\u0e47\u0e08",
    "\u0e40\u0e01\u0e34\u0e14\u0e02\u0e49\u0e2d\u0e1c\u0e34\u0e14\u0e1e\u0e25\u0e32\u0e14",
)

ERRORS: dict[str, Callable[[], Refusal]] = {
    "expired_token": errors.expired_token,
    "quota": errors.quota_reached,
    "policy_block": lambda: Refusal(368, ABUSE, subcode=1390008, shown=("Blocked", ABUSE)),
    "already_posted": errors.already_posted,
    "publishing_authorization": errors.publishing_authorization,
    "partial_upload": errors.partial_upload,
    "spam_after": errors.looks_like_spam,
    "error400_after": lambda: Refusal(1, "An unknown error occurred", subcode=99),
    "localised": lambda: errors.media_not_fetched("it did not answer"),
}


@dataclass
class Fault:
    """One order, for calls whose "METHOD path" contains the regular expression `route`."""

    route: str
    fault: str
    times: int | None = 1  # None: no limit
    probability: float = 1.0
    seed: int | None = None  # for `probability`
    skip: int = 0  # matching calls to leave alone first
    seconds: float = 1.0  # for delays and containers
    code: int | None = None
    subcode: int | None = None
    status: int | None = None
    message: str = ""
    minutes: int = 5  # estimated_time_to_regain_access
    retry_after: int | None = None  # adds this header
    localised: bool = False
    reset: bool = False  # hangs up with a TCP reset
    hits: int = 0
    _pattern: re.Pattern[str] = field(init=False, repr=False)
    _random: random.Random = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if self.fault not in KNOWN:
            raise InvalidControl(f"fault must be one of {', '.join(sorted(KNOWN))}")
        try:
            self._pattern = re.compile(self.route)
        except (re.error, TypeError) as error:
            raise InvalidControl(f"route is not a regular expression: {error}") from None
        self._random = random.Random(self.seed)  # noqa: S311  chance of a fault, not a secret

    def acts_on(self, *routes: str) -> bool:
        """Return whether the fault acts on this call, and count it then."""
        if (self.times is not None and self.hits >= self.times) or not any(map(self._pattern.search, routes)):
            return False
        if self.skip > 0:
            self.skip -= 1
            return False
        if self.probability < 1 and self._random.random() >= self.probability:
            return False
        self.hits += 1
        return True

    def as_json(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if not name.startswith("_")}


class FaultBook:
    """All orders, the first one first."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._orders: list[Fault] = []

    def add(self, given: dict[str, Any]) -> Fault:
        allowed = set(Fault.__dataclass_fields__) - {"hits", "_pattern", "_random"}
        if not {"route", "fault"} <= set(given) <= allowed:
            raise InvalidControl(f"route and fault are required; allowed: {', '.join(sorted(allowed))}")
        fault = Fault(**given)
        with self._lock:
            self._orders.append(fault)
        return fault

    def as_json(self) -> list[dict[str, Any]]:
        with self._lock:
            return [fault.as_json() for fault in self._orders]

    def take(self, method: str, path: str, bare_path: str) -> tuple[list[Fault], Fault | None]:
        """Return the delays and the other fault that act on this call. Routes match with and without the version."""
        delays: list[Fault] = []
        acting: Fault | None = None
        with self._lock:
            for fault in self._orders:
                if acting is not None and fault.fault not in DELAYS:
                    continue
                if fault.acts_on(f"{method} {path}", f"{method} {bare_path}"):
                    if fault.fault in DELAYS:
                        delays.append(fault)
                    else:
                        acting = fault
        return delays, acting


def fault_refusal(fault: Fault, *, method: str, node_id: str) -> Refusal:
    """Return the error of a BEFORE or AFTER fault; the order can set code, subcode, status and message."""
    if fault.fault == "throttle":
        status, message = THROTTLES.get(fault.code or 4, (400, "There have been too many calls."))
        refusal = Refusal(4, message, status=status)
    elif fault.fault == "flicker":
        refusal = errors.missing(method, node_id)
    elif fault.fault in ERRORS:
        refusal = ERRORS[fault.fault]()
    else:
        refusal = Refusal(2, "An unexpected error has occurred. Please retry your request later.", status=500)
    refusal.code = refusal.code if fault.code is None else fault.code
    refusal.subcode = refusal.subcode if fault.subcode is None else fault.subcode
    refusal.status = fault.status or refusal.status
    refusal.message = fault.message or refusal.message
    if fault.localised or fault.fault == "localised":
        refusal.shown = LOCALISED
    return refusal
