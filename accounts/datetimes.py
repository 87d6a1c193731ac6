"""ISO 8601 as the API reads and writes it: with Z or an offset coming in; UTC, milliseconds and Z going out."""

import re
from datetime import UTC, datetime

_ISO = re.compile(r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}(:\d{2}([.,]\d{1,9})?)?([Zz]|[+-]\d{2}(:?\d{2})?)", re.ASCII)


def format_datetime(moment: datetime | None) -> str | None:
    """Return for example `2026-07-01T13:00:00.000Z`; milliseconds are cut off, not rounded."""
    if moment is None:
        return None
    return moment.astimezone(UTC).isoformat("T", "milliseconds")[:-6] + "Z"  # for the offset, +00:00


def parse_datetime(text: str) -> datetime:
    """Return the time, aware and in UTC.

    Raises ValueError for text that is not ISO 8601, has no time or no offset, does not exist, or lies outside
    the years 1970 to 2999, which a calendar could not show in every time zone.
    """
    if not _ISO.fullmatch(text):
        raise ValueError("not an ISO-8601 time with Z or an offset")
    try:
        moment = datetime.fromisoformat(text.upper()).astimezone(UTC)
    except OverflowError:
        raise ValueError("beyond the calendar") from None
    if not 1970 <= moment.year < 3000:
        raise ValueError("outside the years 1970 to 2999")
    return moment
