"""Times in the admin: displayed and entered in the user's time zone."""

from datetime import UTC, datetime, timedelta
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
    return f"{local:%A} {local.day} {local:%B %Y}, {local:%H:%M}{repeated_offset(local)}"


def format_short(time: datetime, zone: ZoneInfo) -> str:
    """Return for example `Fri 27 Nov, 22:00`; the year is added when it is not this one."""
    local = time.astimezone(zone)
    year = "" if local.year == clock.now().astimezone(zone).year else f" {local.year}"
    return f"{local:%a} {local.day} {local:%b}{year}, {local:%H:%M}{repeated_offset(local)}"


def in_utc(time: datetime, zone: ZoneInfo) -> str:
    """Return the time in UTC, with the day where it differs from the local one; empty when `zone` has no offset."""
    local, utc = time.astimezone(zone), time.astimezone(UTC)
    if local.utcoffset() == utc.utcoffset():
        return ""
    day = "" if local.date() == utc.date() else f"{utc:%a} {utc.day} {utc:%b}, "
    return f"{day}{utc:%H:%M} UTC"


def relative(time: datetime) -> str:
    """Return the distance from now, for example `in 4 days, 3 hours` or `2 minutes ago`."""
    now = clock.now()
    if abs((time - now).total_seconds()) < 60:
        return "now" if time <= now else "in less than a minute"
    return f"in {timeuntil(time, now)}" if time > now else f"{timesince(time, now)} ago"


def as_input(time: datetime | None, zone: ZoneInfo) -> str:
    """Return the value of a datetime-local field for the time, without its seconds."""
    return "" if time is None else f"{time.astimezone(zone):%Y-%m-%dT%H:%M}"


def repeated_hour_hint(time: datetime | None, zone: ZoneInfo) -> str:
    """Return which of two hours a field with this time stands for; blank unless the clocks are set back over it."""
    offset = repeated_offset(time.astimezone(zone)) if time is not None else ""
    return f" The clocks are set back, so this hour occurs twice: this is the one at{offset}." if offset else ""


def from_input(text: str, zone: ZoneInfo, *, shown: datetime | None = None) -> datetime | None:
    """Return the time in UTC of a datetime-local value, None when it is blank.

    `shown` is the time that the field displayed: when the value is unchanged it is returned exactly, seconds included.
    An hour that occurs twice means the first, or the second when `shown` is in the second. Raises InvalidLocalTime for
    an hour that a clock change skips, for text that is no time, and for a year outside 1970 to 2999, which not every
    time zone could show.
    """
    text = text.strip()
    if not text:
        return None
    if text == as_input(shown, zone):
        return shown
    try:
        naive = datetime.fromisoformat(text)
        fold = shown.astimezone(zone).fold if shown is not None else 0
        local = naive.replace(tzinfo=zone, fold=fold) if naive.tzinfo is None else naive
        time = local.astimezone(UTC)
    except (ValueError, OverflowError):
        raise InvalidLocalTime("Enter a date and a time.") from None
    if not 1970 <= time.year < 3000:  # as in the API
        raise InvalidLocalTime("Enter a date between 1970 and 2999.")
    if naive.tzinfo is None and time.astimezone(zone).replace(tzinfo=None) != naive:
        raise InvalidLocalTime(f"The clocks in {zone.key} skip this hour: this time does not exist on that day.")
    return time


def repeated_offset(local: datetime) -> str:
    """Return the offset, for example ` (UTC+1)`, of a local time that occurs twice; blank for any other."""
    if local.replace(fold=0).utcoffset() == local.replace(fold=1).utcoffset():
        return ""
    hours, minutes = divmod(int((local.utcoffset() or timedelta()).total_seconds()) // 60, 60)
    return f" (UTC{hours:+d}{f':{minutes:02d}' if minutes else ''})"
