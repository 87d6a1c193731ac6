"""Enqueues Celery tasks. Messages may be lost, repeated or late; the sweep finds the work in the database."""

import logging
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from celery import current_app
from django.conf import settings
from django.db import transaction
from kombu.exceptions import OperationalError

from accounts import clock
from scheduling.models import ScheduledPost

log = logging.getLogger(__name__)
# The worker receives the message shortly before the scheduled time, waits, and then claims the post.
ENQUEUE_AHEAD = timedelta(milliseconds=250)


def send_task(task: str, *args: Any, task_id: UUID | None = None, eta: datetime | None = None) -> bool:
    """Enqueue `scheduling.<task>`; return whether the broker accepted it. Does not raise when the broker is down."""
    try:
        current_app.send_task(
            f"scheduling.{task}", args=args, task_id=str(task_id) if task_id else None, eta=eta, retry=False
        )
    except (OperationalError, OSError) as error:
        log.warning("could not enqueue %s: %s; the next sweep will retry", task, type(error).__name__)
        return False
    return True


def enqueue_publish(post: ScheduledPost) -> bool:
    """Enqueue a SCHEDULED post for its time, under its own task id, so that it can be revoked."""
    if post.task_id is None:
        return False
    eta = post.scheduled_for - ENQUEUE_AHEAD if post.scheduled_for else None
    return send_task("publish", str(post.pk), str(post.task_id), task_id=post.task_id, eta=eta)


def publish_after_commit(post: ScheduledPost) -> None:
    """On commit, when the scheduled time is near: enqueue staging and publishing."""

    def send() -> None:
        now = clock.now()
        # The sweep enqueues later posts when they come within ENQUEUE_HORIZON.
        if post.scheduled_for is None or post.scheduled_for > now + timedelta(seconds=settings.ENQUEUE_HORIZON):
            return
        if post.scheduled_for <= now + timedelta(seconds=settings.STAGE_LEAD):
            send_task("stage", str(post.pk))
        if enqueue_publish(post):
            ScheduledPost.objects.filter(pk=post.pk, task_id=post.task_id).update(enqueued_at=clock.now())

    transaction.on_commit(send)


def cancel_after_commit(task_id: UUID | None) -> None:
    """On commit, enqueue `cancel`. The claim ignores the task also when this message is lost."""
    if task_id is not None:
        transaction.on_commit(lambda: send_task("cancel", str(task_id)))


def deliver_after_commit(delivery_ids: Iterable[int]) -> None:
    """Enqueue a task for each delivery of a notification on commit. The sweep enqueues those that the broker loses."""
    ids = list(delivery_ids)

    def send() -> None:
        for pk in ids:
            if not send_task("deliver_notification", pk):
                break

    transaction.on_commit(send, robust=True)


def inspect_after_commit(post: ScheduledPost) -> None:
    """On commit, enqueue the inspection of the post's media."""
    transaction.on_commit(lambda: send_task("inspect_media", str(post.pk), post.version))


def cancel(task_id: str) -> bool:
    """Revoke a publish task that no post has any more; return whether it was revoked.

    A message made by hand cannot revoke the task of a scheduled post.
    """
    if ScheduledPost.objects.filter(task_id=UUID(task_id)).exists():
        return False
    current_app.control.revoke(task_id)
    return True
