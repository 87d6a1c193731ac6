import os
import shutil
import signal
from pathlib import Path
from types import FrameType
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from dynamo.demo import kept
from dynamo.demo.children import ChildFailed
from dynamo.demo.rehearsal import rehearse
from dynamo.demo.stage import Stage, alone

KEPT = ("demo", "demo.json", "sandbox", "log", "broker", "cache", "beat-schedule", "dynamo.sqlite3", "secrets")
WELCOME = """
Dynamo runs. Ctrl-C stops it.

  The desk      {admin}
                reviewer  {reviewer[username]}  password  {reviewer[password]}
                author    {author[username]}  password  {author[password]}
  What is live  {sandbox}
  The API       {api}
                x-api-key {key[id]}
                secret    {key[secret]}

Ask the API something:

  NOW=$(date -u +%Y-%m-%dT%H:%M:%SZ)
  curl -s {api}/scheduled-posts -H x-api-key:{key[id]} -H x-date:$NOW \\
    -H x-signature:$(printf %s $NOW | openssl dgst -sha256 -hmac {key[secret]} | sed 's/.* //')

The README goes on from here. For scripts all of this is in {file}; logs are in {logs}.
"""


def _stop(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


class Command(BaseCommand):
    help = "Run the whole product against a sandbox of the platform: web, worker with beat, sandbox. Ctrl-C stops it."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--port", type=int, default=8000, help="of the web; the sandbox takes the next one")
        parser.add_argument("--reset", action="store_true", help="forget what the demo kept, and do not start")

    def handle(self, *_: Any, **options: Any) -> None:
        with alone():
            if options["reset"]:
                self._forget()
                return
            # SIGINT too: a shell that starts the demo in the background has it ignored from the start.
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                signal.signal(number, _stop)
            kept.ready_file().unlink(missing_ok=True)
            self._run(Stage(options["port"], self._say))

    def _run(self, stage: Stage) -> None:
        stage.check_ports()
        try:
            credentials = stage.raise_curtain()
            rehearse(stage.admin, stage.sandbox, credentials, tend=stage.tend)
            ready = self._ready(stage, credentials)
            self._say(WELCOME.format(**ready, file=kept.ready_file(), logs=stage.folder / "log"))
            stage.watch()
        except ChildFailed as error:
            raise CommandError(str(error)) from None
        except KeyboardInterrupt:
            self._say("\nStopping …")
        finally:
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                signal.signal(number, signal.SIG_IGN)
            stage.lower_curtain()
        self._say("Stopped. What happened is kept; `make demo-reset` forgets it.")

    def _ready(self, stage: Stage, credentials: dict[str, Any]) -> dict[str, Any]:
        ready = {
            "api": f"{stage.web}/v1",
            "admin": stage.admin,
            "sandbox": stage.sandbox,
            "media": f"{stage.sandbox}/media/sunset.jpg",
            **{name: credentials[name] for name in ("key", "author", "reviewer", "channels")},
        }
        kept.write(kept.ready_file(), ready)
        return ready

    def _forget(self) -> None:
        if os.environ.get("DATABASE_URL"):
            self._say("The database that DATABASE_URL names is left as it is.")
        for name in KEPT:
            for path in Path(settings.VAR_DIR).glob(f"{name}*" if "sqlite3" in name or "beat" in name else name):
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        self._say(f"Forgotten: the demo's data in {settings.VAR_DIR}.")

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()
