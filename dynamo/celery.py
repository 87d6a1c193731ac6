"""The Celery application and its periodic tasks. The tasks are defined in the apps."""

import inspect
import os
import warnings
from typing import Any

from celery import Celery
from celery.signals import beat_init, before_task_publish, task_postrun, task_prerun, worker_init
from django.db import close_old_connections
from kombu.transport import TRANSPORT_ALIASES

from accounts.api.middleware import current, task_ids

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dynamo.settings")
# django-fsm 3 warns about its successor on every import. 3 is pinned on purpose: 5.x is AGPL.
warnings.filterwarnings("ignore", message="The 'django-fsm' package has been integrated", category=UserWarning)

TRANSPORT_ALIASES["filesystem"] = "dynamo.filesystem_broker:Transport"
TRANSPORT_ALIASES["redis"] = TRANSPORT_ALIASES["rediss"] = "dynamo.celery_redis:Transport"

app = Celery("dynamo")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@app.on_after_finalize.connect
def schedule_periodic_tasks(sender: Celery, **_: Any) -> None:
    """Schedule the sweep, the sync of channels with what follows it, and what happens daily or by expiry.

    A second Celery beat is harmless: a sweep only enqueues, and each task checks the state.
    """
    from django.conf import settings

    tasks = [
        ("sweep", "scheduling.sweep", settings.SWEEP_INTERVAL),
        ("unused media", "posts.delete_unused_media", 24 * 3600.0),
        ("webhook subscriptions", "posts.subscribe_channels", 24 * 3600.0),
        ("expired idempotency keys", "accounts.delete_expired_idempotency_keys", 3600.0),
        ("retention", "scheduling.delete_old", 3600.0),
        ("expired logins", "posts.delete_expired_logins", 600.0),
    ]
    if settings.SYNC_INTERVAL > 0:
        tasks.append(("sync", "posts.sync_due", settings.SYNC_INTERVAL))
        tasks.append(("thumbnails", "posts.copy_thumbnails", settings.SYNC_INTERVAL * 3))
        tasks.append(("linking", "scheduling.link_imported", settings.SYNC_INTERVAL * 3))
    for queue in ("media", "notifications"):
        heartbeat = sender.signature("scheduling.heartbeat", args=(queue,), queue=queue)
        sender.add_periodic_task(settings.HEARTBEAT_INTERVAL, heartbeat, name=f"heartbeat-{queue}", expires=60)
    for name, task, interval in tasks:
        sender.add_periodic_task(interval, sender.signature(task), name=name, expires=interval * 2)


@worker_init.connect
@beat_init.connect
def refuse_unsafe_start(**_: Any) -> None:
    """Refuse to start workers and beat in production with unsafe settings."""
    from dynamo import checks

    checks.refuse_unsafe_start()


@task_prerun.connect
@task_postrun.connect
def close_unusable_connections(**_: Any) -> None:
    """Close database connections that are broken or older than CONN_MAX_AGE, as Django does around a request."""
    close_old_connections()


@before_task_publish.connect
def send_request_id(headers: dict[str, Any], **_: Any) -> None:
    """Add the id of the request to the message, so that the log of the task has it; also to what the task sends."""
    if current.get() != "-":
        headers["request_id"] = current.get()


@task_prerun.connect
def set_log_ids(task: Any, task_id: str, args: Any, **_: Any) -> None:
    """Log lines of this thread have the ids of the task and those it was called with, until it ends."""
    request_id = getattr(task.request, "request_id", None)
    current.set(request_id if isinstance(request_id, str) else "-")
    named = dict(zip(inspect.signature(task.run).parameters, args, strict=False))
    ids = {name: str(value) for name, value in named.items() if name in {"post_id", "channel_id"}}
    task_ids.set({"task": task.name, "task_id": task_id, **ids})


@task_postrun.connect
def clear_log_ids(**_: Any) -> None:
    current.set("-")
    task_ids.set(None)
