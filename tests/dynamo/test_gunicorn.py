"""How the web starts."""

import os
import subprocess
import sys

from django.conf import settings

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
