"""The state row: who may act on it, what it is told, and how a run ends. Every write asks for the lease."""

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from django.conf import settings
from django.db.models import Q

from accounts import clock
from posts.models import Channel, ChannelSync

Tell = Callable[["Progress"], None]


class LeaseLost(Exception):
    """Another run has taken over; this one has nothing more to say."""


class Outcome(StrEnum):
    """FINISHED: up to date. MORE: go on at once. PAUSED: go on later. BUSY: another run is at it. FAILED: try again."""

    FINISHED = "finished"
    MORE = "more"
    PAUSED = "paused"
    BUSY = "busy"
    FAILED = "failed"


@dataclass(frozen=True)
class Progress:
    """How far the walk has come: posts read and new in it, back to when, of how many (None: nobody knows)."""

    phase: str
    read: int
    added: int
    oldest_seen_at: datetime | None
    total: int | None


@dataclass(frozen=True)
class Report:
    """How a run ended. `next_at`: when there is more to do; `message`: a sentence where something stands in the way."""

    outcome: Outcome
    read: int = 0
    added: int = 0
    gone: int = 0
    next_at: datetime | None = None
    message: str = ""


@contextmanager
def lease_channel(channel: Channel) -> Iterator[ChannelSync | None]:
    """Give the channel's row under a lease, None when somebody else holds it; let go of it afterwards."""
    ChannelSync.objects.get_or_create(channel=channel)
    now, mine = clock.now(), uuid.uuid4()
    free = Q(lease_id=None) | Q(lease_expires_at__lte=now)
    taken = ChannelSync.objects.filter(free, pk=channel.pk).update(
        lease_id=mine, lease_expires_at=_later(settings.SYNC_LEASE)
    )
    if not taken:
        yield None
        return
    try:
        yield ChannelSync.objects.get(pk=channel.pk)
    finally:
        ChannelSync.objects.filter(pk=channel.pk, lease_id=mine).update(lease_id=None, lease_expires_at=None)


def save_state(state: ChannelSync, **columns: Any) -> None:
    """Write columns, in the row and in memory, and hold on to the lease. Raises LeaseLost."""
    columns["lease_expires_at"] = _later(settings.SYNC_LEASE)
    if not ChannelSync.objects.filter(pk=state.pk, lease_id=state.lease_id).update(**columns):
        raise LeaseLost
    for name, value in columns.items():
        setattr(state, name, value)


def progress_of(state: ChannelSync) -> Progress:
    return Progress(state.phase, state.read_count, state.created_count, state.oldest_seen_at, state.total)


def _later(seconds: float) -> datetime:
    return clock.now() + timedelta(seconds=seconds)
