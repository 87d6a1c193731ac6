"""A rolling deploy while posts fall due: `python -m tests.deploy.rolling --seconds 300`.

The services of deploy/systemd run with their own commands, behind nginx with TLS, on PostgreSQL, Redis and the
sandbox. A post falls due each second: a client drafts it by signed requests and a reviewer approves it in the admin,
both through nginx. Meanwhile deploy/rolling-restart.sh restarts every service, as often as the time allows. Exits with
1 for a failed request, for a post that is more than a second late, lost or published twice, and without a whole round.
"""

import argparse
import os
import random
import shutil
import subprocess
import sys
import threading
import time
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tests.benchmarks.report import percentile
from tests.chaos.environment import Stage
from tests.deploy.units import BIN, ROOT, Service, Services

UNITS = (
    "dynamo-web@1", "dynamo-web@2", "dynamo-worker@1", "dynamo-worker@2", "dynamo-background", "dynamo-beat",
)  # fmt: skip


class RollingRestart:
    """deploy/rolling-restart.sh; only paths and ports differ, and `systemctl` on its PATH is ours."""

    def __init__(self, services: Services, drain: Path) -> None:
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                services.restart(self.path.removeprefix("/"))
                self.send_response(204)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the overridden signature
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        folder = services.stage.folder / "deploy"
        folder.mkdir()
        self.environment = {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}"}
        self.log, self.script, systemctl = folder / "log", folder / "rolling-restart.sh", folder / "systemctl"
        ask = "import sys, urllib.request as r; r.urlopen(sys.argv[1] + sys.argv[3], data=b'', timeout=120)"
        address = f"http://127.0.0.1:{self.server.server_port}/"
        listed = f"printf '%s.service loaded active running\\n' {' '.join(UNITS)} | grep \"^${{4%@*}}@\"; exit"
        systemctl.write_text(
            f'#!/bin/sh\n[ $1 = list-units ] && {{ {listed}; }}\nexec {sys.executable} -c "{ask}" {address} "$@"\n'
        )
        replaced = {
            "/run/dynamo": str(drain),
            "/opt/dynamo/current/venv": str(BIN.parent),
            "exec venv": f"exec {BIN.parent}",
            "/opt/dynamo/current": str(ROOT),
            "/etc/dynamo/dynamo.env": "/dev/null",  # the settings are in the environment
            "runuser -u dynamo -- ": "",
            "127.0.0.1:800": f"127.0.0.1:{services.prefix}",
        }
        text = (ROOT / "deploy/rolling-restart.sh").read_text()
        for old, new in replaced.items():
            assert old in text, f"deploy/rolling-restart.sh has no {old!r}"
            text = text.replace(old, new)
        self.script.write_text(text)
        for file in (self.script, systemctl):
            file.chmod(0o700)

    def run(self) -> float:
        """Run the script and return the seconds that it took. Raises CalledProcessError."""
        began = time.monotonic()
        with self.log.open("ab") as log:
            subprocess.run([self.script, "systemd"], env=self.environment, stdout=log, stderr=log, check=True)
        return time.monotonic() - began


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.deploy.rolling")
    parser.add_argument("--seconds", type=int, default=300, help="for which a post falls due each second")
    parser.add_argument("--keep", action="store_true", help="keep the logs")
    options = parser.parse_args()
    # DYNAMO_WEB_NICE and all other settings have their defaults; two web servers of two processes each.
    with Stage(workers=0, threads=0, settings={"DYNAMO_BEHIND_PROXY": "1"}, stepped=False) as stage:
        stage.migrate()
        wrong = _run(stage, options.seconds)
    for line in wrong:
        print(f"BROKEN {line}")
    if wrong or options.keep:
        print(f"logs: {stage.folder}")
    else:
        shutil.rmtree(stage.folder)
    return 1 if wrong else 0


def _run(stage: Stage, seconds: int) -> list[str]:
    import django

    django.setup()
    from accounts import clock
    from tests.deploy.services import Nginx
    from tests.deploy.traffic import Traffic

    traffic = Traffic(stage, {"rolling": 0}, seconds)
    prefix = str(random.randrange(2000, 3000))
    with Nginx([f"127.0.0.1:{prefix}{number}" for number in (1, 2)]) as nginx:
        environment = {"DYNAMO_CSRF_TRUSTED_ORIGINS": nginx.url, "DYNAMO_ADMIN_URL": nginx.url}
        services = Services(stage, [Service(unit) for unit in UNITS], prefix, environment)
        services.start()
        restart = RollingRestart(services, nginx.drain)
        traffic.begin(nginx)
        rounds: list[float] = []
        while not rounds or clock.now() + timedelta(seconds=max(rounds)) < traffic.end:
            rounds.append(restart.run())
        longer = clock.now() > traffic.end
        traffic.finish()

    restarts = ", ".join(f"{unit.removeprefix('dynamo-')} {services.restarts[unit]}" for unit in UNITS)
    print(f"restarts: {restarts}; rounds of {', '.join(f'{seconds:.0f}' for seconds in rounds)} s")
    wrong = [f"the restarts took {percentile(rounds, 1):.0f} s, longer than posts fell due"] if longer else []
    return wrong + traffic.report()


if __name__ == "__main__":
    os.environ.setdefault("PYTHONUNBUFFERED", "1")
    sys.exit(main())
