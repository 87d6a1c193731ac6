"""Signed requests, mixed, at a steady rate while posts publish; beside the same posts with nobody asking."""

import http.client
import itertools
import json
import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from datetime import timedelta

from accounts import clock
from posts.domain import seeding
from tests.bench.figures import Figure, at, spread
from tests.bench.lateness import LATENCY
from tests.bench.series import Press
from tests.bench.serving import Caller, Web

CALLERS = 16  # connections, each kept
LATE = 1.0  # seconds after its instant from which a post counts as late
DRAFT = json.dumps({"brief": "Drafted under load"}).encode()


def measure(press: Press, rate: int, seconds: float, posts: int) -> list[Figure]:
    """Publish `posts` over so many seconds twice: alone, and while `rate` requests come every second."""
    press.stage.sandbox.settings(latency_ms=LATENCY)
    caller = Caller(press.crowd.organization)
    seeding.fill(press.crowd.organization, press.crowd.channels, 2000)
    alone = _published(press, posts, seconds, lambda: None)
    with Web(press.stage.postgres.url, caller, press.stage.folder / "web.log", processes=2, threads=8) as web:
        askers = Askers(web, rate, seconds)
        under = _published(press, posts, seconds, askers.run)
    asked = sum(askers.answers.values())
    wrong = {name: count for name, count in askers.answers.items() if name not in {"200", "201"}}
    lost = 2 * posts - len(alone) - len(under)
    late = sum(one > LATE for one in under)
    ratio = at(under, 0.99) / at(alone, 0.99)
    achieved = asked / askers.took
    return [
        Figure(
            f"load, {rate} signed requests a second for {seconds:.0f} s",
            "-",
            f">= {rate}/s, no error",
            f"{achieved:.0f}/s, {asked} asked, errors {wrong or 0}",
            achieved >= rate * 0.98 and not wrong,
        ),
        Figure("  how long they took", "-", "-", spread(askers.waits)),
        Figure(f"  {posts} posts meanwhile", "-", "none late or lost", f"{late} late, {lost} lost", not (late or lost)),
        Figure("  their lateness", "-", "-", spread(under)),
        Figure("  … of the same posts alone", "-", "-", f"{spread(alone)}; p99 under load / alone: {ratio:.2f}"),
    ]


def _published(press: Press, count: int, seconds: float, meanwhile: Callable[[], None]) -> list[float]:
    """Return the lateness of posts spread over the time, during which something else is done."""
    dice = random.Random(7)
    start = clock.now() + timedelta(seconds=8 + count * press.each * 1.3)
    numbers = press.make(start + timedelta(seconds=dice.uniform(0, seconds)) for _ in range(count))
    press.staged(numbers)
    time.sleep(max(0.0, (start - clock.now()).total_seconds()))
    began = time.monotonic()
    meanwhile()
    time.sleep(max(0.0, seconds - (time.monotonic() - began)))
    press.settled(numbers)
    return [one.late for one in press.commits(numbers)]


class Askers:
    """Callers that share one clock: each request has its own instant, and one that is missed is made up for."""

    def __init__(self, web: Web, rate: int, seconds: float) -> None:
        self.web, self.rate, self.seconds = web, rate, seconds
        self.answers: Counter[str] = Counter()
        self.waits: list[float] = []
        self.took = 0.0
        self._lock = threading.Lock()

    def run(self) -> None:
        """Ask, to the end of the time and no further."""
        self._began = time.monotonic()
        crowd = [threading.Thread(target=self._ask, args=(number,)) for number in range(CALLERS)]
        for one in crowd:
            one.start()
        for one in crowd:
            one.join()
        self.took = time.monotonic() - self._began

    def _ask(self, number: int) -> None:
        answers: Counter[str] = Counter()
        waits: list[float] = []
        kinds = itertools.cycle(
            [("GET", "/posts?limit=10"), ("GET", "/channels"), ("GET", "/scheduled-posts?limit=5"),
             ("POST", "/scheduled-posts"), ("GET", "/organizations")]
        )  # fmt: skip
        connection = http.client.HTTPConnection("127.0.0.1", self.web.port, timeout=20)
        for turn in range(number, int(self.rate * self.seconds), CALLERS):
            left = self._began + turn / self.rate - time.monotonic()
            if left > 0:
                time.sleep(left)
            elif left < -self.seconds / 2:
                break  # hopelessly behind: the rate says so
            method, path = next(kinds)
            began = time.perf_counter()
            try:
                headers = {**self.web.caller.headers(), "Content-Type": "application/json"}
                connection.request(method, f"/v1{path}", body=DRAFT if method == "POST" else None, headers=headers)
                answer = connection.getresponse()
                answer.read()
                answers[str(answer.status)] += 1
            except (OSError, http.client.HTTPException) as error:
                answers[type(error).__name__] += 1
                connection.close()
            waits.append(time.perf_counter() - began)
        connection.close()
        with self._lock:
            self.answers += answers
            self.waits += waits
