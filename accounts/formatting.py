"""Times in the admin: displayed and entered in the user's time zone."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.utils.timesince import timesince, timeuntil

from accounts import clock
from accounts.models import User


class InvalidLocalTime(ValueError):
    """The input is not a valid local time; the message is for the user."""


def user_timezone(user: User) -> ZoneInfo:
    """Return the user's time zone; UTC when this machine does not know it."""
    try:
        return ZoneInfo(user.time_zone)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


def format_long(time: datetime, zone: ZoneInfo) -> str:
    """Return for example `Friday 27 November 2026, 22:00`."""
    local = time.astimezone(zone)
    return f"{local:%A} {local.day} {local:%B %Y}, {_hour(local)}"


def format_short(time: datetime, zone: ZoneInfo) -> str:
    """Return for example `Fri 27 Nov, 22:00`; the year is added when it is not this one."""
    local = time.astimezone(zone)
    year = "" if local.year == clock.now().astimezone(zone).year else f" {local.year}"
    return f"{local:%a} {local.day} {local:%b}{year}, {_hour(local)}"


def in_utc(time: datetime, zone: ZoneInfo) -> str:
    """Return the time in UTC, with the day where it differs from the local one; empty when `zone` has no offset."""
    local, utc = time.astimezone(zone), time.astimezone(UTC)
    if local.utcoffset() == utc.utcoffset():
        return ""
    day = "" if local.date() == utc.date() else f"{utc:%a} {utc.day} {utc:%b}, "
    return f"{day}{_hour(utc)} UTC"


def relative(time: datetime) -> str:
    """Return the distance from now, for example `in 4 days, 3 hours` or `2 minutes ago`."""
    now = clock.now()
    if abs((time - now).total_seconds()) < 60:
        return "now" if time <= now else "in less than a minute"
    return f"in {timeuntil(time, now)}" if time > now else f"{timesince(time, now)} ago"


def as_input(time: datetime | None, zone: ZoneInfo) -> str:
    """Return the value of a datetime-local field for the time."""
    if time is None:
        return ""
    return f"{time.astimezone(zone):%Y-%m-%dT}{_hour(time.astimezone(zone))}"


def from_input(text: str, zone: ZoneInfo, *, shown: datetime | None = None) -> datetime | None:
    """Return the time in UTC of a datetime-local value, None when it is blank.

    `shown` is the time that the field displayed: when the value is unchanged it is returned exactly, fractions of a
    second included. An hour that occurs twice means the first. Raises InvalidLocalTime for an hour that a clock change
    skips, for text that is no time, and for a year outside 1970 to 2999, which not every time zone could show.
    """
    text = text.strip()
    if not text:
        return None
    if text == as_input(shown, zone):
        return shown
    try:
        naive = datetime.fromisoformat(text)
        local = naive.replace(tzinfo=zone) if naive.tzinfo is None else naive
        time = local.astimezone(UTC)
    except (ValueError, OverflowError):
        raise InvalidLocalTime("Enter a date and a time.") from None
    if not 1970 <= time.year < 3000:  # as in the API
        raise InvalidLocalTime("Enter a date between 1970 and 2999.")
    if naive.tzinfo is None and time.astimezone(zone).replace(tzinfo=None) != naive:
        raise InvalidLocalTime(f"The clocks in {zone.key} skip this hour: this time does not exist on that day.")
    return time


def _hour(time: datetime) -> str:
    return f"{time:%H:%M:%S}" if time.second else f"{time:%H:%M}"
