import time
from typing import Any

from django.core.management.commands import migrate
from django.db import OperationalError
from psycopg.errors import DeadlockDetected, LockNotAvailable

ATTEMPTS = 10
PAUSE = 2.0  # seconds


class Command(migrate.Command):
    """Django's migrate, repeated when PostgreSQL ends it for a lock that a process of the former release holds.

    Each migration is one transaction, so that the next attempt continues with the one that failed.
    """

    def handle(self, *args: Any, **options: Any) -> None:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                super().handle(*args, **options)
                return
            except OperationalError as error:
                if attempt == ATTEMPTS or not isinstance(error.__cause__, (DeadlockDetected, LockNotAvailable)):
                    raise
            self.stderr.write("A process that serves holds a lock: the migration was rolled back and begins again.")
            time.sleep(PAUSE)
