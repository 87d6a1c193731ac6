"""Celery's door to the domain: each task takes primitives and calls one verb."""

from typing import Any

from celery import shared_task

from scheduling.domain import (
    cancelling,
    examining,
    inspecting,
    linking,
    permalinks,
    publishing,
    staging,
    sweeping,
)
from scheduling.domain.notifications import delivery


@shared_task(name="scheduling.publish")
def publish(post_id: str, task_id: str) -> str:
    return publishing.publish(post_id, task_id)


@shared_task(name="scheduling.resume")
def resume(post_id: str) -> str:
    return publishing.resume(post_id)


@shared_task(name="scheduling.stage")
def stage(post_id: str) -> int:
    return staging.stage_ahead(post_id)


@shared_task(name="scheduling.cancel")
def cancel(task_id: str | None, staged: list[tuple[int, dict[str, Any]]]) -> int:
    return cancelling.cancel(task_id, staged)


@shared_task(name="scheduling.inspect_media")
def inspect_media(post_id: str, version: int) -> str:
    return inspecting.inspect_media(post_id, version)


@shared_task(name="scheduling.examine_channel")
def examine_channel(channel_id: int) -> bool:
    return examining.examine(channel_id)


@shared_task(name="scheduling.fill_permalinks")
def fill_permalinks() -> int:
    return permalinks.fill()


@shared_task(name="scheduling.link_imported")
def link_imported() -> int:
    return linking.link()


@shared_task(name="scheduling.deliver_notification")
def deliver_notification(delivery_id: int) -> str:
    return delivery.deliver(delivery_id)


@shared_task(name="scheduling.sweep", bind=True)
def sweep(self: Any) -> dict[str, int]:
    return sweeping.sweep(str(self.request.hostname or ""))
