"""The instant: past, or at an hour at which people sleep where the organization's public lives."""

from collections.abc import Iterator
from zoneinfo import ZoneInfo

from accounts import clock
from scheduling.domain.preflight.base import Check
from scheduling.models import ScheduledPost

NIGHT_HOURS = (23, *range(7))


def look(post: ScheduledPost, zone: ZoneInfo | None) -> Iterator[Check]:
    """Yield the check of the scheduled time in `zone`; without a zone, the hour is not checked.

    A time that has passed is reported by the validation.
    """
    if post.scheduled_for is None or post.scheduled_for <= clock.now():
        return
    if zone is None:
        yield Check("instant", "ok", "Its instant is in the future.")
        return
    local = post.scheduled_for.astimezone(zone)
    if local.hour in NIGHT_HOURS:
        yield Check("instant.night", "warn", f"It goes out at {local:%H:%M} in the night, {place(zone)} time.")
    else:
        yield Check("instant", "ok", f"It goes out at {local:%H:%M} on a {local:%A}, {place(zone)} time.")


def place(zone: ZoneInfo) -> str:
    """Return what people call the zone: the city at the end of its name."""
    return zone.key.rpartition("/")[2].replace("_", " ")
