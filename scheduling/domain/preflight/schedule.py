"""Checks the scheduled time: whether it is at night in the reader's time zone."""

from collections.abc import Iterator
from zoneinfo import ZoneInfo

from accounts import clock
from scheduling.domain.preflight.base import Check
from scheduling.models import ScheduledPost

NIGHT_HOURS = (23, *range(7))


def check_schedule(post: ScheduledPost, zone: ZoneInfo | None) -> Iterator[Check]:
    """Yield the check of the scheduled time in `zone`; without a zone, the hour is not checked.

    A time that has passed is reported by the validation.
    """
    if post.scheduled_for is None or post.scheduled_for <= clock.now():
        return
    if zone is None:
        yield Check("schedule", "ok", "The scheduled time is in the future.")
        return
    local = post.scheduled_for.astimezone(zone)
    if local.hour in NIGHT_HOURS:
        yield Check("schedule.night", "warn", f"Published at {local:%H:%M} at night, {place(zone)} time.")
    else:
        yield Check("schedule", "ok", f"Published at {local:%H:%M} on a {local:%A}, {place(zone)} time.")


def place(zone: ZoneInfo) -> str:
    """Return the city at the end of the zone's name."""
    return zone.key.rpartition("/")[2].replace("_", " ")
