"""ISO 8601 in the API: input with Z or an offset; output in UTC with milliseconds and Z."""

import re
from datetime import UTC, datetime

_ISO = re.compile(r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}(:\d{2}([.,]\d{1,9})?)?([Zz]|[+-]\d{2}(:?\d{2})?)", re.ASCII)


def format_datetime(time: datetime | None) -> str | None:
    """Return for example `2026-07-01T13:00:00.000Z`; milliseconds are truncated, not rounded."""
    if time is None:
        return None
    return time.astimezone(UTC).isoformat("T", "milliseconds")[:-6] + "Z"  # instead of +00:00


def parse_datetime(text: str) -> datetime:
    """Return the time, aware and in UTC.

    Raises ValueError for text that is not ISO 8601, lacks time or offset, does not exist, or lies outside the years
    1970 to 2999, which not every time zone could show.
    """
    if not _ISO.fullmatch(text):
        raise ValueError("not an ISO-8601 time with Z or an offset")
    try:
        time = datetime.fromisoformat(text.upper()).astimezone(UTC)
    except OverflowError:
        raise ValueError("beyond the calendar") from None
    if not 1970 <= time.year < 3000:
        raise ValueError("outside the years 1970 to 2999")
    return time


def lacks_offset(text: str) -> bool:
    """Whether the text would be a time if it ended in Z or an offset."""
    try:
        parse_datetime(f"{text}Z")
    except ValueError:
        return False
    return True
