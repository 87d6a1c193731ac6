"""The demo's processes: started, waited for, restarted when they die, stopped without a trace."""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO

START_WITHIN = 60.0  # seconds until a child must be ready
STOP_WITHIN = 12.0  # seconds for a child to finish what it is doing
LONGEST_PAUSE = 30.0  # seconds before a child that keeps dying is started again
_PR_SET_PDEATHSIG = 1  # prctl(2)


class ChildFailed(Exception):
    """A child did not come up. The message ends with the last lines of its log."""


def _end_with_parent() -> None:
    # A supervisor that is killed cannot stop its children, so on Linux the kernel tells them.
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


class Child:
    """A process in a group of its own, so that a Ctrl-C reaches the supervisor alone and it decides the order."""

    def __init__(
        self, name: str, command: list[str], *, environment: Mapping[str, str], log: Path, ready: Callable[[], bool]
    ) -> None:
        self.name, self.command, self.environment, self.log, self.ready = name, command, environment, log, ready
        self.process: subprocess.Popen[bytes] | None = None
        self.started = 0.0
        self.pause = 1.0
        self.restart_at: float | None = None

    def start(self) -> None:
        """Start the process; its output goes to its log."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self.process = self._spawn(log)
        self.started, self.restart_at = time.monotonic(), None

    def _spawn(self, log: IO[bytes]) -> subprocess.Popen[bytes]:
        return subprocess.Popen(  # noqa: S603  our own commands
            self.command,
            env=dict(self.environment),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            process_group=0,
            preexec_fn=_end_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509  no threads here
        )

    def wait_until_ready(self) -> None:
        """Return when the child answers. Raises ChildFailed when it dies or takes too long."""
        until = time.monotonic() + START_WITHIN
        while not self.ready():
            if self.gone or time.monotonic() > until:
                raise ChildFailed(f"{self.name} did not start:\n{self.tail()}")
            time.sleep(0.1)

    @property
    def gone(self) -> bool:
        return self.process is None or self.process.poll() is not None

    def tail(self, lines: int = 25) -> str:
        """Return the last lines of the log."""
        return "\n".join(self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])

    def revive(self) -> str | None:
        """Start the child again when it has died, after a pause that grows; return a line about it, if any."""
        if not self.gone:
            return None
        now = time.monotonic()
        if self.restart_at is None:
            self.pause = 1.0 if now - self.started > 2 * LONGEST_PAUSE else min(self.pause * 2, LONGEST_PAUSE)
            self.restart_at = now + self.pause
            self._end_group()
            status = self.process.returncode if self.process else None
            return f"{self.name} ended ({status}), starting it again in {self.pause:.0f} s; see {self.log}"
        if now >= self.restart_at:
            self.start()
            return f"{self.name} started again"
        return None

    def ask_to_stop(self) -> None:
        """Tell the child to finish what it is doing; several can do so at the same time."""
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()

    def stop(self) -> None:
        """Wait for the child to finish, then end whatever is left of its group."""
        if self.process is None:
            return
        if self.process.poll() is None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(STOP_WITHIN)
        self._end_group()
        self.process.wait()

    def _end_group(self) -> None:
        if self.process is None:
            return
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            return  # nobody is left in it
