"""Enqueues the channels that are due. The database decides; a message may be lost or delivered twice."""

import logging
from datetime import timedelta

from celery import current_app
from django.conf import settings
from django.db.models import Q
from kombu.exceptions import OperationalError

from accounts import clock
from posts.domain.sync.run import sync
from posts.domain.sync.state import Outcome
from posts.models import Channel, ChannelState, ChannelSync

log = logging.getLogger(__name__)
SLICE = 4.0  # seconds of one run, because it occupies a worker's thread
EXPIRY = timedelta(seconds=60)  # after which a message without effect is sent again


def enqueue_due_channels() -> int:
    """Enqueue the channels that are due, the longest overdue first; return how many were enqueued."""
    now = clock.now()
    channels = Channel.objects.filter(state=ChannelState.CONNECTED, sync=None)
    states = [ChannelSync(channel=channel, next_at=now) for channel in channels]
    ChannelSync.objects.bulk_create(states, ignore_conflicts=True)
    due = ChannelSync.objects.filter(Q(lease_id=None) | Q(lease_expires_at__lte=now), next_at__lte=now)
    due = due.filter(channel__state=ChannelState.CONNECTED).order_by("next_at")
    enqueued = 0
    for channel_id, next_at in due.values_list("pk", "next_at")[: max(0, settings.SYNC_AT_ONCE - _running())]:
        # Compare and set: of several processes only one enqueues the channel.
        claimed = ChannelSync.objects.filter(pk=channel_id, next_at=next_at).update(next_at=now + EXPIRY)
        if not claimed:
            continue
        try:
            current_app.send_task("posts.sync_channel", args=(channel_id,), retry=False, expires=EXPIRY.total_seconds())
            enqueued += 1
        except (OperationalError, OSError) as error:
            log.warning("could not enqueue the sync of a channel: %s; beat will retry", type(error).__name__)
    return enqueued


def sync_channel_slice(channel_id: int) -> str:
    """Read the channel for SLICE seconds, enqueue the next channels, and return the outcome.

    A channel with more to read comes after the others that are due, so that a long first sync does not delay them.
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
