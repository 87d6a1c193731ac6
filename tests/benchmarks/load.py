"""Signed requests, mixed, at a steady rate while posts publish; beside the same posts with nobody asking."""

import os
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial

from accounts import clock
from tests.benchmarks.http_load import Asked, Crowd
from tests.benchmarks.publish_latency import LATENCY
from tests.benchmarks.publish_series import Press
from tests.benchmarks.report import Figure, at, spread
from tests.benchmarks.request_mix import fill, kinds
from tests.benchmarks.web_server import Caller, Web, cpu

LATE = 1.0  # seconds after its instant from which a post counts as late
TRIES = 4  # of lower rates, when one does not hold
LEAST = 10  # requests a second
PER_KEY = 8  # requests a second: below the limit of 600 a minute


@dataclass
class Run:
    """Posts that were published, and what else went on. `cpu`: by class of process, cores of it that were busy."""

    late: list[float] = field(default_factory=list)
    lost: int = 0
    asked: Asked | None = None
    cpu: dict[str, float] = field(default_factory=dict)

    @property
    def held(self) -> bool:
        """Whether nothing was late or lost, and every request was answered in time and as it should be."""
        return not self.lost and max(self.late) <= LATE and (self.asked is None or self.asked.held)


def measure(press: Press, rate: int, seconds: float, posts: int) -> list[Figure]:
    """Publish `posts` over so many seconds alone, then while `rate` requests come every second.

    When that rate does not hold, lower ones are tried, down to the first that does.
    """
    press.stage.sandbox.settings(latency_ms=LATENCY)
    organization = press.crowd.organization
    callers = [Caller(organization) for _ in range(max(20, rate // PER_KEY))]
    fill(callers[0].key, press.crowd.channels[0])
    alone = _published(press, posts, seconds, lambda _: None, {})
    figures: list[Figure] = []
    asked_for = rate
    for _ in range(TRIES):
        with Web(press.stage.postgres.url, callers[0], press.stage.folder / "web.log", production=True) as web:
            crowd = Crowd(web.port, callers, kinds(press.stage.sandbox, press.crowd.channels[0]))
            ask = partial(crowd.run, asked_for, seconds)
            under = _published(press, posts, seconds, ask, {"web": web.process.pid, "those who ask": os.getpid()})
        figures += _figures(asked_for, seconds, posts, under, alone)
        if under.held:
            break
        reached = len(under.asked.waits) / under.asked.took if under.asked else 0.0
        asked_for = max(LEAST, int(min(asked_for * 0.8, reached * 0.9) // 10 * 10))
    return figures


def _figures(rate: int, seconds: float, posts: int, under: Run, alone: Run) -> list[Figure]:
    if under.asked is None:
        raise RuntimeError("nobody asked")
    asked = under.asked
    wrong = ", ".join(f"{count} x {name}" for name, count in asked.wrong.most_common(4))
    half, most = (at(under.late, part) / at(alone.late, part) for part in (0.5, 0.99))
    late = sum(one > LATE for one in under.late)
    busy = ", ".join(f"{name} {cores:.2f}" for name, cores in under.cpu.items())
    return [
        Figure(
            f"load, {rate} signed requests a second for {seconds:.0f} s",
            "-",
            "all answered, no error",
            f"{len(asked.waits):,} answered in {asked.took:.1f} s, errors: {wrong or 'none'}",
            asked.held,
        ),
        Figure("  from the instant to the answer", "-", "-", spread(asked.waits) if asked.waits else "-"),
        Figure(
            f"  {posts} posts meanwhile",
            "-",
            "none late or lost",
            f"{late} late, {under.lost} lost",
            not (late or under.lost),
        ),
        Figure("  their lateness", "-", "-", spread(under.late)),
        Figure("  … of the same posts alone", "-", "-", spread(alone.late)),
        Figure("  their lateness under load / alone", "-", "-", f"p50 {half:.2f}, p99 {most:.2f}"),
        Figure("  cores busy", "-", "-", f"{busy}; {sum(under.cpu.values()):.2f} in all"),
        Figure(
            "  … of publishing alone", "-", "-", ", ".join(f"{name} {cores:.2f}" for name, cores in alone.cpu.items())
        ),
    ]


def _published(
    press: Press, count: int, seconds: float, meanwhile: Callable[[float], Asked | None], more: dict[str, int]
) -> Run:
    """Return what became of posts spread over the time; `meanwhile` is told the beginning, on the monotonic clock."""
    dice = random.Random(7)
    start = clock.now() + timedelta(seconds=15 + count * max(press.each, 0.3) * 1.3)
    numbers = press.make(start + timedelta(seconds=dice.uniform(0, seconds)) for _ in range(count))
    if any(number not in press.crowd.posts for number in numbers):
        raise RuntimeError(f"the machine is too busy to make {count} posts ahead of their instants")
    press.staged(numbers)
    began = time.monotonic() + max(0.0, (start - clock.now()).total_seconds())
    before: dict[str, float] = {}
    timer = threading.Timer(began - time.monotonic(), lambda: before.update(_spent(press, more)))
    timer.start()
    asked = meanwhile(began)
    timer.join()
    time.sleep(max(0.0, began + seconds - time.monotonic()))
    took, after = time.monotonic() - began, _spent(press, more)
    press.settled(numbers)
    late = [one.late for one in press.commits(numbers)]
    return Run(late, count - len(late), asked, {name: (after[name] - before[name]) / took for name in after})


def _spent(press: Press, more: dict[str, int]) -> dict[str, float]:
    """Return the seconds of CPU so far, by class of process."""
    stage = press.stage
    running = {name: one.process.pid for name, one in stage.children.items() if one.process is not None}
    engines = {"PostgreSQL": stage.postgres.process, "Redis": stage.redis.process}
    return {
        **{name: cpu([pid]) for name, pid in more.items() if name == "web"},
        **{name: cpu([one.pid]) for name, one in engines.items() if one is not None},
        "workers and beat": cpu([pid for name, pid in running.items() if name != "sandbox"]),
        "the platform": cpu([running["sandbox"]]),
        **{name: cpu([pid], below=False) for name, pid in more.items() if name != "web"},
    }
