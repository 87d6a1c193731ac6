"""The processes of a fault run: PostgreSQL, Redis, sandbox, workers, beats, with a temporary folder for all files."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.chaos.media_host import MediaHost
from tests.services.engines import PostgreSQL, Redis
from tests.services.namespaces import THIS_HOST, Host
from tests.services.sandbox import SandboxControl
from tests.services.web_server import WebServer

WAIT = 240.0  # seconds for a process to be ready


class Child:
    """A process in a group of its own, on a host, that can be killed and started again."""

    def __init__(
        self, name: str, words: list[str], environment: dict[str, str], log: Path, host: Host = THIS_HOST
    ) -> None:
        self.name, self.words, self.environment, self.log, self.host = name, words, environment, log, host
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self.log.open("ab") as log, self.host:
            output = {"stdin": subprocess.DEVNULL, "stdout": log, "stderr": log}
            self.process = subprocess.Popen(self.words, env=self.environment, start_new_session=True, **output)

    @property
    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def kill(self) -> None:
        """Send SIGKILL to the whole group."""
        if self.process is not None and self.running:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def stop(self, *, within: float) -> None:
        """Send SIGTERM to the process alone, and SIGKILL to what is left of the group after so many seconds."""
        if self.process is not None and self.running:
            self.process.terminate()
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(within)
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def start_again(self) -> None:
        """Start the process unless it is running."""
        if not self.running:
            self.start()


class Stage:
    """The system under test. Sets the environment of this process as well, so that it can use the domain directly.

    `stepped`: the workers' clocks can be stepped, which makes reading them slower. `database`: the host of PostgreSQL
    and Redis.
    """

    def __init__(
        self,
        *,
        workers: int,
        threads: int,
        settings: dict[str, str],
        stepped: bool = True,
        database: Host = THIS_HOST,
    ) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="dynamo-stage-"))
        self.database, self.web, self.media = database, WebServer(), MediaHost()
        self.postgres, self.redis = PostgreSQL(database.address), Redis(database.address)
        self.workers, self.threads, self.settings, self.stepped = workers, threads, settings, stepped
        self.children: dict[str, Child] = {}

    def __enter__(self) -> Self:
        # SIGTERM ends the processes as Ctrl-C does. A run is the main program of its process.
        signal.signal(signal.SIGTERM, lambda _signal, _frame: sys.exit(143))
        self.step_clock(0)
        with self.database:
            self.postgres.start()
            self.redis.start()
        port_file = self.folder / "sandbox-port"
        self._child("sandbox", sys.executable, "manage.py", "sandbox", "--port", "0", "--port-file", str(port_file))
        self.children["sandbox"].environment = {**os.environ}
        self.children["sandbox"].start()
        until = time.monotonic() + WAIT
        while not port_file.exists() or not port_file.read_text(encoding="ascii").strip():
            if time.monotonic() > until:
                raise RuntimeError("the sandbox did not start")
            time.sleep(0.05)
        self.sandbox = SandboxControl(f"http://127.0.0.1:{port_file.read_text(encoding='ascii').strip()}")
        os.environ |= {
            "DJANGO_SETTINGS_MODULE": "dynamo.settings",
            "DATABASE_URL": self.postgres.url,
            "REDIS_URL": self.redis.url,
            "GRAPH_BASE_URL": self.sandbox.url,
            "DYNAMO_PUBLIC_URL": self.web.url,  # the sandbox fetches our media from this process
            "DYNAMO_VAR": str(self.folder / "var"),
            "DYNAMO_LOG_LEVEL": "WARNING",
            **self.settings,
        }
        celery = (sys.executable, "-m", "celery", "-A", "dynamo")
        pool = ("--pool", "threads", "--concurrency", str(self.threads), "--without-gossip", "--without-heartbeat")
        self._child("media", *celery, "worker", "-n", "media@%h", "-Q", "media,notifications", "-l", "WARNING", *pool)
        for number in range(self.workers):
            name = ("-n", f"w{number}@%h", "-Q", "publishing", "-l", "WARNING")
            self._child(f"worker{number}", *celery, "worker", *name, *pool)
            if self.stepped:  # a machine of its own, as far as time goes
                self.children[f"worker{number}"].environment["DYNAMO_CLOCK_FILE"] = str(self._clock_of(number))
        for number in range(2):
            self._child(f"beat{number}", *celery, "beat", "-s", str(self.folder / f"beat{number}"), "-l", "WARNING")
        return self

    def migrate(self) -> None:
        subprocess.run([sys.executable, "manage.py", "migrate", "-v", "0"], check=True)

    def work(self) -> None:
        """Start the workers and one beat, those of them that do not run."""
        for name in ["beat0", "media", *(f"worker{number}" for number in range(self.workers))]:
            self.children[name].start_again()

    def step_clock(self, seconds: float, *, worker: int | None = None) -> None:
        """Put the workers' clocks `seconds` off, or that of one alone, at the seam where time is read.

        The run itself uses the true time, as a reviewer at another machine would.
        """
        for number in range(self.workers) if worker is None else [worker]:
            part = self.folder / "clock.part"
            part.write_text(str(seconds), encoding="ascii")
            part.replace(self._clock_of(number))

    def _clock_of(self, worker: int) -> Path:
        return self.folder / f"clock{worker}"

    def _child(self, name: str, *words: str) -> None:
        self.children[name] = Child(name, list(words), os.environ.copy(), self.folder / f"{name}.log")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for child in self.children.values():
            child.kill()
        self.web.close()
        self.media.close()
        self.redis.close()
        self.postgres.close()
