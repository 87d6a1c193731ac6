"""`make bench`: measure, and print one table. Starts PostgreSQL, Redis, two workers, a beat and the sandbox."""

import argparse
import os
import shutil
import sys
import time
from collections.abc import Callable

from tests.benchmarks.report import Figure, table
from tests.chaos.environment import Stage

# Those before "spread" while no worker runs.
NAMES = ("queries", "reading", "costs", "growth", "spread", "bursts", "load", "sustained", "storage")
WHEN_ASKED = {"growth", "sustained", "storage"}


def main() -> int:
    parser = argparse.ArgumentParser(prog="make bench")
    default = [name for name in NAMES if name not in WHEN_ASKED]
    parser.add_argument("--only", nargs="+", choices=NAMES, default=default, metavar="NAME", help=", ".join(NAMES))
    parser.add_argument("--posts", type=int, default=100_000, help="published posts to read from")
    parser.add_argument("--bursts", type=int, nargs="+", default=[1, 100, 1000], metavar="POSTS")
    parser.add_argument("--spread", type=int, default=60, metavar="POSTS")
    parser.add_argument(
        "--seconds", type=float, default=30, help="over which --spread is spread, and of load and sustained"
    )
    parser.add_argument("--rate", type=int, default=200, help="requests a second of load and sustained")
    parser.add_argument("--stored", type=int, default=500, metavar="POSTS", help="of storage")
    parser.add_argument("--past", type=int, default=1_000_000, metavar="POSTS", help="of growth")
    parser.add_argument("--scheduled", type=int, default=100_000, metavar="POSTS", help="of growth")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--concurrency", type=int, default=8)
    parser.add_argument("--keep", action="store_true", help="keep the logs")
    options = parser.parse_args()
    began = time.monotonic()
    stage = Stage(workers=options.workers, threads=options.concurrency, settings={}, stepped=False)
    with stage:
        stage.migrate()
        figures = _measure(stage, options)
    print(
        f"\n{options.workers} workers, {options.concurrency} threads each; PostgreSQL without fsync; the sandbox on "
        f"loopback answers in 100 ms; BEGIN, COMMIT and savepoints are not counted\n\n{table(figures)}"
    )
    if options.keep:
        print(f"logs: {stage.folder}")
    else:
        shutil.rmtree(stage.folder)
    print(f"{time.monotonic() - began:.0f} s, load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    return 0


def _measure(stage: Stage, options: argparse.Namespace) -> list[Figure]:
    import django

    django.setup()
    from tests.benchmarks import growth, http_load, publish_latency, request_cpu, storage, sustained

    stage.sandbox.settings(quota_total=1_000_000, containers_per_day=1_000_000)
    series = publish_latency.PostSeries(stage)
    measures: dict[str, Callable[[], list[Figure]]] = {
        "queries": lambda: publish_latency.measure_statements(series),
        "reading": lambda: request_cpu.measure_list(stage, options.posts),
        "costs": lambda: request_cpu.measure_mix(series),
        "growth": lambda: growth.measure_growth(series, options.past, options.scheduled),
        "spread": lambda: publish_latency.measure_spread(series, options.spread, options.seconds),
        "bursts": lambda: publish_latency.measure_bursts(series, options.bursts),
        "load": lambda: http_load.measure_load(series, options.rate, options.seconds, options.spread),
        "sustained": lambda: sustained.measure_sustained(series, options.rate, options.seconds),
        "storage": lambda: storage.measure_storage(series, options.stored),
    }
    figures: list[Figure] = []
    working = False
    for name in NAMES:
        if name not in options.only:
            continue
        if name in NAMES[NAMES.index("spread") :] and not working:
            stage.work()
            working = True
        began = time.monotonic()
        try:
            figures += measures[name]()
        except RuntimeError as error:
            figures.append(Figure(name, "-", f"not measured: {error}", good=False))
        print(f"{name}: {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    return figures


if __name__ == "__main__":
    os.environ.setdefault("PYTHONUNBUFFERED", "1")
    sys.exit(main())
