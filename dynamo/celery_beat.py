"""Celery beat's scheduler, which keeps the times of the last runs in a JSON file and goes on without it.

Celery's own keeps them with `shelve`. On a full disk an exception in there ends the round, and another in the handler
of SIGTERM keeps the process alive. Look again when Celery's scheduler survives a file that cannot be written.
"""

import json
import logging
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from celery import beat

log = logging.getLogger(__name__)


class Scheduler(beat.Scheduler):
    """The periodic tasks in memory. A lost file makes tasks run a full interval after the start."""

    sync_every = 60  # seconds

    def __init__(self, *args: Any, schedule_filename: str = "", **kwargs: Any) -> None:
        self._path = Path(schedule_filename)
        self._failed = False
        super().__init__(*args, **kwargs)

    def setup_schedule(self) -> None:
        """Merge the periodic tasks of the application, with the times at which they last ran."""
        self.merge_inplace(self.app.conf.beat_schedule)
        try:
            last_runs = json.loads(self._path.read_text(encoding="utf-8"))
            for name, entry in self.schedule.items():
                if name in last_runs:
                    entry.last_run_at = datetime.fromisoformat(last_runs[name]).astimezone(UTC)
        except FileNotFoundError:
            return
        except (OSError, ValueError, TypeError, AttributeError) as error:
            log.warning("%s cannot be read, and is replaced: %s", self._path, type(error).__name__)

    def tick(self, *args: Any, **kwargs: Any) -> float:
        """Run a due task. When the clock was set back, count the intervals from now; Celery waits until then."""
        now = self.app.now()
        for entry in self.schedule.values():
            if entry.last_run_at and entry.last_run_at > now:
                entry.last_run_at, self._heap = now, None  # built again: it has the times of the next runs
        return float(super().tick(*args, **kwargs))

    def sync(self) -> None:
        """Write the times. A failure is logged once and has no other consequence."""
        last_runs = {name: entry.last_run_at.isoformat() for name, entry in self.schedule.items() if entry.last_run_at}
        temporary = self._path.with_name(f"{self._path.name}.new")
        try:
            temporary.write_text(json.dumps(last_runs), encoding="utf-8")
            temporary.replace(self._path)
        except OSError as error:
            if not self._failed:
                log.error("%s cannot be written: %s", self._path, error.strerror)  # noqa: TRY400
            self._failed = True
        else:
            self._failed = False

    @property
    def info(self) -> str:
        return f"    . file -> {self._path}"
