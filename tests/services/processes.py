"""Workers, beat and web as processes of their own, against the database of the running test.

For tests marked `processes`, which commit for real (`transaction=True`). The broker is the run's: messages that
earlier tests left in it are thrown away first.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
from django.conf import settings
from django.db import connection

from dynamo.celery import app
from dynamo.demo.supervisor import responds
from tests.services.engines import free_port

START_WITHIN = 240.0  # bounds how long a failing test takes, not how fast a machine must be
POLL = 0.05


def eventually(question: Callable[[], Any], *, within: float = 120.0, what: str = "") -> Any:
    """Ask until the answer is truthy, and return it. Fails with `what` when it never is."""
    until = time.monotonic() + within
    while not (answer := question()):
        assert time.monotonic() < until, f"not within {within:.0f} s: {what or question}"
        time.sleep(POLL)
    return answer


def environment(**more: str) -> dict[str, str]:
    """Return the environment in which a process sees the test's database, broker and sandbox."""
    made = {**os.environ, "GRAPH_BASE_URL": settings.GRAPH_BASE_URL, "DYNAMO_VAR": str(settings.VAR_DIR)}
    made["DYNAMO_PUBLIC_URL"] = settings.PUBLIC_URL
    given = connection.settings_dict
    if connection.vendor == "sqlite":
        made["DATABASE_URL"] = f"sqlite:///{given['NAME']}"
    else:
        host = f"{given['USER']}:{given['PASSWORD']}@{given['HOST']}:{given['PORT']}"
        made["DATABASE_URL"] = f"postgresql://{host}/{given['NAME']}"
    return {**made, **more}


def empty_broker() -> None:
    """Throw away what waits in the broker."""
    app.control.purge()


class Process:
    """A Python process of the product, run in the folder `source`; `log` holds its output."""

    def __init__(self, name: str, words: list[str], *, source: Path, log: Path, env: Mapping[str, str]) -> None:
        self.name, self.log = name, log
        with log.open("ab") as out:
            self.popen = subprocess.Popen(
                [sys.executable, *words],
                cwd=source,
                env=dict(env),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                process_group=0,
            )

    def until(self, question: Callable[[], Any], *, within: float = START_WITHIN) -> None:
        """Wait until the process is ready, by asking."""
        deadline = time.monotonic() + within
        while not question():
            assert self.popen.poll() is None, f"{self.name} ended:\n{self.output()}"
            assert time.monotonic() < deadline, f"{self.name} is not ready:\n{self.output()}"
            time.sleep(POLL)

    def output(self) -> str:
        return self.log.read_text(errors="replace")

    def children(self) -> list[psutil.Process]:
        """Return the processes that it runs, a worker's pool for example."""
        return psutil.Process(self.popen.pid).children(recursive=True)

    def kill(self) -> None:
        """kill -9 the whole group: no handler runs, nothing is tidied up."""
        with suppress(ProcessLookupError):
            os.killpg(self.popen.pid, signal.SIGKILL)
        self.popen.wait()

    def stop(self, *, within: float = 15.0) -> int:
        """Ask to end, and return the exit status."""
        if self.popen.poll() is None:
            self.popen.terminate()
            try:
                self.popen.wait(within)
            except subprocess.TimeoutExpired:
                self.kill()
        self.kill()  # the processes that are left in the group
        return int(self.popen.returncode)


class ProcessGroup:
    """Starts processes of the code in `source` in a test, and ends all of them with it."""

    def __init__(self, folder: Path, source: Path) -> None:
        self.folder, self.source = folder, source
        self.processes: list[Process] = []

    def start(self, name: str, words: list[str], **more: str) -> Process:
        """Start `python <words>`; keywords are environment variables."""
        log = self.folder / f"{name}-{len(self.processes)}.log"
        process = Process(name, words, source=self.source, log=log, env=environment(**more))
        self.processes.append(process)
        return process

    def worker(
        self,
        *words: str,
        queues: str = "publishing",
        concurrency: int = 1,
        beat: bool = False,
        wait: bool = True,
        **more: str,
    ) -> Process:
        """Start a worker for `queues` and wait until it answers a ping. With `beat` it sweeps as well."""
        node = f"w{len(self.processes)}@test-{os.getpid()}"
        command = ["-m", "celery", "-A", "dynamo", "worker", "--hostname", node, "-Q", queues]
        command += ["--concurrency", str(concurrency)]
        if beat:
            command += ["-B", "--schedule", str(self.folder / f"beat-{len(self.processes)}")]
        process = self.start("worker", [*command, "--loglevel", "INFO", *words], **more)
        if wait:
            process.until(lambda: app.control.ping(destination=[node], timeout=2))
        return process

    def media_worker(self, *, concurrency: int = 4, **more: str) -> Process:
        """Start the second worker of an installation, for media and notifications."""
        return self.worker("--pool", "threads", queues="media,notifications", concurrency=concurrency, **more)

    def web(self, **more: str) -> tuple[Process, str]:
        """Start the web; return it and its base URL once it answers."""
        port = free_port()
        process = self.start("web", ["-m", "gunicorn"], **{"DYNAMO_BIND": f"127.0.0.1:{port}", **more})
        url = f"http://127.0.0.1:{port}"
        process.until(lambda: responds(f"{url}/admin/login/"))
        return process, url

    def sandbox(self, folder: Path) -> tuple[Process, str]:
        """Start a sandbox that keeps its journal in `folder`; return it and its base URL once it answers."""
        port = free_port()
        process = self.start("sandbox", ["manage.py", "sandbox", "--port", str(port), "--folder", str(folder)])
        url = f"http://127.0.0.1:{port}"
        process.until(lambda: responds(url))
        return process, url

    def dismiss(self) -> None:
        """End every process, the last started first."""
        for process in reversed(self.processes):
            process.kill() if process.popen.poll() is not None else process.stop()


@contextmanager
def process_group(folder: Path, *, source: Path | None = None) -> Iterator[ProcessGroup]:
    """Yield a ProcessGroup with an empty broker, and end it. It runs the code of this checkout, or that in `source`."""
    empty_broker()
    made = ProcessGroup(folder, source or settings.BASE_DIR)
    try:
        yield made
    finally:
        made.dismiss()
