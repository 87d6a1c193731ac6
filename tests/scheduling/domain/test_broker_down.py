"""Enqueueing does not wait for a broker that is down."""

import subprocess
import sys

from django.conf import settings

from tests.services.processes import environment

SENDING = """
import django
from kombu.utils import functional

django.setup()
from scheduling.domain.enqueue import send_task


def sleep(seconds):
    raise SystemExit(f"sleeps for {seconds} s")


functional.sleep = sleep
print([send_task("sweep") for _ in range(3)])
"""


def test_send_task_without_a_broker_returns_false_at_once(db: None) -> None:
    unreachable = "redis://127.0.0.1:1/0"
    sent = subprocess.run(
        [sys.executable, "-c", SENDING],
        cwd=settings.BASE_DIR,
        env=environment(REDIS_URL=unreachable, DJANGO_SETTINGS_MODULE="dynamo.settings"),
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert sent.stdout == "[False, False, False]\n", sent.stderr
