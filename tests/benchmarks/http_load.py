"""Signed requests of the mix at a steady rate while posts publish, beside the same posts without requests.

The loop is open: a request has its time whether or not earlier ones were answered, and its duration counts from there.
"""

import http.client
import random
import threading
import time
from collections import Counter, deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from tests.benchmarks.publish_latency import PostSeries
from tests.benchmarks.report import Figure, percentile, percentiles
from tests.benchmarks.request_cpu import Kind, create_data, request_kinds, send
from tests.benchmarks.web_server import Caller, Web

CALLERS, THREADS, DRAFTS = 20, 32, 200
LATE = 1.0  # seconds
GIVEN_UP = 10.0  # seconds after its time; more requests would only wait for the earlier ones


@dataclass
class Load:
    """`waits`: seconds from the time of each request to its answer; `took`: seconds until the last answer."""

    waits: list[float] = field(default_factory=list)
    errors: Counter[str] = field(default_factory=Counter)
    took: float = 0.0


class LoadGenerator:
    """Sends the mix from a pool of threads, each with a connection of its own."""

    def __init__(self, web: Web, callers: list[Caller], kinds: list[Kind]) -> None:
        self.web, self.callers, self.kinds, self.drafts = web, callers, kinds, deque[str]()
        self.local = threading.local()
        self.load = Load()
        create = next(kind for kind in kinds if kind.status == 201)
        for number in range(DRAFTS):
            send(web.connect(), callers[number % CALLERS], create, self.drafts)

    def run(self, rate: int, seconds: float) -> None:
        """Send `rate` requests a second, and wait for the answers; at most GIVEN_UP seconds longer than `seconds`."""
        chosen = random.Random(7).choices(self.kinds, [kind.share for kind in self.kinds], k=int(rate * seconds))
        start = time.monotonic()
        with ThreadPoolExecutor(THREADS) as pool:
            for number, kind in enumerate(chosen):
                due = start + number / rate
                time.sleep(max(0.0, due - time.monotonic()))
                pool.submit(self._send, self.callers[number % CALLERS], kind, due)
        self.load.took = time.monotonic() - start

    def _send(self, caller: Caller, kind: Kind, due: float) -> None:
        if time.monotonic() - due > GIVEN_UP:
            self.load.errors[f"not sent within {GIVEN_UP:.0f} s"] += 1
            return
        if not hasattr(self.local, "connection"):
            self.local.connection = self.web.connect()
        connection = self.local.connection
        try:
            try:
                error = send(connection, caller, kind, self.drafts)
            except (http.client.RemoteDisconnected, ConnectionError):  # an idle connection that was just being closed
                connection.close()
                error = send(connection, caller, kind, self.drafts)
        except (OSError, http.client.HTTPException) as exception:
            connection.close()
            error = type(exception).__name__
        if error:
            self.load.errors[error] += 1
        else:
            self.load.waits.append(time.monotonic() - due)


def measure_load(series: PostSeries, rate: int, seconds: float, posts: int) -> list[Figure]:
    """Publish `posts` posts over so many seconds, alone and then under load."""
    stage, channel = series.stage, series.crowd.channels[0]
    callers = [Caller(series.crowd.organization) for _ in range(CALLERS)]
    create_data(callers[0].key, channel)
    alone = [commit.lateness for commit in series.publish_spread(posts, seconds)]
    with Web(callers[0], stage.folder / "web.log", processes=2, threads=8) as web:
        generator = LoadGenerator(web, callers, request_kinds(stage.sandbox, channel))
        under = [
            commit.lateness for commit in series.publish_spread(posts, seconds, lambda: generator.run(rate, seconds))
        ]
    load = generator.load
    errors = ", ".join(f"{count} x {name}" for name, count in load.errors.most_common(4)) or "none"
    late, lost = sum(lateness > LATE for lateness in under), posts - len(under)
    half, most = (percentile(under, part) / percentile(alone, part) for part in (0.5, 0.99))
    return [
        Figure(
            f"load, {rate} signed requests a second for {seconds:.0f} s",
            "all answered, no error",
            f"{len(load.waits):,} answered in {load.took:.1f} s, errors: {errors}",
            not load.errors and load.took <= seconds + 1,
        ),
        Figure("  from the instant to the answer", "-", percentiles(load.waits)),
        Figure(f"  {posts} posts meanwhile", "none late or lost", f"{late} late, {lost} lost", not (late or lost)),
        Figure("  their lateness", "-", percentiles(under)),
        Figure("  … of the same posts alone", "-", percentiles(alone)),
        Figure("  their lateness under load / alone", "-", f"p50 {half:.2f}, p99 {most:.2f}"),
    ]
