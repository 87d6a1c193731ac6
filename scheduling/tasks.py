"""Celery tasks. Each takes primitives and calls one domain function; the task names are stable."""

from typing import Any

from celery import shared_task

from scheduling.domain import (
    channel_checks,
    discards,
    enqueue,
    health,
    link_imported,
    media_inspection,
    permalinks,
    retention,
    sweep,
)
from scheduling.domain.notifications import delivery
from scheduling.domain.publishing import run, stage


@shared_task(name="scheduling.publish")
def publish(post_id: str, task_id: str) -> str:
    return run.publish(post_id, task_id)


@shared_task(name="scheduling.resume")
def resume(post_id: str) -> str:
    return run.resume(post_id)


@shared_task(name="scheduling.stage")
def stage_post(post_id: str) -> int:
    return stage.prestage(post_id)


@shared_task(name="scheduling.cancel")
def cancel(task_id: str) -> bool:
    return enqueue.cancel(task_id)


@shared_task(name="scheduling.discard")
def discard_staged(discard_id: int) -> bool:
    return discards.discard(discard_id)


@shared_task(name="scheduling.inspect_media")
def inspect_media(post_id: str, version: int) -> str:
    return media_inspection.inspect_media_once(post_id, version)


@shared_task(name="scheduling.examine_channel")
def check_channel(channel_id: int) -> bool:
    return channel_checks.check_channel(channel_id)


@shared_task(name="scheduling.fill_permalinks")
def fetch_permalinks() -> int:
    return permalinks.fetch_missing()


@shared_task(name="scheduling.link_imported")
def link_imported_posts() -> int:
    return link_imported.link_imported_posts()


@shared_task(name="scheduling.deliver_notification")
def deliver_notification(delivery_id: int) -> str:
    return delivery.deliver(delivery_id)


@shared_task(name="scheduling.heartbeat")
def record_heartbeat(queue: str) -> int:
    return health.record_queue_heartbeat(queue)


@shared_task(name="scheduling.delete_old")
def delete_old() -> int:
    return retention.delete_old()


@shared_task(name="scheduling.sweep", bind=True)
def run_sweep(self: Any) -> dict[str, int]:
    return sweep.sweep(str(self.request.hostname or ""))
