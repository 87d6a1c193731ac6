"""Instants as the platform writes them."""

from datetime import UTC, datetime


def stamp(seconds: float | None) -> str | None:
    """Return 2026-07-01T13:00:00+0000."""
    if seconds is None:
        return None
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S+0000")


def exact(seconds: float) -> str:
    """Return ISO-8601 in UTC with milliseconds: the record's own, finer than the platform's."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
