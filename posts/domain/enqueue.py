"""Enqueues Celery tasks of this app. A message may be lost: each task has a periodic one that does the same."""

import logging
from typing import Any

from celery import current_app
from kombu.exceptions import OperationalError

log = logging.getLogger(__name__)


def send_task(task: str, *args: Any, countdown: float | None = None) -> bool:
    """Enqueue the task; return whether the broker accepted it. Does not raise when the broker is down."""
    try:
        current_app.send_task(task, args=args, countdown=countdown, retry=False)
    except (OperationalError, OSError) as error:
        log.warning("could not enqueue %s: %s", task, type(error).__name__)
        return False
    return True
