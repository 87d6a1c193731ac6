"""The Celery application and its beat. Tasks live in the apps; this only composes."""

import os
import warnings
from typing import Any

from celery import Celery
from celery.signals import beat_init, task_postrun, task_prerun, worker_init
from django.db import close_old_connections
from kombu.transport import TRANSPORT_ALIASES

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dynamo.settings")
# django-fsm 3 announces its successor on every import; 5.x is AGPL, so 3 is what we pin, on purpose.
warnings.filterwarnings("ignore", message="The 'django-fsm' package has been integrated", category=UserWarning)

TRANSPORT_ALIASES["filesystem"] = "dynamo.filesystem_broker:Transport"
TRANSPORT_ALIASES["redis"] = TRANSPORT_ALIASES["rediss"] = "dynamo.celery_redis:Transport"

app = Celery("dynamo")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@app.on_after_finalize.connect
def schedule_sweeps(sender: Celery, **_: Any) -> None:
    """Put the sweep on the beat. One beat is enough; two are harmless, because a sweep only hands out hints."""
    from django.conf import settings

    sender.add_periodic_task(
        settings.SWEEP_INTERVAL,
        sender.signature("scheduling.sweep"),
        name="sweep",
        expires=settings.SWEEP_INTERVAL * 2,
    )


@app.on_after_finalize.connect
def schedule_reading(sender: Celery, **_: Any) -> None:
    """Put on the beat what reads the channels, and what links that to the posts that it came from."""
    from django.conf import settings

    every = settings.SYNC_INTERVAL
    if every > 0:
        sender.add_periodic_task(every, sender.signature("posts.sync_due"), name="reading", expires=every * 2)
        link = sender.signature("scheduling.link_imported")
        sender.add_periodic_task(every * 3, link, name="linking", expires=every * 6)


@worker_init.connect
@beat_init.connect
def refuse_unsafe_start(**_: Any) -> None:
    """Workers and beat hold to the same rule as the web: not in production with unsafe settings."""
    from dynamo import checks

    checks.refuse_unsafe_start()


@task_prerun.connect
@task_postrun.connect
def close_unusable_connections(**_: Any) -> None:
    """Close database connections that are broken or older than CONN_MAX_AGE, as Django does around a request."""
    close_old_connections()
