"""Which channels are read next. The database is the truth; a message is a hint that may be lost or come twice."""

import logging
from datetime import datetime, timedelta

from celery import current_app
from django.conf import settings
from django.db.models import Q
from kombu.exceptions import OperationalError

from accounts import clock
from posts.domain.sync.run import sync
from posts.domain.sync.state import Outcome
from posts.models import Channel, ChannelState, ChannelSync

log = logging.getLogger(__name__)
SLICE = 4.0  # seconds of one run: a worker's process is wanted for publishing as well
LOST = timedelta(seconds=60)  # a message that nobody has acted on by then


def enqueue_due_channels() -> int:
    """Send messages for the channels that are due, the longest waiting first; return how many were sent."""
    now = clock.now()
    _open_rows(now)
    due = ChannelSync.objects.filter(Q(lease_id=None) | Q(lease_expires_at__lte=now), next_at__lte=now)
    due = due.filter(channel__state=ChannelState.CONNECTED).order_by("next_at")
    sent = 0
    for channel_id, at in due.values_list("pk", "next_at")[: max(0, settings.SYNC_AT_ONCE - _running())]:
        mine = ChannelSync.objects.filter(pk=channel_id, next_at=at).update(next_at=now + LOST)
        sent += bool(mine) and _hint(channel_id)
    return sent


def sync_channel_slice(channel_id: int) -> str:
    """Read a slice of the channel, have the next in line read, and return the outcome.

    With more to do the channel goes to the end of the line: a long first reading does not hold up the others.
    """
    channel = Channel.objects.filter(pk=channel_id, state=ChannelState.CONNECTED).first()
    if channel is None:
        return "not connected"
    if _running() >= settings.SYNC_AT_ONCE:
        ChannelSync.objects.filter(pk=channel_id).update(next_at=clock.now())
        return "others are being read"
    report = sync(channel, seconds=SLICE)
    if report.outcome is not Outcome.BUSY:
        enqueue_due_channels()
    return str(report.outcome)


def _running() -> int:
    return ChannelSync.objects.filter(lease_expires_at__gt=clock.now()).count()


def _open_rows(now: datetime) -> None:
    new = Channel.objects.filter(state=ChannelState.CONNECTED, sync=None)
    rows = [ChannelSync(channel=channel, next_at=now) for channel in new]
    ChannelSync.objects.bulk_create(rows, ignore_conflicts=True)


def _hint(channel_id: int) -> bool:
    try:
        current_app.send_task("posts.sync_channel", args=(channel_id,), retry=False, expires=LOST.total_seconds())
    except (OperationalError, OSError) as error:
        log.warning("broker did not take the reading of a channel: %s; the beat will", type(error).__name__)
        return False
    return True
