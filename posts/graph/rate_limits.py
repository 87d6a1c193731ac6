"""How much of its calls an account has used, shared between processes through the cache.

Headers: X-App-Usage and X-Page-Usage (percentages of a rolling hour), X-Business-Use-Case-Usage (the same per
account, and the minutes until access is back). They come only after enough calls, so their absence means nothing.
A cache that is down loses these hints, never a call.
"""

import json
import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import Any

from django.core.cache import cache

from accounts import clock
from posts.graph.account import Account

log = logging.getLogger(__name__)
KEPT = 900  # seconds that a level counts for without a newer one
MARGIN = 60.0  # seconds after the platform's own estimate, which is in minutes
COOLING = 300.0  # seconds of rest when the platform names no time: "several minutes"
SLOW, STOP = 75, 90  # percent: from there on background reads go slowly, and not at all
LONGEST = 86_400.0  # seconds that a time named by the platform is believed for
APP_CODES = {4, 341}  # refusals that speak of the whole app, not of one account
NUMBERS = ("call_count", "total_time", "total_cputime")


@dataclass(frozen=True)
class Usage:
    """The highest percentage named, and seconds until access is regained (0: not lost)."""

    percent: int = 0
    regain_seconds: float = 0.0


def of_app(headers: Mapping[str, str]) -> Usage:
    """Return what an answer's headers say of the whole app."""
    return _highest([_json(headers, "X-App-Usage")])


def of_account(headers: Mapping[str, str]) -> Usage:
    """Return what an answer's headers say of the account that the call was for."""
    return _highest([_json(headers, "X-Page-Usage"), *_business(headers)])


def retry_after(headers: Mapping[str, str]) -> float:
    """Return seconds to keep away after a throttled call: what the platform names, else some minutes."""
    regain = of_account(headers).regain_seconds
    if regain:
        return regain + MARGIN
    return _retry_after_header(headers) or COOLING


def record_usage(account: Account, headers: Mapping[str, str]) -> None:
    """Keep what an answer says; stop the account when access to it is lost."""
    app, mine = of_app(headers), of_account(headers)
    if app.percent:
        _keep(_key("level"), app.percent, KEPT)
    if mine.percent:
        _keep(_key("level", account), mine.percent, KEPT)
    if mine.regain_seconds:
        block(account, mine.regain_seconds + MARGIN)


def block(account: Account, seconds: float, *, code: int | None = None) -> None:
    """Stop the account, or with a code that speaks of the app every account, for `seconds`."""
    until = clock.now() + timedelta(seconds=seconds)
    _keep(_key("until", None if code in APP_CODES else account), until.timestamp(), seconds + MARGIN)


def usage_percent(account: Account) -> int:
    """Return the percentage used, the higher of account and app; 0 when nothing is known. 100 and more: throttled."""
    known = _read([_key("level"), _key("level", account)])
    return max((int(value) for value in known), default=0)


class Pace(StrEnum):
    """How background reads of an account may go on: freely, one a minute, or not now."""

    FREE = "free"
    SLOW = "slow"
    STOP = "stop"


def background_pace(account: Account) -> Pace:
    """Return the pace for reads that nobody waits for. What is left of the calls belongs to publishing."""
    used = usage_percent(account)
    if used >= STOP or blocked_until(account) is not None:
        return Pace.STOP
    return Pace.SLOW if used >= SLOW else Pace.FREE


def blocked_until(account: Account) -> datetime | None:
    """Return the instant until which calls for the account would only make it worse, None when they are welcome."""
    known = _read([_key("until"), _key("until", account)])
    until = max((datetime.fromtimestamp(value, UTC) for value in known), default=None)
    return until if until is not None and until > clock.now() else None


def _key(what: str, account: Account | None = None) -> str:
    whose = f"{account.type}:{account.platform_id}" if account else "app"
    return f"graph-usage:{what}:{whose}"


def _keep(key: str, value: float, seconds: float) -> None:
    try:
        cache.set(key, value, timeout=seconds)
    except Exception as error:  # noqa: BLE001  each backend has errors of its own
        log.warning("usage is not shared: the cache failed with %s", type(error).__name__)


def _read(keys: list[str]) -> list[float]:
    try:
        return list(cache.get_many(keys).values())
    except Exception as error:  # noqa: BLE001  each backend has errors of its own
        log.warning("usage is not known: the cache failed with %s", type(error).__name__)
        return []


def _json(headers: Mapping[str, str], name: str) -> Any:
    try:
        return json.loads(headers.get(name) or "null")
    except (ValueError, RecursionError):
        return None


def _business(headers: Mapping[str, str]) -> Iterator[Any]:
    entries = _json(headers, "X-Business-Use-Case-Usage")
    for each in entries.values() if isinstance(entries, dict) else []:
        yield from each if isinstance(each, list) else []


def _highest(entries: list[Any]) -> Usage:
    good = [entry for entry in entries if isinstance(entry, dict)]
    percents = [_number(entry.get(name)) for entry in good for name in NUMBERS]
    minutes = [_number(entry.get("estimated_time_to_regain_access")) for entry in good]
    return Usage(int(max(percents, default=0)), min(LONGEST, max(minutes, default=0) * 60))


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) and 0 <= value < 1_000_000 else 0.0


def _retry_after_header(headers: Mapping[str, str]) -> float:
    given = (headers.get("Retry-After") or "").strip()
    if given.isdecimal():
        return min(LONGEST, float(given))
    try:
        return min(LONGEST, max(0.0, (parsedate_to_datetime(given) - clock.now()).total_seconds()))
    except (TypeError, ValueError, OverflowError):
        return 0.0
