"""When what is read again: by age. What was published today changes by the minute, what is a year old hardly ever.

One call reads a hundred posts with their numbers, so old and new are not told apart post by post but by how far down
the listings a walk goes.
"""

from datetime import datetime, timedelta
from typing import NamedTuple

from posts.models import ChannelSync

SHALLOW = timedelta(days=1)
OFTEN = timedelta(minutes=5)  # how often the last day is read
OVERLAP = timedelta(minutes=10)  # a walk reaches back beyond the last one's start, for posts that appear late


class Depth(NamedTuple):
    """A walk that reaches `back` (None: to the end) is due `every` so often."""

    name: str
    back: timedelta | None
    every: timedelta


DEPTHS = (
    Depth("all", None, timedelta(days=7)),
    Depth("1y", timedelta(days=365), timedelta(days=1)),
    Depth("30d", timedelta(days=30), timedelta(hours=6)),
    Depth("7d", timedelta(days=7), timedelta(hours=1)),
)


def due(state: ChannelSync, now: datetime) -> Depth | None:
    """Return the deepest walk that is due, None when none is. The first one goes to the end."""
    for depth in DEPTHS:
        last = last_started(state, depth.name)
        if last is None or now - last >= depth.every:
            return depth
    return None


def shallow_due(state: ChannelSync, now: datetime) -> bool:
    """Whether the last day is to be read again, whatever else is under way."""
    last = last_started(state, "1d")
    return last is None or now - last >= OFTEN


def oldest_to_fetch(state: ChannelSync, depth: Depth, now: datetime) -> datetime | None:
    """Return how far back the walk has to go: as far as its depth, or to where the last one began. None: to the end."""
    if depth.back is None:
        return None
    starts = [last_started(state, depth.name) for depth in DEPTHS]
    last = max((start for start in starts if start is not None), default=now)
    return min(now - depth.back, last - OVERLAP)


def finished(state: ChannelSync, name: str, start: datetime) -> dict[str, str]:
    """Return `done` with this walk in it. A walk has also done what those do that reach less far."""
    names = ["1d"] if name == "1d" else [depth.name for depth in DEPTHS]
    covered = names if name == "1d" else [*names[names.index(name) :], "1d"]
    return {**state.done, **dict.fromkeys(covered, start.isoformat())}


def last_started(state: ChannelSync, name: str) -> datetime | None:
    """Return when the last finished walk of this depth began, or one that went deeper."""
    said = state.done.get(name)
    return datetime.fromisoformat(said) if said else None


def next_at(state: ChannelSync, now: datetime) -> datetime:
    """Return when something is due again; now when a walk is under way."""
    if state.depth:
        return now
    dates = [(last_started(state, depth.name) or now - depth.every) + depth.every for depth in DEPTHS]
    dates.append((last_started(state, "1d") or now - OFTEN) + OFTEN)
    return max(now, min(dates))
