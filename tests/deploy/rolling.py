"""A rolling deploy while posts fall due: `python -m tests.deploy.rolling --seconds 300`.

The services of deploy/systemd run with their own commands, behind nginx with TLS, on PostgreSQL, Redis and the
sandbox. A post falls due each second: a client drafts it by signed requests and a reviewer approves it in the admin,
both through nginx. Meanwhile deploy/rolling-restart.sh restarts every service, as often as the time allows. Exits with
1 for a failed request, for a post that is more than a second late, lost or published twice, and without a whole round.
"""

import argparse
import configparser
import itertools
import os
import queue
import random
import shlex
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import requests

from tests.benchmarks.report import percentile, percentiles
from tests.chaos.environment import WAIT, Child, Stage
from tests.services.browser import Browser

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
SERVICES = (
    "dynamo-web@1", "dynamo-web@2", "dynamo-worker@1", "dynamo-worker@2", "dynamo-background", "dynamo-beat",
)  # fmt: skip
LEAD = 90.0  # seconds before its time at which a post is drafted
INSPECTION = 3.0  # seconds that the reviewer leaves to the inspection of the media
INTERVAL = 0.2  # seconds between the requests for a post
CLIENTS = REVIEWERS = 6
CHANNELS = 20
LATE = 1.0  # seconds


class Services:
    """The services of deploy/systemd, run without systemd: their commands, SIGTERM, and SIGKILL after TimeoutStopSec.

    The web servers listen on the ports `prefix`1 and `prefix`2, in place of 8001 and 8002.
    """

    def __init__(self, stage: Stage, prefix: str, environment: dict[str, str]) -> None:
        self.stage, self.prefix = stage, prefix
        self.seconds_to_stop: dict[str, float] = {}
        self.restarts: Counter[str] = Counter()
        for name in SERVICES:
            kind, at, instance = name.partition("@")
            unit = configparser.ConfigParser(interpolation=None)
            unit.read_string((ROOT / f"deploy/systemd/{kind}{at}.service").read_text())
            service = {
                option: value.replace("%i", instance).replace("%H", socket.gethostname())
                for option, value in unit["Service"].items()
            }
            command = shlex.split(service["execstart"].replace("\\\n", " "))
            command[0] = command[0].replace("/opt/dynamo/current/venv/bin", str(BIN))
            variable, _, value = service.get("environment", "").partition("=")
            own = {variable: value.replace("127.0.0.1:800", f"127.0.0.1:{prefix}")} if variable else {}
            log = stage.folder / f"{name}.log"
            stage.children[name] = Child(name, command, {**os.environ, **environment, **own}, log)
            self.seconds_to_stop[name] = float(service["timeoutstopsec"])

    def start(self) -> None:
        """Start all of them, and wait until web servers and workers answer."""
        from dynamo.celery import app

        for name in SERVICES:
            self.stage.children[name].start()
        host = socket.gethostname()
        workers = [f"publishing-1@{host}", f"publishing-2@{host}", f"background@{host}"]
        until = time.monotonic() + WAIT
        while not (
            all(_is_healthy(f"http://127.0.0.1:{self.prefix}{number}") for number in (1, 2))
            and len(app.control.ping(destination=workers, timeout=1)) == len(workers)
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
        return requests.get(f"{url}/healthz", timeout=5).status_code == 200
    except requests.RequestException:
        return False


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
        systemctl.write_text(f'#!/bin/sh\nexec {sys.executable} -c "{ask}" {address} "$@"\n')
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


@dataclass
class Answers:
    """Every request that a client sent through nginx: seconds until its answer, and what went wrong."""

    seconds: list[float] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)

    def count(self, response: requests.Response, *_: Any, **__: Any) -> None:
        """Count an answer; a hook of `requests`."""
        self.seconds.append(response.elapsed.total_seconds())
        if response.status_code >= 400:
            self.failed.append(f"{response.request.method} {response.request.path_url}: {response.status_code}")

    def session(self, certificate: str) -> requests.Session:
        session = requests.Session()
        session.verify, session.trust_env = certificate, False
        session.hooks["response"].append(self.count)
        return session


class Client:
    """An API client: drafts posts and submits them for approval, with other requests between."""

    def __init__(self, url: str, session: requests.Session, key: Any, answers: Answers) -> None:
        from tests.helpers import SignedClient

        self.url, self.session, self.answers = f"{url}/v1", session, answers
        self.signature = SignedClient(key).signature

    def send(self, method: str, path: str, **given: Any) -> Any:
        """Return the JSON of the answer; None for a failed request."""
        try:
            answer = self.session.request(
                method, f"{self.url}{path}", headers=self.signature(), timeout=60, allow_redirects=False, **given
            )
        except requests.RequestException as error:
            self.answers.failed.append(f"{method} {path}: {error}")
            return None
        return answer.json() if answer.ok else None

    def draft_each(self, planned_posts: Iterable[Any], crowd: Any, drafted: "queue.Queue[Any]") -> None:
        """Draft each of the posts at its time. `drafted` gets the post of the plan with its id, and None at the end."""
        from tests.helpers import stamp

        for planned in planned_posts:
            _sleep_until(planned.instant - timedelta(seconds=LEAD))
            channel = crowd.channels[planned.channels[0]]
            caption = f"A post #{planned.number} of run {crowd.run}"
            draft = {
                "media": f"{crowd.media_url}/{planned.picture}.jpg",
                "mediaType": "IMAGE",
                "scheduledFor": stamp(planned.instant),
                "channels": {channel.public_id: {"mediumType": channel.type, "caption": caption}},
            }
            if document := self.send("POST", "/scheduled-posts", json=draft):
                post = crowd.posts[planned.number] = document["id"]
                time.sleep(INTERVAL)
                self.send("POST", f"/scheduled-posts/{post}/submit-for-approval")
                drafted.put((planned, post))
                for path in ("/scheduled-posts?limit=10", f"/scheduled-posts/{post}", "/channels"):
                    time.sleep(INTERVAL)
                    self.send("GET", path)
        drafted.put(None)


class Reviewer:
    """A person who approves in the admin what was drafted."""

    def __init__(self, url: str, session: requests.Session, answers: Answers) -> None:
        self.admin, self.answers = f"{url}/admin/", answers
        self.browser = Browser()
        self.browser.session = session
        self.browser.sign_in(self.admin, "reviewer", "reviewer")

    def approve_each(self, drafted: "queue.Queue[Any]") -> None:
        while found := drafted.get():
            planned, post = found
            _sleep_until(planned.instant - timedelta(seconds=LEAD - INSPECTION))
            try:
                self.browser.approve(f"{self.admin}scheduling/scheduledpost/{post}/review/", within=LEAD)
            except requests.HTTPError:
                pass  # counted by the hook
            except (requests.RequestException, LookupError) as error:
                self.answers.failed.append(f"approve {post}: {error}")


def _sleep_until(instant: datetime) -> None:
    from accounts import clock

    time.sleep(max(0.0, (instant - clock.now()).total_seconds()))


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
    from accounts.domain import actors, api_keys
    from scheduling.models import ScheduledPost
    from tests.chaos.load_generator import Crowd
    from tests.chaos.report import broken, judge, table
    from tests.chaos.scenarios import MEDIA, Plan, Planned
    from tests.deploy.services import Nginx
    from tests.services.processes import eventually

    stage.sandbox.settings(quota_total=1_000_000, containers_per_day=1_000_000, latency_ms=100)
    plan, answers = Plan(0, clock.now(), seconds, ["rolling"]), Answers()
    crowd = Crowd(plan, stage.sandbox, f"{stage.sandbox.url}/media")
    crowd.settle_in(CHANNELS)
    key, secret = api_keys.create_api_key(
        actors.user_actor(crowd.key.issued_by), organization=crowd.organization, name="rolling"
    )
    key.secret = secret  # type: ignore[attr-defined]
    prefix = str(random.randrange(2000, 3000))
    with Nginx((int(f"{prefix}1"), int(f"{prefix}2"))) as nginx:
        environment = {"DYNAMO_CSRF_TRUSTED_ORIGINS": nginx.url, "DYNAMO_ADMIN_URL": nginx.url}
        services = Services(stage, prefix, environment)
        services.start()
        restart = RollingRestart(services, nginx.drain)

        start = clock.now() + timedelta(seconds=LEAD + 5)  # the reviewers sign in first
        plan.posts = [
            Planned(number, "rolling", start + timedelta(seconds=number), (number % CHANNELS,), picture, None)
            for number, picture in zip(range(seconds), itertools.cycle(MEDIA), strict=False)
        ]
        certificate = str(nginx.certificate)
        drafted: queue.Queue[Any] = queue.Queue()
        threads = []
        for number in range(CLIENTS):
            client = Client(nginx.url, answers.session(certificate), key, answers)
            threads.append(
                threading.Thread(target=client.draft_each, args=(plan.posts[number::CLIENTS], crowd, drafted))
            )
        for _ in range(REVIEWERS):
            reviewer = Reviewer(nginx.url, answers.session(certificate), answers)
            threads.append(threading.Thread(target=reviewer.approve_each, args=(drafted,), daemon=True))
        for thread in threads:
            thread.start()
        _sleep_until(start)
        end = start + timedelta(seconds=seconds)
        rounds: list[float] = []
        while not rounds or clock.now() + timedelta(seconds=max(rounds)) < end:
            rounds.append(restart.run())
        longer = clock.now() > end
        _sleep_until(end)
        for thread in threads:
            thread.join()
        unsettled = ScheduledPost.objects.filter(status__in=["SCHEDULED", "PUBLISHING"])
        eventually(lambda: not unsettled.exists(), within=60, what="every post is settled")
        record = stage.sandbox.posts
        rows = judge(plan, run=crowd.run, posts=crowd.posts, reverted=set(), record=record)

    restarts = ", ".join(f"{name.removeprefix('dynamo-')} {services.restarts[name]}" for name in SERVICES)
    print(f"restarts: {restarts}; rounds of {', '.join(f'{seconds:.0f}' for seconds in rounds)} s")
    wrong = [f"the restarts took {percentile(rounds, 1):.0f} s, longer than posts fell due"] if longer else []
    print(table(rows))
    return wrong + _report(answers, _lateness(plan, record), seconds, rows[0]) + broken(rows)


def _report(answers: Answers, lateness: list[float], posts: int, row: Any) -> list[str]:
    """Print the figures, and return a line for each promise that did not hold."""
    late = sum(delay > LATE for delay in lateness)
    print(f"requests: {len(answers.seconds)}, failed: {len(answers.failed)}; {percentiles(answers.seconds)}")
    print(f"posts due: {posts}, published once: {row.counts['once']}, twice: {row.counts['twice']}")
    print(f"late by more than {LATE:.0f} s: {late}; {percentiles(lateness)}")
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    wrong = [*answers.failed[:10], *row.notes[:10]]
    if row.counts["once"] != posts:
        wrong.append(f"{posts - row.counts['once']} of {posts} posts were not published once")
    if late:
        wrong.append(f"{late} posts were late by more than {LATE:.0f} s, the last one by {max(lateness):.2f} s")
    return wrong


def _lateness(plan: Any, record: list[dict[str, Any]]) -> list[float]:
    """Return for each visible post the seconds from its scheduled time to the arrival of its commit."""
    from tests.chaos.report import MARK

    found = []
    for item in record:
        if mark := MARK.search(item["message"]):
            received = datetime.fromisoformat(item["created_by"]["received_at"])
            found.append((received - plan.posts[int(mark.group(1))].instant).total_seconds())
    return found


if __name__ == "__main__":
    os.environ.setdefault("PYTHONUNBUFFERED", "1")
    sys.exit(main())
