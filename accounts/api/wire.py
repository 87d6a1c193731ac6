"""Instants on the wire: ISO-8601, UTC, milliseconds and Z going out; with Z or an offset coming in."""

import re
from datetime import UTC, datetime
from typing import Any

from rest_framework import serializers

_ISO = re.compile(r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}(:\d{2}([.,]\d{1,9})?)?([Zz]|[+-]\d{2}(:?\d{2})?)", re.ASCII)


def instant(moment: datetime | None) -> str | None:
    """Return for example `2026-07-01T13:00:00.000Z`; milliseconds are cut off, not rounded."""
    if moment is None:
        return None
    return moment.astimezone(UTC).isoformat("T", "milliseconds")[:-6] + "Z"  # for the offset, +00:00


class Moment(serializers.DateTimeField):
    """A time in a declared answer."""

    def to_representation(self, value: datetime) -> Any:
        return instant(value)


def parse_instant(text: str) -> datetime:
    """Return the instant, aware and in UTC.

    Raises ValueError for what is not ISO-8601, has no time or no offset, does not exist, or lies outside
    the years 1970 to 2999, where no calendar of ours could show it in every time zone.
    """
    if not _ISO.fullmatch(text):
        raise ValueError("not an ISO-8601 instant with Z or an offset")
    try:
        moment = datetime.fromisoformat(text.upper()).astimezone(UTC)
    except OverflowError:
        raise ValueError("beyond the calendar") from None
    if not 1970 <= moment.year < 3000:
        raise ValueError("outside the years 1970 to 2999")
    return moment
