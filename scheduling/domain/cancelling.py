"""After a revert: tell the broker to forget, and clean up what was staged. Housekeeping: losing it changes nothing."""

import logging
from typing import Any

from celery import current_app

from posts.graph.publishers import Account, publisher
from posts.models import Channel

log = logging.getLogger(__name__)


def cancel(task_id: str | None, staged: list[tuple[int, dict[str, Any]]]) -> int:
    """Revoke the task and discard staged objects, given as (channel's key, what was staged); return how many."""
    if task_id is not None:
        current_app.control.revoke(task_id)
    channels = Channel.objects.in_bulk([key for key, _ in staged])
    for key, what in staged:
        if channel := channels.get(key):
            try:
                account = Account(channel.type, channel.platform_id, channel.token)
                publisher(channel.type).discard(account, what)
            except Exception:
                log.exception("discarding what was staged on channel %s", key)  # one must not keep the others
    return len(staged)
