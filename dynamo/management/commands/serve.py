import os
import sys
from typing import Any

from django.core.management.base import BaseCommand


class Command(BaseCommand):
    help = "Serve the web with gunicorn, as in production. Settings: docs/operations.md."
    requires_system_checks: list[str] = []

    def handle(self, *_: Any, **__: Any) -> None:
        """Become gunicorn: the process keeps its number, so that whoever started it can signal it."""
        os.execv(sys.executable, [sys.executable, "-m", "gunicorn", "-c", "python:dynamo.gunicorn"])  # noqa: S606
