"""Days in the reader's time zone: the days that a page shows, and the times at which they begin and end."""

import calendar
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import chain
from zoneinfo import ZoneInfo

from accounts import clock

VIEWS = ("month", "week", "day")
EARLIEST, LATEST = date(1970, 2, 1), date(2999, 11, 30)  # room for the weeks around, within accounts.formatting
WEEK = timedelta(days=7)


@dataclass(frozen=True)
class DateRange:
    """The days that a page shows around the day `on`. A month is shown in whole weeks from Monday."""

    view: str
    on: date
    days: list[date]
    zone: ZoneInfo

    @property
    def start(self) -> datetime:
        """The beginning of the first day, in UTC."""
        return day_start(self.days[0], self.zone)

    @property
    def end(self) -> datetime:
        """The end of the last day (exclusive), in UTC."""
        return day_start(self.days[-1] + timedelta(days=1), self.zone)

    @property
    def title(self) -> str:
        """The heading: `December 2026`, `30 November to 6 December 2026`, `Tuesday 1 December 2026`."""
        first, last = self.days[0], self.days[-1]
        if self.view == "month":
            return f"{self.on:%B %Y}"
        if self.view == "day":
            return f"{first:%A} {first.day} {first:%B %Y}"
        year = "" if first.year == last.year else f" {first.year}"
        month = "" if (first.year, first.month) == (last.year, last.month) else f" {first:%B}{year}"
        return f"{first.day}{month} to {last.day} {last:%B %Y}"

    @property
    def before(self) -> date:
        """A day on the previous page."""
        return _clamp(
            {"month": self.on.replace(day=1), "week": self.on - WEEK + timedelta(days=1)}.get(self.view, self.on)
            - timedelta(days=1)
        )

    @property
    def after(self) -> date:
        """A day on the next page."""
        if self.view == "month":
            return _clamp((self.on.replace(day=28) + timedelta(days=4)).replace(day=1))
        return _clamp(self.on + (WEEK if self.view == "week" else timedelta(days=1)))


def date_range(view: str, on: str, zone: ZoneInfo) -> DateRange:
    """Return the days for the query parameters. Invalid values mean the month view and today."""
    view = view if view in VIEWS else "month"
    try:
        day = _clamp(date.fromisoformat(on))
    except ValueError:
        day = today(zone)
    if view == "month":
        weeks = calendar.Calendar(calendar.MONDAY).monthdatescalendar(day.year, day.month)
        return DateRange(view, day, list(chain.from_iterable(weeks)), zone)
    if view == "week":
        monday = day - timedelta(days=day.weekday())
        return DateRange(view, day, [monday + timedelta(days=number) for number in range(7)], zone)
    return DateRange(view, day, [day], zone)


def today(zone: ZoneInfo) -> date:
    return clock.now().astimezone(zone).date()


def day_start(day: date, zone: ZoneInfo) -> datetime:
    """Return when the day begins in the zone, in UTC. If the clocks skip midnight, that is when they change."""
    return datetime.combine(day, time.min, zone).astimezone(UTC)


def exists(day: date, hour: int, zone: ZoneInfo) -> bool:
    """Whether the day has this hour; the clocks skip one when daylight saving time begins."""
    local = datetime.combine(day, time(hour), zone)
    return local.astimezone(UTC).astimezone(zone).replace(tzinfo=None) == local.replace(tzinfo=None)


def move_to_day(scheduled_for: datetime | None, target: str, zone: ZoneInfo) -> str:
    """Return the time moved to `target`, a day or a day and hour (`2026-12-01T09`), as the value of a time field.

    With a day alone the local time of day stays, with an hour the minutes stay. Blank for an invalid target.
    """
    day, _, hour = target.partition("T")
    local = scheduled_for.astimezone(zone) if scheduled_for else datetime(2000, 1, 1, 9)  # noqa: DTZ001  a time of day
    try:
        moved = datetime.combine(date.fromisoformat(day), local.time())
        moved = moved.replace(hour=int(hour)) if hour else moved
    except ValueError:
        return ""
    return f"{moved:%Y-%m-%dT%H:%M}"


def _clamp(day: date) -> date:
    return min(max(day, EARLIEST), LATEST)
