"""After a blow in the middle of a commit: how long until the post is settled, and how often it is visible then."""

import time
from datetime import timedelta

from accounts import clock
from tests.benchmarks.publish_series import Press
from tests.benchmarks.report import Figure

COMMITS = "POST .*/(feed|media_publish)"


def measure(press: Press) -> list[Figure]:
    """Both blows with the product's own settings, the second while the lease of the first runs out."""
    stage = press.stage
    stage.sandbox.settings(latency_ms=100)
    stage.sandbox.fault(COMMITS, "delay_after", seconds=15)
    killed = press.make([clock.now() + timedelta(seconds=4)])
    while not press.commits(killed):
        time.sleep(0.05)
    for number in range(stage.workers):
        stage.children[f"worker{number}"].kill()
    at = time.monotonic()
    stage.sandbox.heal()
    time.sleep(1)  # what a supervisor takes
    for number in range(stage.workers):
        stage.children[f"worker{number}"].again()
    stage.sandbox.fault(COMMITS, "delay_after", seconds=30, times=1)
    slow = press.make([clock.now() + timedelta(seconds=8)])
    press.settled(killed)
    recovered = time.monotonic() - at
    press.settled(slow)
    return [
        Figure(
            "kill -9 of all workers in mid-publish, until settled",
            "never (BrightBean), 1-1.5 h (TryPost)",
            "<= 60 s",
            f"{recovered:.1f} s, visible {len(press.commits(killed))} time(s)",
            recovered <= 60 and len(press.commits(killed)) == 1,
        ),
        Figure(
            "visible publishes after one ambiguous timeout",
            "4 (BrightBean)",
            "1",
            f"{len(press.commits(slow))}, of {press.intents(slow)} tries",
            len(press.commits(slow)) == 1,
        ),
    ]
