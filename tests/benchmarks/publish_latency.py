"""Seconds between the instant of a post and the arrival of its commit at the platform, by the platform's clock."""

import random
import time
from datetime import timedelta

from accounts import clock
from tests.benchmarks.publish_series import Commit, Press
from tests.benchmarks.report import Figure, at, spread

LATENCY = 100  # milliseconds that the sandbox takes to answer


def spread_out(press: Press, count: int, seconds: float) -> list[Figure]:
    """Posts at instants of their own, drawn from a seed, on a system that is idle but for them."""
    press.stage.sandbox.settings(latency_ms=LATENCY)
    dice = random.Random(7)
    start = clock.now() + timedelta(seconds=8 + count * press.each * 1.3)
    numbers = press.make(start + timedelta(seconds=dice.uniform(0, seconds)) for _ in range(count))
    press.staged(numbers)
    time.sleep(max(0.0, (start - clock.now()).total_seconds()) + seconds)
    press.settled(numbers)
    found = press.commits(numbers)
    late = [one.late for one in found]
    good = at(late, 0.5) <= 0.020 and at(late, 0.99) <= 0.150
    return [
        Figure(
            f"lateness, {count} spread instants",
            "0-15 s BrightBean, 0-60 s by cron",
            "p50 <= 20, p99 <= 150 ms",
            spread(late) + _whole(numbers, found),
            good and len(found) == count,
        )
    ]


def bursts(press: Press, counts: list[int]) -> list[Figure]:
    """So many posts each at one and the same instant."""
    return [_at_once(press, count) for count in counts]


def _at_once(press: Press, count: int) -> Figure:
    peers = {1: "as above", 100: ">= 135 s, the last (BrightBean)", 1000: "hours, at 40 a minute"}
    goals = {1: (0.150, "<= 150 ms"), 100: (1.5, "last <= 1.5 s"), 1000: (15.0, "last <= 15 s")}
    press.stage.sandbox.settings(latency_ms=LATENCY)
    numbers, _ = press.burst(count)
    press.settled(numbers)
    found = press.commits(numbers)
    late = [one.late for one in found]
    limit, goal = goals.get(count, (count * 0.015, "<= 15 ms a post"))
    return Figure(
        f"lateness, {count:,} at one instant",
        peers.get(count, "-"),
        goal,
        spread(late) + _whole(numbers, found) + (f"; {_line(late)}" if count > 50 else ""),
        max(late) <= limit and len(found) == count,
    )


def _line(late: list[float]) -> str:
    """Return how far the lateness is from growing linearly: the half-way post's share of the last one's lateness."""
    return f"half of them by {at(late, 0.5) / max(late):.0%} of that"


def _whole(numbers: list[int], found: list[Commit]) -> str:
    """Return what is wrong: posts that never came, came twice, or overtook one that was due before on their channel."""
    seen = [one.number for one in found]
    overtaken = 0
    latest: dict[str, Commit] = {}
    for one in found:
        before = latest.get(one.account)
        if before is not None and before.scheduled_for > one.scheduled_for:
            overtaken += 1
        else:
            latest[one.account] = one
    wrong = {
        "lost": len(set(numbers) - set(seen)),
        "twice": len(seen) - len(set(seen)),
        "reordered": overtaken,
    }
    return "".join(f", {count} {name}" for name, count in wrong.items() if count) or ", none lost or reordered"
