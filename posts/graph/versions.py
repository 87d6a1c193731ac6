"""Versions of the Graph API: when they expire, which one answered, and errors of this installation's configuration.

The platform runs a call to an expired version as its oldest living one, without an error. The header
`facebook-api-version` names the version that ran. What is known is kept in the cache, for all processes.
"""

import logging
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.conf import settings
from django.core.cache import cache

from accounts import clock

log = logging.getLogger(__name__)
# The day on which each version expires, by Meta's changelog (graph-api, section 1, read in November 2026).
# v26.0 and v27.0 have no date yet.
EXPIRES = {
    20: date(2026, 9, 24),
    21: date(2027, 1, 21),
    22: date(2027, 5, 20),
    23: date(2027, 10, 8),
    24: date(2028, 2, 18),
    25: date(2028, 7, 29),
}
WARN_AHEAD = timedelta(days=60)
VERSION = re.compile(r"v(\d{1,3})\.\d{1,2}")
KEY = "graph-version"
KEPT = 7 * 86_400  # seconds
REFRESH = 60.0  # seconds after which a process stores the same again
# What this process stored last, and time.monotonic() then.
_stored: dict[str, Any] = {}


@dataclass(frozen=True)
class PlatformVersion:
    """`asked`: GRAPH_VERSION. `ran`: the version of the last good answer, empty before one. `problem`: a sentence.

    The problem is an error of the configuration that the platform reported after the last good answer.
    """

    asked: str
    ran: str = ""
    at: datetime | None = None
    problem: str = ""

    def warnings(self, today: date) -> Iterator[str]:
        """Yield a sentence for an old version, and for an answer by another version than was asked for."""
        expires = expiry(self.asked)
        if expires is not None and expires <= today:
            yield (
                f"Version {self.asked} of the Graph API expired on {_day(expires)}, and the platform runs another one. "
                "Set GRAPH_VERSION to a newer version."
            )
        elif expires is not None and expires - today <= WARN_AHEAD:
            left = (expires - today).days
            yield (
                f"Version {self.asked} of the Graph API expires on {_day(expires)}, in {left} "
                f"{'day' if left == 1 else 'days'}. Set GRAPH_VERSION to a newer version before."
            )
        if self.ran and self.ran != self.asked:
            yield f"The platform answered with version {self.ran} of the Graph API. GRAPH_VERSION is {self.asked}."


def expiry(version: str) -> date | None:
    """Return the day on which the version expires, None when Meta has not named it or the version is unknown."""
    match = VERSION.fullmatch(version)
    if match is None:
        return None
    number = int(match[1])
    return EXPIRES[min(EXPIRES)] if number < min(EXPIRES) else EXPIRES.get(number)


def record_answer(headers: Mapping[str, str]) -> None:
    """Store the version of a good answer, which also ends a problem of the configuration."""
    ran = headers.get("facebook-api-version", "")
    _store(ran=ran if VERSION.fullmatch(ran) else "", problem="")


def record_problem(message: str) -> None:
    """Store an error of the configuration. `message` contains no secret."""
    same_version = _stored.get("asked") == settings.GRAPH_VERSION
    _store(ran=str(_stored["ran"]) if same_version else "", problem=message)


def platform_version() -> PlatformVersion:
    """Return what is known. What was stored for another GRAPH_VERSION is not returned."""
    try:
        known = cache.get(KEY) or {}
    except Exception as error:  # noqa: BLE001  each backend has errors of its own
        log.warning("version unknown: the cache failed with %s", type(error).__name__)
        known = {}
    if known.get("asked") != settings.GRAPH_VERSION:
        return PlatformVersion(settings.GRAPH_VERSION)
    return PlatformVersion(**known)


def _store(**values: str) -> None:
    """Store the values, at once when they have changed, else once in REFRESH. A failing cache is ignored."""
    values["asked"] = settings.GRAPH_VERSION
    same = all(_stored.get(name) == value for name, value in values.items())
    if same and time.monotonic() - _stored["monotonic"] < REFRESH:
        return
    _stored.update(values, monotonic=time.monotonic())
    try:
        cache.set(KEY, {**values, "at": clock.now()}, timeout=KEPT)
    except Exception as error:  # noqa: BLE001  each backend has errors of its own
        log.warning("version not stored: the cache failed with %s", type(error).__name__)


def _day(day: date) -> str:
    return f"{day.day} {day:%B %Y}"
