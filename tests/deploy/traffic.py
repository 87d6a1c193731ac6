"""A post that falls due each second: clients draft them by signed requests, reviewers approve them in the admin.

Both go through nginx. Import it after `django.setup()`.
"""

import itertools
import os
import queue
import threading
import time
import uuid
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import requests

from accounts import clock
from accounts.domain import actors, api_keys
from scheduling.models import ScheduledPost
from tests.benchmarks.report import percentiles
from tests.chaos.environment import Stage
from tests.chaos.load_generator import Crowd
from tests.chaos.report import MARK, broken, judge, table
from tests.chaos.scenarios import MEDIA, Plan, Planned
from tests.deploy.services import Nginx
from tests.helpers import SignedClient, stamp
from tests.services.browser import Browser
from tests.services.processes import eventually

LEAD = 90.0  # seconds before its time at which a post is drafted
INSPECTION = 3.0  # seconds that the reviewer leaves to the inspection of the media
INTERVAL = 0.2  # seconds between the requests for a post
BETWEEN_TRIES = 1.0  # seconds
CLIENTS = REVIEWERS = 6
CHANNELS = 20
LATE = 1.0  # seconds


@dataclass
class Answers:
    """Every request that was sent through nginx: seconds until its answer, and what went wrong.

    `given_up`: what failed at the last try as well.
    """

    seconds: list[float] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    given_up: list[str] = field(default_factory=list)

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
    """An API client: drafts posts and submits them for approval, with other requests between.

    A request that fails is sent again, `tries` times in all, with the same Idempotency-Key.
    """

    def __init__(self, url: str, session: requests.Session, key: Any, answers: Answers, tries: int) -> None:
        self.url, self.session, self.answers, self.tries = f"{url}/v1", session, answers, tries
        self.signature = SignedClient(key).signature

    def send(self, method: str, path: str, **given: Any) -> Any:
        """Return the JSON of the answer; None for a request that failed at each try."""
        repeatable = {"Idempotency-Key": str(uuid.uuid4())} if method == "POST" else {}
        for number in range(self.tries):
            time.sleep(BETWEEN_TRIES if number else 0)
            headers = {**self.signature(), **repeatable}
            try:
                answer = self.session.request(
                    method, f"{self.url}{path}", headers=headers, timeout=60, allow_redirects=False, **given
                )
            except requests.RequestException as error:
                problem = str(error)
                self.answers.failed.append(f"{method} {path}: {problem}")
            else:
                if answer.ok:
                    return answer.json()
                problem = f"{answer.status_code} {answer.text[:200]}"
        self.answers.given_up.append(f"{method} {path}: {problem}")
        return None

    def draft_each(self, planned_posts: Iterable[Planned], crowd: Crowd, drafted: "queue.Queue[Any]") -> None:
        """Draft each of the posts at its time. `drafted` gets the post of the plan with its id, and None at the end."""
        for planned in planned_posts:
            sleep_until(planned.instant - timedelta(seconds=LEAD))
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

    def __init__(self, url: str, session: requests.Session, answers: Answers, tries: int) -> None:
        self.admin, self.answers, self.tries = f"{url}/admin/", answers, tries
        self.browser = Browser()
        self.browser.session = session
        self.browser.sign_in(self.admin, "reviewer", "reviewer")

    def approve_each(self, drafted: "queue.Queue[Any]") -> None:
        while found := drafted.get():
            planned, post = found
            sleep_until(planned.instant - timedelta(seconds=LEAD - INSPECTION))
            self._approve(post)

    def _approve(self, post: str) -> None:
        for number in range(self.tries):
            time.sleep(BETWEEN_TRIES if number else 0)
            try:
                self.browser.approve(f"{self.admin}scheduling/scheduledpost/{post}/review/", within=LEAD)
            except requests.HTTPError:
                pass  # counted by the hook
            except requests.RequestException as error:
                self.answers.failed.append(f"approve {post}: {error}")
            except LookupError as error:
                if number:
                    return  # the former try approved it, although its answer was lost; the platform's record decides
                self.answers.failed.append(f"approve {post}: {error}")
            else:
                return
        self.answers.given_up.append(f"approve {post}")


class Traffic:
    """The clients, the reviewers and their posts. `phases`: names with the second at which each begins."""

    def __init__(self, stage: Stage, phases: dict[str, float], seconds: int, *, tries: int = 1) -> None:
        self.stage, self.phases, self.seconds, self.tries = stage, phases, seconds, tries
        stage.sandbox.settings(quota_total=1_000_000, containers_per_day=1_000_000, latency_ms=100)
        self.plan, self.answers = Plan(0, clock.now(), seconds, list(phases)), Answers()
        self.crowd = Crowd(self.plan, stage.sandbox, f"{stage.sandbox.url}/media")
        self.crowd.settle_in(CHANNELS)
        self.key, secret = api_keys.create_api_key(
            actors.user_actor(self.crowd.key.issued_by), organization=self.crowd.organization, name="traffic"
        )
        self.key.secret = secret  # type: ignore[attr-defined]
        self.threads: list[threading.Thread] = []

    def begin(self, nginx: Nginx) -> None:
        """Draft and approve from now on, and return when the first post falls due."""
        self.start = clock.now() + timedelta(seconds=LEAD + 5)  # the reviewers sign in first
        self.end = self.start + timedelta(seconds=self.seconds)
        for number, picture in zip(range(self.seconds), itertools.cycle(MEDIA), strict=False):
            phase = [name for name, begin in self.phases.items() if begin <= number][-1]
            instant = self.start + timedelta(seconds=number)
            self.plan.posts.append(Planned(number, phase, instant, (number % CHANNELS,), picture, None))
        certificate = str(nginx.certificate)
        drafted: queue.Queue[Any] = queue.Queue()
        for number in range(CLIENTS):
            client = Client(nginx.url, self.answers.session(certificate), self.key, self.answers, self.tries)
            planned = self.plan.posts[number::CLIENTS]
            self.threads.append(threading.Thread(target=client.draft_each, args=(planned, self.crowd, drafted)))
        for _ in range(REVIEWERS):
            reviewer = Reviewer(nginx.url, self.answers.session(certificate), self.answers, self.tries)
            self.threads.append(threading.Thread(target=reviewer.approve_each, args=(drafted,), daemon=True))
        for thread in self.threads:
            thread.start()
        sleep_until(self.start)

    def sleep_until_second(self, second: float) -> None:
        sleep_until(self.start + timedelta(seconds=second))

    def finish(self) -> None:
        """Return when the last post is settled, and compare with what became visible."""
        sleep_until(self.end)
        for thread in self.threads:
            thread.join()
        unsettled = ScheduledPost.objects.filter(status__in=["SCHEDULED", "PUBLISHING"])
        eventually(lambda: not unsettled.exists(), within=120, what="every post is settled")
        self.record = self.stage.sandbox.posts
        self.rows = judge(self.plan, run=self.crowd.run, posts=self.crowd.posts, reverted=set(), record=self.record)

    def lateness(self) -> dict[str, list[float]]:
        """Return by phase, for each visible post, the seconds from its time to the arrival of its commit."""
        found: dict[str, list[float]] = defaultdict(list)
        for item in self.record:
            if mark := MARK.search(item["message"]):
                planned = self.plan.posts[int(mark.group(1))]
                received = datetime.fromisoformat(item["created_by"]["received_at"])
                found[planned.phase].append((received - planned.instant).total_seconds())
        return found

    def report(self, latest: float = LATE) -> list[str]:
        """Print the figures; return a line for each promise that did not hold, and for posts later than `latest`."""
        answers, by_phase = self.answers, self.lateness()
        lateness = [seconds for each in by_phase.values() for seconds in each]
        print(table(self.rows))
        print(
            f"requests: {len(answers.seconds)}, failed: {len(answers.failed)}, also when repeated: "
            f"{len(answers.given_up)}; {percentiles(answers.seconds)}"
        )
        for problem in answers.failed[:5]:
            print(f"  failed: {problem[:200]}")
        once, twice = (sum(row.counts[name] for row in self.rows) for name in ("once", "twice"))
        print(f"posts due: {self.seconds}, published once: {once}, twice: {twice}")
        for phase in self.phases:
            late = sum(seconds > LATE for seconds in by_phase[phase])
            print(f"{phase}: late by more than {LATE:.0f} s: {late}; {percentiles(by_phase[phase])}")
        print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
        wrong = [*answers.given_up[:10], *(note for row in self.rows for note in row.notes[:10])]
        if once != self.seconds:
            wrong.append(f"{self.seconds - once} of {self.seconds} posts were not published once")
        if lateness and max(lateness) > latest:
            wrong.append(f"posts were late by more than {latest:.0f} s, the last one by {max(lateness):.2f} s")
        return wrong + broken(self.rows)


def sleep_until(instant: datetime) -> None:
    time.sleep(max(0.0, (instant - clock.now()).total_seconds()))
