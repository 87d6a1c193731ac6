"""The usage headers and throttling: percentages of a rolling hour, by account."""

import json
import threading
from collections import Counter, defaultdict

from dynamo.sandbox.errors import Refusal
from dynamo.sandbox.faults import THROTTLES, Fault
from dynamo.sandbox.models import Account
from dynamo.sandbox.settings import Settings


class Usage:
    """Calls by account and minute."""

    def __init__(self) -> None:
        self._minutes: defaultdict[str, Counter[int]] = defaultdict(Counter)
        self._lock = threading.Lock()

    def count(self, account: Account, at: float) -> None:
        """Count a call. Calls while throttled count too and so prolong the throttling."""
        minute = int(at // 60)
        with self._lock:
            minutes = self._minutes[account.id]
            minutes[minute] += 1
            for old in [known for known in minutes if known <= minute - 60]:
                del minutes[old]

    def calls(self, account_id: str = "") -> int:
        with self._lock:
            if account_id:
                return self._minutes[account_id].total()
            return sum(minutes.total() for minutes in self._minutes.values())

    def check(self, account: Account, settings: Settings) -> None:
        """Raise 80001 (Page) or 80002 (Instagram) when the hour's calls are used up."""
        if self.calls(account.id) > settings.hourly_calls:
            code = 80001 if account.is_page else 80002
            status, message = THROTTLES[code]
            raise Refusal(code, message, status=status)

    def headers(self, account: Account, settings: Settings, throttle: Fault | None) -> dict[str, str]:
        """Return the usage headers, none for the first few calls; with `throttle` they show 100 %."""
        calls = self.calls(account.id)
        if calls <= settings.usage_after_calls and not settings.usage and throttle is None:
            return {}
        app = settings.usage.get("app", self.calls() * 100 // (settings.hourly_calls * 10))
        business = settings.usage.get("business", calls * 100 // settings.hourly_calls)
        minutes = settings.usage.get("minutes", 60 if business > 100 else 0)
        if throttle is not None:
            minutes, business = throttle.minutes, 100
            app = 100 if throttle.code in {None, 4, 17, 32, 613} else app
        entry = {
            "type": "pages" if account.is_page else "instagram",
            "call_count": business,
            "total_cputime": business // 4,
            "total_time": business // 3,
            "estimated_time_to_regain_access": minutes,
        }
        entries = [entry]
        if "other" in settings.usage:
            other = {"call_count": settings.usage["other"], "estimated_time_to_regain_access": 60}
            entries.insert(0, {**entry, **other, "type": "custom_audience"})
        return {
            "X-App-Usage": json.dumps({"call_count": app, "total_time": app // 3, "total_cputime": app // 4}),
            "X-Business-Use-Case-Usage": json.dumps({account.id: entries}),
        }
