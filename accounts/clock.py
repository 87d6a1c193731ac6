"""The one place where time is read, so that tests and fault runs can step it.

`DYNAMO_CLOCK_FILE` names a file holding a number of seconds to add to the machine's clock; it is read at each call
of a process that was started with the variable, which is never the case in production.
"""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

FILE = os.environ.get("DYNAMO_CLOCK_FILE")


def now() -> datetime:
    """Return the current instant, timezone-aware, in UTC."""
    instant = datetime.now(UTC)  # noqa: TID251  this is the seam
    if FILE:
        try:
            instant += timedelta(seconds=float(Path(FILE).read_text(encoding="ascii") or 0))
        except (OSError, ValueError):
            return instant
    return instant
