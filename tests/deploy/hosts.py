"""Two web hosts and two workers' hosts, some of which fail: `python -m tests.deploy.hosts --seconds 120`. Needs root.

Each host is a network namespace: one has PostgreSQL and Redis, two have a web server, two have a publishing worker, a
background worker and a beat. nginx with TLS, the clients and the sandbox are in a namespace of their own, from which
no route leads outside. The files are in one folder, as a shared file system is.

A post falls due each second, as in a rolling deploy. Meanwhile the link of a web host is down for CUT seconds, then
that of a workers' host, which still reaches the sandbox but neither PostgreSQL nor Redis; at last `kill -9` ends
everything on the other workers' host, which stays down. A client repeats a request that fails, with its
Idempotency-Key.

Exits with 1 for a post that is lost, published twice or later than LATEST, and for a request that fails also when it is
repeated. What fails at first is reported.
"""

import argparse
import os
import secrets
import shutil
import sys
from pathlib import Path

from tests.chaos.environment import Stage
from tests.deploy.units import Service, Services
from tests.services.namespaces import NamespaceHost, Relay, create_hosts

NAMES = ("database", "web-1", "web-2", "workers-1", "workers-2")
UNITS = {
    "web-1": ["dynamo-web@1"],
    "web-2": ["dynamo-web@2"],
    "workers-1": ["dynamo-worker@1", "dynamo-background", "dynamo-beat"],
    "workers-2": ["dynamo-worker@2", "dynamo-background", "dynamo-beat"],
}
CUT = 20  # seconds
# Parts of the time at which each phase begins. A phase lasts until the next one, with the work that was left.
PHASES = {
    "no fault": 0.0,
    "web host cut off": 0.1,
    "workers' host cut off": 0.4,
    "workers' host killed": 0.75,
}
LEAST = 3 * CUT  # seconds, so that a host is connected again before the next one fails
LATEST = 60.0  # seconds: a lease, the time until it is noticed, and the look-up at the platform
TRIES = 5


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.deploy.hosts")
    parser.add_argument("--seconds", type=int, default=120, help=f"for which a post falls due each second, >= {LEAST}")
    parser.add_argument("--keep", action="store_true", help="keep the logs")
    options = parser.parse_args()
    if os.geteuid() != 0 or shutil.which("ip") is None or options.seconds < LEAST:
        parser.error(f"needs root, `ip` (apt-get install iproute2) and at least {LEAST} seconds")
    hosts = dict(zip(NAMES, create_hosts(NAMES), strict=True))
    settings = {
        "DYNAMO_BEHIND_PROXY": "1",
        # Hosts have no folder in common but that of the files, so the keys are not those of a folder.
        **{
            f"DYNAMO_{name}": secrets.token_urlsafe(50)
            for name in ("SECRET_KEY", "ENCRYPTION_KEYS", "AUDIT_KEYS")
        },
    }  # fmt: skip
    with Stage(workers=0, threads=0, settings=settings, stepped=False, database=hosts["database"]) as stage:
        stage.migrate()
        wrong = _run(stage, hosts, options.seconds)
    for line in wrong:
        print(f"BROKEN {line}")
    if wrong or options.keep:
        print(f"logs: {stage.folder}")
    else:
        shutil.rmtree(stage.folder)
    return 1 if wrong else 0


def _run(stage: Stage, hosts: dict[str, NamespaceHost], seconds: int) -> list[str]:
    import django

    django.setup()
    from tests.deploy.services import Nginx
    from tests.deploy.traffic import Traffic

    begin = {phase: part * seconds for phase, part in PHASES.items()}
    traffic = Traffic(stage, begin, seconds, tries=TRIES)
    port = int(stage.sandbox.url.rpartition(":")[2])
    relays = [Relay(hosts[name], port) for name in UNITS]  # the platform and its media, at the address that it has here
    webs = [f"{hosts[f'web-{number}'].address}:800{number}" for number in (1, 2)]
    with Nginx(webs) as nginx:
        environment = {"DYNAMO_CSRF_TRUSTED_ORIGINS": nginx.url, "DYNAMO_ADMIN_URL": nginx.url}
        placed = [
            Service(unit, hosts[name], {"DYNAMO_VAR": _create_folder(stage.folder, name)})
            for name, units in UNITS.items()
            for unit in units
        ]
        Services(stage, placed, "800", environment).start()
        traffic.begin(nginx)
        for phase, host in (("web host cut off", hosts["web-1"]), ("workers' host cut off", hosts["workers-1"])):
            traffic.sleep_until_second(begin[phase])
            host.cut_off()
            traffic.sleep_until_second(begin[phase] + CUT)
            host.connect()
        traffic.sleep_until_second(begin["workers' host killed"])
        for unit in UNITS["workers-2"]:
            stage.children[f"{unit}.workers-2"].kill()
        traffic.finish()
    for relay in relays:
        relay.close()
    faults = ", ".join(f"{phase} at {second:.0f} s" for phase, second in begin.items())
    print(f"{faults}; links were down for {CUT} s")
    return traffic.report(LATEST)


def _create_folder(folder: Path, host: str) -> str:
    """Create DYNAMO_VAR of a host, in which `files` leads to the folder of all, and return its path."""
    var, shared = folder / host, folder / "var" / "files"
    shared.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not var.exists():
        var.mkdir(mode=0o700)
        (var / "files").symlink_to(shared)
    return str(var)


if __name__ == "__main__":
    os.environ.setdefault("PYTHONUNBUFFERED", "1")
    sys.exit(main())
