"""The demo, from the first child to the last: what runs, in which order it comes up, and how it goes down."""

import contextlib
import fcntl
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError

from dynamo.demo import kept, looking
from dynamo.demo.children import Child

NODE = f"demo@{socket.gethostname()}"


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """Hold the demo's folder: two demos on one database would fight over ports and passwords."""
    path = Path(settings.VAR_DIR) / "demo" / "lock"
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with path.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise CommandError(f"A demo already runs in {settings.VAR_DIR}.") from None
        yield


class Stage:
    """The demo on `port`, with its sandbox on the port after it, so that addresses in the database stay good."""

    def __init__(self, port: int, say: Callable[[str], None]) -> None:
        self.port, self.say = port, say
        self.web, self.sandbox = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{port + 1}"
        self.admin = f"{self.web}/admin/"
        self.folder = Path(settings.VAR_DIR).resolve()
        self.children: list[Child] = []
        self.environment = {
            **os.environ,
            "DYNAMO_VAR": str(self.folder),
            "DYNAMO_PRODUCTION": "0",
            "DYNAMO_BIND": f"127.0.0.1:{port}",
            "GRAPH_BASE_URL": self.sandbox,
            "PYTHONUNBUFFERED": "1",
        }

    def check_ports(self) -> None:
        """Raise CommandError when somebody else listens where we want to."""
        for port in (self.port, self.port + 1):
            if not looking.port_is_free(port):
                raise CommandError(f"Port {port} is in use. Choose another: make demo PORT={self.port + 100}")

    def manage(self, *words: str) -> None:
        """Run a management command to its end, with the demo's environment. Raises CommandError when it fails."""
        command = [sys.executable, str(settings.BASE_DIR / "manage.py"), *words]
        done = subprocess.run(  # noqa: S603  our own commands
            command, env=self.environment, capture_output=True, text=True, check=False, process_group=0
        )
        if done.returncode:
            raise CommandError(f"manage.py {' '.join(words)} failed:\n{done.stdout}{done.stderr}")

    def raise_curtain(self) -> dict[str, Any]:
        """Bring everything up, in order; return what was kept. Raises CommandError or ChildFailed."""
        python, manage = sys.executable, str(settings.BASE_DIR / "manage.py")
        self.say("Preparing the database, and a sandbox of the platform …")
        sandbox = [python, manage, "sandbox", "--port", str(self.port + 1), "--folder", str(self.folder / "sandbox")]
        platform = self.start("sandbox", sandbox, lambda: looking.answers(self.sandbox))
        self.manage("migrate", "--verbosity", "0")
        self.say("Starting the web and the worker …")
        celery = [python, "-m", "celery", "-A", "dynamo", "worker", "-B", "--hostname", NODE]
        celery += ["--pool", "threads", "--concurrency", "8"]  # publishing waits for the platform, not for a core
        celery += ["--without-gossip", "--without-heartbeat"]  # nobody listens: a worker's sign of life is a row
        self.start("worker", [*celery, "--loglevel", "INFO"], lambda: looking.worker_answers(NODE))
        self.start("web", [python, "-m", "gunicorn"], lambda: looking.answers(self.admin))
        platform.wait_until_ready()
        self.manage("demo_seed")
        for child in self.children:
            child.wait_until_ready()
        return kept.load()

    def start(self, name: str, command: list[str], ready: Callable[[], bool]) -> Child:
        """Start a child; its log is log/<name>.log in the demo's folder."""
        log = self.folder / "log" / f"{name}.log"
        child = Child(name, command, environment=self.environment, log=log, ready=ready)
        self.children.append(child)
        child.start()
        return child

    def tend(self) -> None:
        """Start children again that have died."""
        for child in self.children:
            if line := child.revive():
                self.say(line)

    def watch(self) -> None:
        """Tend to the children, for ever."""
        while True:
            self.tend()
            time.sleep(0.3)

    def lower_curtain(self) -> None:
        """Stop everything, the sandbox last, so that a publish in flight can finish. Leaves no process."""
        kept.ready_file().unlink(missing_ok=True)
        sandbox, others = self.children[:1], self.children[1:]
        for together in (others, sandbox):
            for child in together:
                child.ask_to_stop()
            for child in together:
                child.stop()
