"""A channel's sync state under a lease, and the reports of a run. Every write of the state checks the lease."""

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

OnProgress = Callable[[ChannelSync], None]


class LeaseLost(Exception):
    """Another run has the lease; this one must not write any more."""


class Outcome(StrEnum):
    """FINISHED: up to date. MORE: continue now. PAUSED: continue at `next_at`. BUSY: another run. FAILED: retry."""

    FINISHED = "finished"
    MORE = "more"
    PAUSED = "paused"
    BUSY = "busy"
    FAILED = "failed"


@dataclass(frozen=True)
class Report:
    """Result of a run. The counts are those of the walk. `message`: why it paused or failed, a sentence."""

    outcome: Outcome
    read: int = 0
    added: int = 0
    gone: int = 0
    next_at: datetime | None = None
    message: str = ""


@contextmanager
def lease_channel(channel: Channel) -> Iterator[ChannelSync | None]:
    """Take the lease and yield the channel's state, None when another run has the lease. Released at the end."""
    ChannelSync.objects.get_or_create(channel=channel)
    lease_id = uuid.uuid4()
    free = Q(lease_id=None) | Q(lease_expires_at__lte=clock.now())
    taken = ChannelSync.objects.filter(free, pk=channel.pk).update(lease_id=lease_id, lease_expires_at=_lease_end())
    if not taken:
        yield None
        return
    try:
        yield ChannelSync.objects.get(pk=channel.pk)
    finally:
        ChannelSync.objects.filter(pk=channel.pk, lease_id=lease_id).update(lease_id=None, lease_expires_at=None)


def save_state(state: ChannelSync, **columns: Any) -> None:
    """Write the columns to the row and to `state`, and renew the lease. Raises LeaseLost."""
    columns["lease_expires_at"] = _lease_end()
    if not ChannelSync.objects.filter(pk=state.pk, lease_id=state.lease_id).update(**columns):
        raise LeaseLost
    for name, value in columns.items():
        setattr(state, name, value)


def _lease_end() -> datetime:
    return clock.now() + timedelta(seconds=settings.SYNC_LEASE)
