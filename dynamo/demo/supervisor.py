"""Runs the processes of a Procfile, and starts a process again when it ends.

Not honcho: honcho 2.0 stops all processes when one ends. Use it instead once it can restart a process.
"""

import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from django.core.management.base import CommandError

START_TIMEOUT = 180.0  # seconds until a process must be ready
STOP_TIMEOUT = 12.0  # seconds for a process to end after SIGTERM
RESTART_INTERVAL = 5.0  # seconds between two starts of the same process
PR_SET_PDEATHSIG = 1  # prctl(2)


class Supervisor:
    """Starts each line `name: shell command` of the Procfile in a process group of its own, with a log of its own.

    Ctrl-C therefore reaches only the supervisor, which stops the processes in order.
    """

    def __init__(self, procfile: Path, environment: Mapping[str, str], log_folder: Path) -> None:
        lines = [line.partition(":") for line in procfile.read_text(encoding="utf-8").splitlines()]
        self.commands = {name: command for name, _, command in lines if command and not name.startswith("#")}
        # `python` in a command is the interpreter that runs this.
        path = f"{Path(sys.executable).parent}{os.pathsep}{environment.get('PATH', os.defpath)}"
        self.folder, self.environment, self.log_folder = procfile.parent, {**environment, "PATH": path}, log_folder
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.started_at: dict[str, float] = {}

    def start(self, name: str) -> None:
        self.log_folder.mkdir(parents=True, exist_ok=True)
        with self.log_file(name).open("ab") as log:
            self.processes[name] = subprocess.Popen(  # noqa: S602  the commands of our Procfile
                f"exec {self.commands[name]}",
                shell=True,
                cwd=self.folder,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                process_group=0,
                preexec_fn=_end_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509  no threads here
            )
        self.started_at[name] = time.monotonic()

    def log_file(self, name: str) -> Path:
        return self.log_folder / f"{name}.log"

    def wait_until(self, name: str, ready: Callable[[], bool]) -> None:
        """Return when `ready` is true. Raises CommandError when the process ends first or needs too long."""
        deadline = time.monotonic() + START_TIMEOUT
        while not ready():
            if self.processes[name].poll() is not None or time.monotonic() > deadline:
                lines = self.log_file(name).read_text(encoding="utf-8", errors="replace").splitlines()
                raise CommandError("\n".join([f"{name} did not start:", *lines[-25:]]))
            time.sleep(0.1)

    def restart_ended(self) -> Iterator[str]:
        """Start processes again that have ended, and yield a message about each."""
        for name, process in self.processes.items():
            if process.poll() is not None and time.monotonic() - self.started_at[name] > RESTART_INTERVAL:
                _kill_group(process)
                self.start(name)
                yield f"{name} ended ({process.returncode}) and was started again; see {self.log_file(name)}"

    def stop(self) -> None:
        """Stop all processes, the first of the Procfile last, and kill what is left of their groups."""
        first = next(iter(self.commands))
        for names in ([name for name in self.processes if name != first], [first]):
            processes = [self.processes.pop(name) for name in names if name in self.processes]
            for process in processes:
                process.terminate()
            for process in processes:
                with suppress(subprocess.TimeoutExpired):
                    process.wait(STOP_TIMEOUT)
                _kill_group(process)
                process.wait()


def _end_with_parent() -> None:
    # A supervisor that is killed cannot stop its processes; on Linux the kernel sends them SIGTERM instead.
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


def port_is_free(port: int) -> bool:
    """Whether a server can listen on this port of 127.0.0.1."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def responds(url: str) -> bool:
    """Whether the HTTP server at `url` responds with a status below 500."""
    try:
        with urllib.request.urlopen(url, timeout=5):  # noqa: S310  loopback
            return True
    except urllib.error.HTTPError as error:
        return error.code < 500
    except OSError:
        return False
