"""How the web runs: `manage.py serve`, or `gunicorn -c python:dynamo.gunicorn`. See docs/operations.md."""

import gc
import os
from typing import Any

from dynamo import environment as env

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dynamo.settings")

wsgi_app = "dynamo.wsgi:application"
bind = env.text("DYNAMO_BIND", "127.0.0.1:8000")
workers = int(env.number("DYNAMO_WEB_WORKERS", 2))
threads = int(env.number("DYNAMO_WEB_THREADS", 8))
worker_class = "dynamo.patience.PatientWorker"  # threads, behind a loop that slow clients do not stop
worker_connections = 200  # each may hold as much as a request may be large
timeout = 60
graceful_timeout = 10
max_requests = 100_000  # whatever leaks is let go; a start costs as much as a thousand requests
max_requests_jitter = 20_000
control_socket_disable = True  # it would put a socket into the home folder
niceness = int(env.number("DYNAMO_WEB_NICE", 5))  # a caller can wait for a moment, a post cannot


def on_starting(_server: Any) -> None:
    """Refuse to start in production with settings under which a promise could not be kept."""
    from dynamo.checks import refuse_unsafe_start

    refuse_unsafe_start()


def child_exit(_server: Any, worker: Any) -> None:
    """Take the part of a process that has ended from it, however it ended."""
    from dynamo.patience import SHARES

    SHARES.leave(worker.age)


def post_fork(_server: Any, _worker: Any) -> None:
    """Stand back behind workers on the same machine, when both want all of it."""
    os.nice(niceness)


def post_worker_init(_worker: Any) -> None:
    """Load what the first request would load, and let the garbage collector leave all of it alone from then on.

    Else every full collection walks through Django and its friends, and the requests of all threads wait for it.
    """
    from django.urls import resolve

    resolve("/v1/posts")
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)
