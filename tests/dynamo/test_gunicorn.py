"""How the web starts."""

import subprocess
import sys

STARTED = """
import gc
from dynamo import gunicorn, wsgi
gunicorn.post_worker_init(None)
from django.urls import get_resolver
assert "url_patterns" in vars(get_resolver()), "the map was not loaded"
print(gc.get_freeze_count() > 50_000, gc.get_threshold()[0] > 700)
"""


def test_what_is_loaded_at_start_is_out_of_the_garbage_collector_s_sight() -> None:
    started = subprocess.run([sys.executable, "-c", STARTED], capture_output=True, text=True, check=True)
    assert started.stdout == "True True\n"
