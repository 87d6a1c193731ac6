"""Celery tasks. Each takes an id and calls one function of the domain."""

from celery import shared_task

from posts.domain import sync


@shared_task(name="posts.sync_channel")
def sync_channel(channel_id: int) -> str:
    return sync.sync_channel_slice(channel_id)


@shared_task(name="posts.sync_due")
def sync_due() -> int:
    return sync.enqueue_due_channels()
