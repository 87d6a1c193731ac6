"""How the web starts."""

import os
import runpy
import subprocess
import sys
from datetime import timedelta
from types import SimpleNamespace

from django.conf import settings
from gunicorn.config import Config
from gunicorn.glogging import Logger

STARTED = """
import gc, runpy
from dynamo import wsgi
runpy.run_path("gunicorn.conf.py")["post_worker_init"](None)
from django.urls import get_resolver
assert "url_patterns" in vars(get_resolver()), "the map was not loaded"
print(gc.get_freeze_count() > 50_000, gc.get_threshold()[0] > 700)
"""


def test_worker_excludes_loaded_objects_from_garbage_collection() -> None:
    started = subprocess.run(
        [sys.executable, "-c", STARTED], cwd=settings.BASE_DIR, capture_output=True, text=True, check=True
    )
    assert started.stdout == "True True\n"


def test_gunicorn_with_unsafe_settings_does_not_start() -> None:
    unsafe = {**os.environ, "DYNAMO_PRODUCTION": "1", "GRAPH_APP_SECRET": "", "DYNAMO_BIND": "127.0.0.1:0"}
    refused = subprocess.run(
        [sys.executable, "-m", "gunicorn"],
        check=False,
        cwd=settings.BASE_DIR,
        env=unsafe,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert refused.returncode != 0
    assert "Refusing to start" in refused.stderr
    assert "GRAPH_APP_SECRET" in refused.stderr


def test_access_log_has_the_request_id_o11() -> None:
    config = Config()
    config.set("access_log_format", runpy.run_path(str(settings.BASE_DIR / "gunicorn.conf.py"))["access_log_format"])
    logger = Logger(config)
    response = SimpleNamespace(status="200 OK", sent=2, headers=[("x-request-id", "find-me")])
    request = SimpleNamespace(headers=[("X-Api-Key", "dk_1")])
    environ = {"REQUEST_METHOD": "GET", "RAW_URI": "/v1/posts?code=secret", "PATH_INFO": "/v1/posts"}
    environ |= {"QUERY_STRING": "code=secret", "SERVER_PROTOCOL": "HTTP/1.1", "REMOTE_ADDR": "::1"}
    atoms = logger.atoms(response, request, environ, timedelta(milliseconds=5))
    line = config.access_log_format % logger.atoms_wrapper_class(atoms)
    assert line.endswith(" find-me")
    assert "secret" not in line
