"""When a failed attempt is repeated, the same for both clients."""

import random
from dataclasses import dataclass
from typing import Any

from dynamo_client.endpoints import Call
from dynamo_client.exceptions import ApiError, Conflict, DynamoError, NoResponse, RateLimited, ServerError


@dataclass(frozen=True)
class RetryPolicy:
    """At most `max_attempts` requests per call, and at most `max_wait` seconds between two of them.

    Without Retry-After the delay begins with `first_delay` seconds and doubles.
    """

    max_attempts: int = 4
    max_wait: float = 60.0
    first_delay: float = 0.5

    def delay(self, call: Call[Any], error: DynamoError, attempt: int) -> float | None:
        """Return the seconds to wait before the next attempt; None when the error is final."""
        if attempt >= self.max_attempts or not _may_repeat(call, error):
            return None
        delay = self.first_delay * 2 ** (attempt - 1) * random.uniform(0.5, 1.0)  # noqa: S311  spreads the clients
        if isinstance(error, ApiError) and error.retry_after is not None:
            delay = max(delay, error.retry_after)
        return delay if delay <= self.max_wait else None


def _may_repeat(call: Call[Any], error: DynamoError) -> bool:
    """Whether another attempt can succeed and cannot have a second effect.

    A change without an Idempotency-Key (PATCH, DELETE) whose response was lost is not repeated: it may have taken
    effect, and a person may have changed the post since.
    """
    if isinstance(error, NoResponse):
        return call.is_repeatable or not error.sent
    if isinstance(error, RateLimited):
        return True
    if isinstance(error, Conflict):
        return error.code == "idempotency.in_progress"
    return isinstance(error, ServerError) and error.status in {502, 503, 504} and call.is_repeatable
