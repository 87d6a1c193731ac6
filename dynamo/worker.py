"""What a worker does with its connections between two tasks: it keeps them.

Celery's own fixup closes the thread's database connections before and after every task, whatever CONN_MAX_AGE says, so
that each publish would begin with a handshake, a fork of the server and statements that are prepared for nothing.
"""

from typing import Any

from celery import Celery
from celery.fixups import django as fixups
from django.db import close_old_connections


class WorkerFixup(fixups.DjangoWorkerFixup):  # type: ignore[name-defined, misc]  # the stubs do not know it
    """Treats a task as Django treats a request: a connection that is broken, or too old, is closed, and no other."""

    def on_task_prerun(self, sender: Any, **_: Any) -> None:
        if not sender.request.is_eager:
            close_old_connections()

    def on_task_postrun(self, sender: Any, **_: Any) -> None:
        if not sender.request.is_eager:
            close_old_connections()


class Fixup(fixups.DjangoFixup):
    """Celery's, with our worker's part."""

    _worker_fixup: WorkerFixup | None

    @property
    def worker_fixup(self) -> WorkerFixup:
        if self._worker_fixup is None:
            self._worker_fixup = WorkerFixup(self.app)
        return self._worker_fixup


def fixup(app: Celery) -> Fixup:
    """Put our fixup in the place of Celery's; the application names it."""
    made = Fixup(app)
    made.install()
    return made
