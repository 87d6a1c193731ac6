"""`make bench`: measure, and print one table. Runs on PostgreSQL, Redis, two workers, a beat and the sandbox.

--only names measurements, the other flags set sizes. What else the machine does meanwhile is in the numbers.
"""

import argparse
import os
import shutil
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from tests.benchmarks.report import Figure, table
from tests.chaos.environment import Stage

NAMES = (
    "queries", "desk", "reading", "export", "import", "costs", "throughput", "recovery", "spread", "bursts", "load",
)  # fmt: skip
QUIET = ("queries", "desk", "reading", "export", "import", "costs")  # measured while no worker runs


def main() -> int:
    parser = argparse.ArgumentParser(prog="make bench")
    parser.add_argument("--only", nargs="+", choices=NAMES, default=NAMES, metavar="NAME", help=", ".join(NAMES))
    parser.add_argument(
        "--posts", type=int, default=100_000, help="posts to read from, and on the desk; 1000000 for the whole"
    )
    parser.add_argument("--comments", type=int, default=20_000, help="of the post to export; 200000 for the whole")
    parser.add_argument(
        "--import", dest="imported", type=int, default=5_000, metavar="POSTS", help="100000 for the whole"
    )
    parser.add_argument("--kills", type=int, default=10, help="of the import's process")
    parser.add_argument("--throughput", type=int, default=200, metavar="POSTS")
    parser.add_argument("--bursts", type=int, nargs="+", default=[1, 100, 1000], metavar="POSTS")
    parser.add_argument("--spread", type=int, default=60, metavar="POSTS")
    parser.add_argument("--seconds", type=float, default=30, help="over which --spread is spread")
    parser.add_argument("--rate", type=int, default=500, help="requests a second of the load")
    parser.add_argument("--load-seconds", type=float, default=60, help="how long it lasts")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--concurrency", type=int, default=8)
    parser.add_argument("--pool", default="threads", choices=("threads", "prefork"))
    parser.add_argument("--keep", action="store_true", help="keep the logs")
    given = parser.parse_args()
    began = time.monotonic()
    stage = Stage(
        workers=given.workers, threads=given.concurrency, settings={}, app="tests.benchmarks.app", pool=given.pool,
        stepped=False,
    )  # fmt: skip
    with stage:
        stage.migrate()
        _run(stage, given)
    if given.keep:
        print(f"logs: {stage.folder}")
    else:
        shutil.rmtree(stage.folder)
    print(f"{time.monotonic() - began:.0f} s, load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    return 0


def _run(stage: Stage, given: argparse.Namespace) -> None:
    import django

    django.setup()
    from tests.benchmarks import (
        desk,
        exporting,
        importing,
        load,
        publish_latency,
        queries,
        reading,
        recovery,
        request_cpu,
        throughput,
    )
    from tests.benchmarks.publish_series import Press

    stage.sandbox.settings(quota_total=1_000_000, containers_per_day=1_000_000)
    press = Press(stage)
    measures: dict[str, Callable[[Any], list[Figure]]] = {
        "queries": partial(queries.measure, sizes=(1, 2, 5)),
        "desk": lambda _: desk.measure(given.posts),
        "reading": lambda _: reading.measure(stage, given.posts),
        "export": lambda _: exporting.measure(stage, given.comments),
        "import": lambda _: importing.measure(stage, given.imported, given.kills),
        "costs": request_cpu.measure,
        "throughput": partial(throughput.measure, count=given.throughput),
        "recovery": recovery.measure,
        "spread": partial(publish_latency.spread_out, count=given.spread, seconds=given.seconds),
        "bursts": partial(publish_latency.bursts, counts=given.bursts),
        "load": partial(load.measure, rate=given.rate, seconds=given.load_seconds, posts=given.spread),
    }
    figures: list[Figure] = []
    for name in NAMES:
        if name not in given.only:
            continue
        if name not in QUIET and stage.children["beat0"].process is None:
            stage.work()
        began = time.monotonic()
        try:
            figures += measures[name](press)
        except RuntimeError as error:
            figures.append(Figure(name, "-", "-", f"not measured: {error}", good=False))
        print(f"{name}: {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    print(
        f"\n{given.workers} workers, {given.concurrency} {given.pool} each; PostgreSQL without fsync; sandbox on "
        f"loopback, answering in {publish_latency.LATENCY} ms (throughput: at once); BEGIN, COMMIT, savepoints "
        "not counted\n"
    )
    print(table(figures))


if __name__ == "__main__":
    os.environ.setdefault("PYTHONUNBUFFERED", "1")
    sys.exit(main())
