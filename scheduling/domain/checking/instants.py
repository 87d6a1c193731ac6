"""The instant: past, or at an hour at which people sleep where the organization's public lives."""

from collections.abc import Iterator
from zoneinfo import ZoneInfo

from accounts import clock
from scheduling.domain.checking.check import Check
from scheduling.models import ScheduledPost

NIGHT = range(7)  # hours: from midnight to seven in the morning
LATE = 23


def look(post: ScheduledPost, zone: ZoneInfo | None) -> Iterator[Check]:
    """Yield what there is to say about when it goes out. What has passed is said by the validation."""
    if post.scheduled_for is None or post.scheduled_for <= clock.now():
        return
    if zone is None:
        yield Check("instant", "ok", "Its instant is in the future.")
        return
    local = post.scheduled_for.astimezone(zone)
    if local.hour in NIGHT or local.hour >= LATE:
        yield Check("instant.night", "warn", f"It goes out at {local:%H:%M} in the night, {place(zone)} time.")
    else:
        yield Check("instant", "ok", f"It goes out at {local:%H:%M} on a {local:%A}, {place(zone)} time.")


def place(zone: ZoneInfo) -> str:
    """Return what people call the zone: the city at the end of its name."""
    return zone.key.rpartition("/")[2].replace("_", " ")
