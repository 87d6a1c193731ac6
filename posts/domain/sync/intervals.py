"""How often posts are read again, by age: today's posts change every minute, those of last year hardly ever.

One call reads a hundred posts with their counters, so the interval depends on how far down the listings a walk goes,
not on the single post.
"""

from datetime import datetime, timedelta
from typing import NamedTuple

from posts.models import ChannelSync

OVERLAP = timedelta(minutes=10)  # a walk goes back further than the last one's start, for posts that appear late


class Depth(NamedTuple):
    """A walk over the posts of the last `back` (None: over all) is due at the interval `every`."""

    name: str
    back: timedelta | None
    every: timedelta


DEPTHS = (
    Depth("all", None, timedelta(days=7)),
    Depth("1y", timedelta(days=365), timedelta(days=1)),
    Depth("30d", timedelta(days=30), timedelta(hours=6)),
    Depth("7d", timedelta(days=7), timedelta(hours=1)),
)
SHALLOW = Depth("1d", timedelta(days=1), timedelta(minutes=5))  # also read during a walk


def is_due(state: ChannelSync, depth: Depth, now: datetime) -> bool:
    last = last_started(state, depth.name)
    return last is None or now - last >= depth.every


def due(state: ChannelSync, now: datetime) -> Depth | None:
    """Return the deepest walk that is due, None when none is. The first walk of a channel covers everything."""
    return next((depth for depth in DEPTHS if is_due(state, depth, now)), None)


def oldest_to_fetch(state: ChannelSync, depth: Depth, now: datetime) -> datetime | None:
    """Return where the walk ends: at its depth, or at the last walk's start if that is earlier. None: at the end."""
    if depth.back is None:
        return None
    starts = [last_started(state, depth.name) for depth in DEPTHS]
    last = max((start for start in starts if start is not None), default=now)
    return min(now - depth.back, last - OVERLAP)


def finished(state: ChannelSync, name: str, start: datetime) -> dict[str, str]:
    """Return `done` with this walk and those of less depth, which it includes."""
    names = [depth.name for depth in (*DEPTHS, SHALLOW)]
    return {**state.done, **dict.fromkeys(names[names.index(name) :], start.isoformat())}


def last_started(state: ChannelSync, name: str) -> datetime | None:
    """Return when the last finished walk of this depth or a greater one was started."""
    started_at = state.done.get(name)
    return datetime.fromisoformat(started_at) if started_at else None


def next_at(state: ChannelSync, now: datetime) -> datetime:
    """Return when the next walk is due; now during a walk."""
    if state.depth:
        return now
    dates = [(last_started(state, depth.name) or now - depth.every) + depth.every for depth in (*DEPTHS, SHALLOW)]
    return max(now, min(dates))
