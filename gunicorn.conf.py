"""Configuration of the web server: run `gunicorn` in this folder. See docs/operations.md."""

import gc
import os
import shutil
import tempfile
from typing import Any

from dynamo.env import env_float, env_str

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dynamo.settings")

wsgi_app = "dynamo.wsgi:application"
bind = env_str("DYNAMO_BIND", "127.0.0.1:8000")
workers = int(env_float("DYNAMO_WEB_WORKERS", 2, least=1))
threads = int(env_float("DYNAMO_WEB_THREADS", 8, least=1))
worker_class = "gthread"  # a slow client holds a thread, so production needs a proxy that buffers requests
worker_connections = 200
timeout = 60
graceful_timeout = 30  # what was accepted before SIGTERM is answered, live reads of the platform too
umask = 0o077  # gunicorn sets it again
max_requests = 100_000  # limits the effect of a memory leak
max_requests_jitter = 20_000
control_socket_disable = True  # the socket would be created in the home folder
# Without the query and the referrer: the code of Facebook Login, and cursors, are not for a log.
access_log_format = '%(h)s %(t)s "%(m)s %(U)s %(H)s" %(s)s %(b)s %(D)s "%(a)s" %({x-request-id}o)s'
if env_str("DYNAMO_LOG_FORMAT") == "json":
    # With the access log, which is off otherwise. On standard error, as Django's log.
    logconfig_dict = {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": {"()": "accounts.log_formatter.JsonFormatter"}},
        "handlers": {"json": {"class": "logging.StreamHandler", "formatter": "json"}},
        "root": {"handlers": ["json"], "level": "INFO"},
        "loggers": {
            name: {"handlers": ["json"], "level": "INFO", "propagate": False}
            for name in ("gunicorn.error", "gunicorn.access")
        },
    }
niceness = int(env_float("DYNAMO_WEB_NICE", 5))


def on_starting(_server: Any) -> None:
    """Refuse to start in production with unsafe settings."""
    # Read by prometheus_client when it is imported. A folder of this server's own, because its files are named by pid.
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = tempfile.mkdtemp(prefix="dynamo-metrics-")
    from dynamo.checks import refuse_unsafe_start

    try:
        refuse_unsafe_start()
    except SystemExit:
        on_exit(_server)
        raise


def on_exit(_server: Any) -> None:
    """Delete the counters of this server's processes."""
    shutil.rmtree(os.environ["PROMETHEUS_MULTIPROC_DIR"], ignore_errors=True)


def post_fork(_server: Any, _worker: Any) -> None:
    """Lower the priority, so that publishing workers on the same machine come first."""
    os.nice(niceness)


def post_worker_init(_worker: Any) -> None:
    """Load the URL configuration, then exclude all loaded objects from garbage collection.

    A full collection would otherwise walk through every module and delay all threads.
    """
    from django.urls import resolve

    resolve("/v1/posts")
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)
