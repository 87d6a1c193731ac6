import fcntl
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from dynamo.celery import app
from dynamo.demo.seed import credentials_file, load_credentials, write_json
from dynamo.demo.supervisor import Supervisor, port_is_free, responds
from dynamo.env import generated_secret

APP_ID = "100000000000001"  # of the app by which the sandbox names posts of the API
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
FILES = (
    "demo", "demo.json", "sandbox", "log", "broker", "cache", "beat-schedule*", "dynamo.sqlite3*", "secrets",
)  # fmt: skip
WELCOME = """
Dynamo runs. Ctrl-C stops it.

  Admin         {admin}
                author         {author[username]}  password  {author[password]}
                reviewer       {reviewer[username]}  password  {reviewer[password]}
                administrator  {administrator[username]}  password  {administrator[password]}
  Published     {sandbox}
  API           {api}
                x-api-key {key[id]}
                secret    {key[secret]}

Send a request to the API:

  NOW=$(date -u +%Y-%m-%dT%H:%M:%SZ)
  curl -s {api}/scheduled-posts -H x-api-key:{key[id]} -H x-date:$NOW \\
    -H x-signature:$(printf %s $NOW | openssl dgst -sha256 -hmac {key[secret]} | sed 's/.* //')

The README continues from here. Scripts find all of this in {file}; logs are in {logs}.
"""


class Command(BaseCommand):
    help = "Run Dynamo with a sandbox of the platform: the processes of the Procfile. Ctrl-C stops them."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--port", type=int, default=8000, help="web server port; the sandbox uses the next one")
        parser.add_argument("--reset", action="store_true", help="delete the demo's data and exit")

    def handle(self, *_: Any, port: int, reset: bool, **__: Any) -> None:
        path = credentials_file().with_name("lock")
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with path.open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise CommandError(f"A demo already runs in {settings.VAR_DIR}.") from None
            if reset:
                self._delete_data()
            else:
                self._run(port)

    def _run(self, port: int) -> None:
        for used in (port, port + 1):
            if not port_is_free(used):
                raise CommandError(f"Port {used} is in use. Choose another: make demo PORT={port + 100}")
        folder = Path(settings.VAR_DIR).resolve()
        state_file = folder / "demo.json"  # for scripts: it exists only while the demo is ready
        web, sandbox = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{port + 1}"
        environment = {
            **os.environ,
            "DYNAMO_VAR": str(folder),
            "DYNAMO_PRODUCTION": "0",
            "DYNAMO_BIND": f"127.0.0.1:{port}",
            "GRAPH_BASE_URL": sandbox,
            "GRAPH_DIALOG_URL": sandbox,
            "GRAPH_APP_ID": APP_ID,
            "GRAPH_APP_SECRET": generated_secret("GRAPH_APP_SECRET", folder),
            "GRAPH_LOGIN_CONFIG_ID": "",
            "GRAPH_WEBHOOK_VERIFY_TOKEN": generated_secret("GRAPH_WEBHOOK_VERIFY_TOKEN", folder),
            "SANDBOX_PORT": str(port + 1),
            "PYTHONUNBUFFERED": "1",
        }
        supervisor = Supervisor(settings.BASE_DIR / "Procfile", environment, folder / "log")
        for number in SIGNALS:  # SIGINT too: a shell that starts the demo in the background has it ignored
            signal.signal(number, signal.default_int_handler)
        state_file.unlink(missing_ok=True)
        try:
            self._start(supervisor, web, sandbox)
            state = {"api": f"{web}/v1", "admin": f"{web}/admin/", "sandbox": sandbox} | load_credentials()
            state["media"] = f"{sandbox}/media/sunset.jpg"
            write_json(state_file, state)
            self._print(WELCOME.format(**state, file=state_file, logs=folder / "log"))
            while True:
                for message in supervisor.restart_ended():
                    self._print(message)
                time.sleep(0.3)
        except KeyboardInterrupt:
            self._print("\nStopping …")
        finally:
            for number in SIGNALS:
                signal.signal(number, signal.SIG_IGN)
            state_file.unlink(missing_ok=True)
            supervisor.stop()
        self._print("Stopped. The data is kept; `make demo-reset` deletes it.")

    def _start(self, supervisor: Supervisor, web: str, sandbox: str) -> None:
        """Start all processes, seed the database, and return when all processes are ready."""
        self._print("Preparing the database, and a sandbox of the platform …")
        workers = [name for name in supervisor.commands if name.endswith("worker")]
        for name in supervisor.commands.keys() - workers:
            supervisor.start(name)
        _manage(supervisor, "migrate", "--verbosity", "0")
        self._print("Starting the web and the worker …")
        for name in workers:
            supervisor.start(name)
        supervisor.wait_until("sandbox", lambda: responds(sandbox))
        _manage(supervisor, "seed_demo", "--approve")
        supervisor.wait_until("web", lambda: responds(f"{web}/admin/"))
        _configure_webhook(supervisor, web, sandbox)
        for name in workers:
            supervisor.wait_until(name, partial(_worker_responds, f"{name}@{socket.gethostname()}"))

    def _delete_data(self) -> None:
        if os.environ.get("DATABASE_URL"):
            self._print("The database of DATABASE_URL is not changed.")
        for pattern in FILES:
            for path in Path(settings.VAR_DIR).glob(pattern):
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        self._print(f"Deleted the demo's data in {settings.VAR_DIR}.")

    def _print(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()


def _configure_webhook(supervisor: Supervisor, web: str, sandbox: str) -> None:
    """Name the web server as the receiver of the sandbox's webhooks, which it verifies; they are not essential."""
    token = supervisor.environment["GRAPH_WEBHOOK_VERIFY_TOKEN"]
    body = json.dumps({"url": f"{web}/meta/webhook", "verify_token": token}).encode()
    with suppress(OSError):
        urllib.request.urlopen(f"{sandbox}/__webhook", body, timeout=15).close()  # noqa: S310  loopback


def _manage(supervisor: Supervisor, *arguments: str) -> None:
    """Run a management command in the demo's environment. Raises CommandError when it fails."""
    command = [sys.executable, str(settings.BASE_DIR / "manage.py"), *arguments]
    done = subprocess.run(  # noqa: S603  our own commands
        command, env=supervisor.environment, capture_output=True, text=True, check=False, process_group=0
    )
    if done.returncode:
        raise CommandError(f"manage.py {' '.join(arguments)} failed:\n{done.stdout}{done.stderr}")


def _worker_responds(node: str) -> bool:
    """Whether this Celery node takes messages from the broker."""
    try:
        return bool(app.control.ping(destination=[node], timeout=1))
    except OSError:
        return False
