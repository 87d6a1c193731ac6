"""How much of its rate limit an account has used, shared between processes through the cache.

Headers: X-App-Usage and X-Page-Usage (percentages of a rolling hour), X-Business-Use-Case-Usage (the same per account
and use case, and the minutes until access is regained, which are also sent while access is not lost). The platform
sends them only after enough calls, so their absence means nothing. When the cache is down, these values are missing
and calls go on.
"""

import json
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import Any

from django.core.cache import cache

from accounts import clock
from posts.graph.account import Account

log = logging.getLogger(__name__)
USAGE_TTL = 900  # seconds
MARGIN = 60.0  # seconds after the platform's estimate, which is in minutes
DEFAULT_BLOCK = 300.0  # seconds when the platform names no time; its documentation: "several minutes"
SLOW, STOP = 75, 90  # percent from which background reads slow down, and stop
MAX_BLOCK = 86_400.0  # seconds
APP_CODES = {4, 341}  # these codes block the whole app, not one account
FULL = 100  # percent at which access is lost
# The use cases of our calls by type of account; one header lists also those of other calls.
USE_CASES = {"FB_PAGE": "pages", "INSTAGRAM_ACCOUNT": "instagram"}
NUMBERS = ("call_count", "total_time", "total_cputime")


@dataclass(frozen=True)
class Usage:
    """The highest of the percentages, and the seconds until access is regained, which count from FULL on."""

    percent: int = 0
    regain_seconds: float = 0.0


def of_app(headers: Mapping[str, str]) -> Usage:
    """Return the usage of the whole app from the headers of a response."""
    return _highest([_json(headers, "X-App-Usage")])


def of_account(headers: Mapping[str, str], use_case: str = "") -> Usage:
    """Return the usage of the account that the call was for.

    With a `use_case` the entries of other use cases are left out. An entry without a type counts for all.
    """
    business = _json(headers, "X-Business-Use-Case-Usage")
    lists = business.values() if isinstance(business, dict) else []
    listed = [entry for usages in lists if isinstance(usages, list) for entry in usages if isinstance(entry, dict)]
    entries = [entry for entry in listed if not use_case or entry.get("type", use_case) == use_case]
    return _highest([_json(headers, "X-Page-Usage"), *entries])


def retry_after(headers: Mapping[str, str], use_case: str = "") -> float:
    """Return the seconds to wait after a throttled call: the platform's value, else DEFAULT_BLOCK."""
    regain = of_account(headers, use_case).regain_seconds
    if regain:
        return regain + MARGIN
    return _retry_after_header(headers) or DEFAULT_BLOCK


def record_usage(account: Account, headers: Mapping[str, str]) -> None:
    """Store the usage from the headers of a response. Blocks the account from FULL on, not by an estimate alone."""
    app, own = of_app(headers), of_account(headers, USE_CASES.get(account.type, ""))
    if app.percent:
        _store(_key("level"), app.percent, USAGE_TTL)
    if own.percent:
        _store(_key("level", account), own.percent, USAGE_TTL)
    if own.percent >= FULL:
        block(account, own.regain_seconds + MARGIN)


def block(account: Account, seconds: float, *, code: int | None = None) -> None:
    """Block calls for the account, or with a code of APP_CODES for every account, for `seconds`."""
    until = clock.now() + timedelta(seconds=seconds)
    _store(_key("until", None if code in APP_CODES else account), until.timestamp(), seconds + MARGIN)


def usage_percent(account: Account) -> int:
    """Return the percentage used, the higher of account and app; 0 when it is unknown. 100 and more: throttled."""
    return int(_load("level", account))


def usage_percents(accounts: Iterable[tuple[str, str]]) -> dict[tuple[str, str], int]:
    """Return the percentage used by (type, platform id), without the app's, in one read; 0 when it is unknown."""
    keys = {f"graph-usage:level:{type_}:{platform_id}": (type_, platform_id) for type_, platform_id in accounts}
    try:
        levels = cache.get_many(keys)
    except Exception as error:  # noqa: BLE001  each backend has errors of its own
        log.warning("usage unknown: the cache failed with %s", type(error).__name__)
        levels = {}
    return {account: int(levels.get(key, 0)) for key, account in keys.items()}


class Pace(StrEnum):
    """Speed of background reads of an account: unlimited, one page a minute, or none."""

    FREE = "free"
    SLOW = "slow"
    STOP = "stop"


def background_pace(account: Account) -> Pace:
    """Return the pace of reads that no user waits for. The rest of the rate limit is reserved for publishing."""
    used = usage_percent(account)
    if used >= STOP or blocked_until(account) is not None:
        return Pace.STOP
    return Pace.SLOW if used >= SLOW else Pace.FREE


def blocked_until(account: Account) -> datetime | None:
    """Return until when calls for the account are blocked, None when they are not."""
    until = datetime.fromtimestamp(_load("until", account), UTC)
    return until if until > clock.now() else None


def _key(name: str, account: Account | None = None) -> str:
    scope = f"{account.type}:{account.platform_id}" if account else "app"
    return f"graph-usage:{name}:{scope}"


def _store(key: str, value: float, seconds: float) -> None:
    try:
        cache.set(key, value, timeout=seconds)
    except Exception as error:  # noqa: BLE001  each backend has errors of its own
        log.warning("usage not stored: the cache failed with %s", type(error).__name__)


def _load(name: str, account: Account) -> float:
    """Return the higher value of the account and the app, 0 without one."""
    try:
        values: Iterable[float] = cache.get_many([_key(name), _key(name, account)]).values()
    except Exception as error:  # noqa: BLE001  each backend has errors of its own
        log.warning("usage unknown: the cache failed with %s", type(error).__name__)
        return 0
    return max(values, default=0)


def _json(headers: Mapping[str, str], name: str) -> Any:
    try:
        return json.loads(headers.get(name) or "null")
    except (ValueError, RecursionError):
        return None


def _highest(entries: list[Any]) -> Usage:
    usages = [entry for entry in entries if isinstance(entry, dict)]
    percents = [_number(usage.get(name)) for usage in usages for name in NUMBERS]
    minutes = [_number(usage.get("estimated_time_to_regain_access")) for usage in usages]
    return Usage(int(max(percents, default=0)), min(MAX_BLOCK, max(minutes, default=0) * 60))


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) and 0 <= value < 1_000_000 else 0.0


def _retry_after_header(headers: Mapping[str, str]) -> float:
    value = (headers.get("Retry-After") or "").strip()
    if value.isdecimal():
        return min(MAX_BLOCK, float(value))
    try:
        return min(MAX_BLOCK, max(0.0, (parsedate_to_datetime(value) - clock.now()).total_seconds()))
    except (TypeError, ValueError, OverflowError):
        return 0.0
