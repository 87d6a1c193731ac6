"""The database is the truth, the broker is a hint. Everything sent from here may be lost, repeated or late."""

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
from posts.graph.publishers import Account, publisher
from posts.models import Channel
from scheduling.models import ScheduledPost

log = logging.getLogger(__name__)
# The worker has the post in hand a moment before its instant, waits, and then claims it.
ENQUEUE_AHEAD = timedelta(milliseconds=250)


def send_task(task: str, *args: Any, task_id: UUID | None = None, eta: datetime | None = None) -> bool:
    """Send a message for `task`; return whether the broker took it. Never raises for a broker that is down."""
    try:
        current_app.send_task(
            f"scheduling.{task}", args=args, task_id=str(task_id) if task_id else None, eta=eta, retry=False
        )
    except (OperationalError, OSError) as error:
        log.warning("broker did not take %s: %s; the sweep will", task, type(error).__name__)
        return False
    return True


def within_horizon(instant: datetime) -> bool:
    """Whether a post for `instant` is near enough to be handed to the broker; the sweep hands over the later ones."""
    return instant <= clock.now() + timedelta(seconds=settings.ENQUEUE_HORIZON)


def enqueue_publish(post: ScheduledPost) -> bool:
    """Hand a SCHEDULED post to Celery for its instant, under its own task id, so that it can be revoked."""
    if post.task_id is None:
        return False
    eta = post.scheduled_for - ENQUEUE_AHEAD if post.scheduled_for else None
    return send_task("publish", str(post.pk), str(post.task_id), task_id=post.task_id, eta=eta)


def publish_after_commit(post: ScheduledPost) -> None:
    """Once the transaction is through and when its instant is near: have the post staged, and hand it over."""

    def send() -> None:
        if post.scheduled_for is None or not within_horizon(post.scheduled_for):
            return
        if post.scheduled_for <= clock.now() + timedelta(seconds=settings.STAGE_LEAD):
            send_task("stage", str(post.pk))
        if enqueue_publish(post):
            ScheduledPost.objects.filter(pk=post.pk, task_id=post.task_id).update(enqueued_at=clock.now())

    transaction.on_commit(send)


def cancel_after_commit(task_id: UUID | None, staged: Iterable[tuple[int, dict[str, Any]]]) -> None:
    """Revoke the task and discard what was staged, once the transaction is through. Losing this harms nothing."""
    left = [list(item) for item in staged]

    def send() -> None:
        if task_id is not None or left:
            send_task("cancel", str(task_id) if task_id else None, left)

    transaction.on_commit(send)


def deliver_after_commit(delivery_ids: Iterable[int]) -> None:
    """Enqueue a task for each delivery of a notification on commit. The sweep enqueues those that the broker loses."""
    ids = list(delivery_ids)

    def send() -> None:
        for pk in ids:
            if not send_task("deliver_notification", pk):
                break

    transaction.on_commit(send, robust=True)


def inspect_after_commit(post: ScheduledPost) -> None:
    """Have a worker fetch the media and note the hash of its bytes, once the transaction is through."""

    def send() -> None:
        send_task("inspect_media", str(post.pk), post.version)

    transaction.on_commit(send)


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
