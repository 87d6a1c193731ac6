"""Instants as people read and write them: in the reader's own time zone, with UTC beside it."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.utils.timesince import timesince, timeuntil

from accounts import clock
from accounts.models import User

EARLIEST, LATEST = datetime(1970, 1, 1, tzinfo=UTC), datetime(3000, 1, 1, tzinfo=UTC)  # as in the API


class InvalidLocalTime(ValueError):
    """What was typed names no instant; the message is for the person who typed it."""


def user_timezone(user: User) -> ZoneInfo:
    """Return the reader's time zone, UTC when theirs is not one that this machine knows."""
    try:
        return ZoneInfo(user.time_zone)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


def format_long(instant: datetime, zone: ZoneInfo) -> str:
    """Return for example `Friday 27 November 2026, 22:00`."""
    local = instant.astimezone(zone)
    return f"{local:%A} {local.day} {local:%B %Y}, {_hour(local)}"


def format_short(instant: datetime, zone: ZoneInfo) -> str:
    """Return for example `Fri 27 Nov, 22:00`; the year is added when it is not this one."""
    local = instant.astimezone(zone)
    year = "" if local.year == clock.now().astimezone(zone).year else f" {local.year}"
    return f"{local:%a} {local.day} {local:%b}{year}, {_hour(local)}"


def in_utc(instant: datetime, zone: ZoneInfo) -> str:
    """Return the instant in UTC, with the day only where it differs from the reader's; empty for a reader in UTC."""
    local, utc = instant.astimezone(zone), instant.astimezone(UTC)
    if local.utcoffset() == utc.utcoffset():
        return ""
    day = "" if local.date() == utc.date() else f"{utc:%a} {utc.day} {utc:%b}, "
    return f"{day}{_hour(utc)} UTC"


def relative(instant: datetime) -> str:
    """Return how far away the instant is, in words: `in 4 days, 3 hours`, `2 minutes ago`."""
    now = clock.now()
    if abs((instant - now).total_seconds()) < 60:
        return "now" if instant <= now else "in less than a minute"
    return f"in {timeuntil(instant, now)}" if instant > now else f"{timesince(instant, now)} ago"


def as_input(instant: datetime | None, zone: ZoneInfo) -> str:
    """Return the value of a datetime-local field that shows `instant`; empty for none."""
    if instant is None:
        return ""
    return f"{instant.astimezone(zone):%Y-%m-%dT}{_hour(instant.astimezone(zone))}"


def from_input(text: str, zone: ZoneInfo, *, shown: datetime | None = None) -> datetime | None:
    """Return the instant of a datetime-local value, None when it is blank.

    `shown` is what the field showed: untouched it comes back exact, fractions of a second included. An hour that
    occurs twice means the first. Raises NoSuchTime for an hour that a clock change skips, for what is no time, and for
    a year outside 1970 to 2999, which not every time zone could show.
    """
    text = text.strip()
    if not text:
        return None
    if text == as_input(shown, zone):
        return shown
    try:
        naive = datetime.fromisoformat(text)
        local = naive.replace(tzinfo=zone) if naive.tzinfo is None else naive
        instant = local.astimezone(UTC)
    except (ValueError, OverflowError):
        raise InvalidLocalTime("Enter a date and a time.") from None
    if not EARLIEST <= instant < LATEST:
        raise InvalidLocalTime(f"Enter a date between {EARLIEST.year} and {LATEST.year - 1}.")
    if naive.tzinfo is None and instant.astimezone(zone).replace(tzinfo=None) != naive:
        raise InvalidLocalTime(f"The clocks in {zone.key} skip this hour: there is no such time on that day.")
    return instant


def _hour(moment: datetime) -> str:
    return f"{moment:%H:%M:%S}" if moment.second else f"{moment:%H:%M}"
