"""The current time. All code reads it here, so that tests and fault runs can change it.

`DYNAMO_CLOCK_FILE` names a file with a number of seconds to add to the system clock; it is read at each call. The
variable is read at start and never set in production.
"""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

FILE = os.environ.get("DYNAMO_CLOCK_FILE")


def now() -> datetime:
    """Return the current time, aware, in UTC."""
    time = datetime.now(UTC)  # noqa: TID251  the only place
    if FILE:
        try:
            time += timedelta(seconds=float(Path(FILE).read_text(encoding="ascii") or 0))
        except (OSError, ValueError):
            return time
    return time
