"""The services of deploy/systemd on one or several hosts, run without systemd."""

import configparser
import os
import shlex
import sys
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import requests

from tests.chaos.environment import WAIT, Child, Stage
from tests.services.namespaces import THIS_HOST, Host

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent


class Service(NamedTuple):
    """A unit of deploy/systemd on a host. `environment`: variables of that host alone."""

    unit: str
    host: Host = THIS_HOST
    environment: dict[str, str] = {}

    @property
    def name(self) -> str:
        """The unit's name, with that of the host when it is another than this one."""
        return self.unit if self.host is THIS_HOST else f"{self.unit}.{self.host.name}"


class Services:
    """Runs the services with their commands, SIGTERM, and SIGKILL after TimeoutStopSec.

    The web servers listen on the ports `prefix`1 and `prefix`2 of their host's address, in place of 8001 and 8002 of
    loopback.
    """

    def __init__(self, stage: Stage, services: Iterable[Service], prefix: str, environment: dict[str, str]) -> None:
        self.stage, self.prefix = stage, prefix
        self.seconds_to_stop: dict[str, float] = {}
        self.restarts: Counter[str] = Counter()
        self.urls: list[str] = []
        self.workers: list[str] = []
        for service in services:
            self._create(service, environment)

    def _create(self, service: Service, environment: dict[str, str]) -> None:
        kind, at, instance = service.unit.partition("@")
        unit = configparser.ConfigParser(interpolation=None)
        unit.read_string((ROOT / f"deploy/systemd/{kind}{at}.service").read_text())
        options = {
            option: value.replace("%i", instance).replace("%H", service.host.name)
            for option, value in unit["Service"].items()
        }
        command = shlex.split(options["execstart"].replace("\\\n", " "))
        command[0] = command[0].replace("/opt/dynamo/current/venv/bin", str(BIN))
        own = dict(service.environment)
        if variable := options.get("environment", ""):
            name, _, value = variable.partition("=")
            own[name] = value.replace("127.0.0.1:800", f"{service.host.address}:{self.prefix}")
        if "DYNAMO_BIND" in own:
            self.urls.append(f"http://{own['DYNAMO_BIND']}")
        if "-n" in command:
            self.workers.append(command[command.index("-n") + 1])
        log = self.stage.folder / f"{service.name}.log"
        child = Child(service.name, command, {**os.environ, **environment, **own}, log, service.host)
        self.stage.children[service.name] = child
        self.seconds_to_stop[service.name] = float(options["timeoutstopsec"])

    def start(self) -> None:
        """Start all of them, and wait until web servers and workers answer."""
        from dynamo.celery import app

        for name in self.seconds_to_stop:
            self.stage.children[name].start()
        until = time.monotonic() + WAIT
        while not (
            all(_is_healthy(url) for url in self.urls)
            and len(app.control.ping(destination=self.workers, timeout=1)) == len(self.workers)
        ):
            if time.monotonic() > until:
                raise RuntimeError(f"the services did not start; logs: {self.stage.folder}")
            time.sleep(0.2)

    def restart(self, name: str) -> None:
        """Do what `systemctl restart` does."""
        child = self.stage.children[name]
        child.stop(within=self.seconds_to_stop[name])
        child.start()
        self.restarts[name] += 1


def _is_healthy(url: str) -> bool:
    try:
        return requests.get(f"{url}/healthz", headers={"Host": "localhost"}, timeout=5).status_code == 200
    except requests.RequestException:
        return False
