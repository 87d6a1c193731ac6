"""Signed requests of the mix at a steady rate for minutes while a post falls due each second: delays and memory."""

import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import psutil

from accounts import clock
from tests.benchmarks.http_load import CALLERS, LATE, LoadGenerator
from tests.benchmarks.publish_latency import CHANNELS, PostSeries
from tests.benchmarks.report import Figure, percentiles
from tests.benchmarks.request_cpu import create_data, request_kinds
from tests.benchmarks.web_server import Caller, Web
from tests.chaos.environment import Stage
from tests.chaos.load_generator import LEAD
from tests.chaos.scenarios import MEDIA, Planned

PARTS = (0.1, 0.5, 1.0)  # of the time, after which memory is read: minutes 1, 5 and 10 of ten
MEGABYTE = 1_000_000


@dataclass
class Memory:
    """Of a process and its children, in bytes, after each of the PARTS. `pss` counts shared pages once."""

    processes: int = 0
    rss: list[int] = field(default_factory=list)
    pss: list[int] = field(default_factory=list)

    def read(self, pid: int) -> None:
        parent, found = psutil.Process(pid), []
        for process in [parent, *parent.children(recursive=True)]:
            with suppress(psutil.NoSuchProcess):  # a connection of PostgreSQL that was closed meanwhile
                found.append(process.memory_full_info())
        self.processes = len(found)
        self.rss.append(sum(each.rss for each in found))
        self.pss.append(sum(each.pss for each in found))

    def __str__(self) -> str:
        rss, pss = (", ".join(f"{size / MEGABYTE:.0f}" for size in sizes) for sizes in (self.rss, self.pss))
        return f"RSS {rss} MB, PSS {pss} MB"


def measure_sustained(series: PostSeries, rate: int, seconds: float) -> list[Figure]:
    """Send `rate` requests a second; each second one post falls due, created by this process LEAD before."""
    stage, crowd = series.stage, series.crowd
    callers = [Caller(crowd.organization) for _ in range(CALLERS)]
    create_data(callers[0].key, crowd.channels[0])
    with Web(callers[0], stage.folder / "web.log", processes=2, threads=8) as web:
        generator = LoadGenerator(web, callers, request_kinds(stage.sandbox, crowd.channels[0]))
        start = clock.now() + LEAD + timedelta(seconds=2)
        numbers = _plan_posts(series, start, int(seconds))
        people = threading.Thread(target=crowd.act, args=(threading.Event(),), daemon=True)
        people.start()
        time.sleep(max(0.0, (start - clock.now()).total_seconds()))
        memory: dict[str, Memory] = {}
        reading = threading.Thread(target=_read_memory, args=(memory, stage, web, seconds))
        reading.start()
        generator.run(rate, seconds)
        for thread in (reading, people):
            thread.join()
        created = [number for number in numbers if number in crowd.posts]
        series.wait_settled(created)
        commits = series.commits(created)
    load = generator.load
    errors = ", ".join(f"{count} x {name}" for name, count in load.errors.most_common(4)) or "none"
    lateness = [commit.lateness for commit in commits]
    late, lost = sum(each > LATE for each in lateness), len(numbers) - len({commit.number for commit in commits})
    twice = len(commits) - len({commit.number for commit in commits})
    return [
        Figure(
            f"sustained, {rate} signed requests a second for {seconds:.0f} s",
            "all answered, no error",
            f"{len(load.waits):,} answered in {load.took:.1f} s ({len(load.waits) / load.took:.0f} a second), "
            f"errors: {errors}",
            not load.errors and load.took <= seconds + 1,
        ),
        Figure("  from the instant to the answer", "-", percentiles(load.waits)),
        Figure(
            f"  {len(numbers)} posts meanwhile",
            "none late, lost or twice",
            f"{late} late by more than {LATE:.0f} s, {lost} lost, {twice} twice; {percentiles(lateness)}",
            not (late or lost or twice),
        ),
        *(
            Figure(f"  memory of {name}, {found.processes} processes", "-", str(found))
            for name, found in memory.items()
        ),
    ]


def _plan_posts(series: PostSeries, start: datetime, count: int) -> list[int]:
    """Plan a picture for each second, and return the numbers of the posts."""
    first = len(series.times)
    for offset in range(count):
        number = first + offset
        series.times[number] = start + timedelta(seconds=offset)
        series.crowd.plan.posts.append(
            Planned(number, "", series.times[number], (number % CHANNELS,), MEDIA[number % len(MEDIA)], None)
        )
    return list(range(first, first + count))


def _read_memory(memory: dict[str, Memory], stage: Stage, web: Web, seconds: float) -> None:
    """Read the memory of every process of the installation after each of the PARTS of the time."""
    processes = {"web": web.server.process, **{name: child.process for name, child in stage.children.items()}}
    processes |= {"PostgreSQL": stage.postgres.process, "Redis": stage.redis.process}
    began = time.monotonic()
    for part in PARTS:
        time.sleep(max(0.0, began + part * seconds - time.monotonic()))
        for name, process in processes.items():
            if process is not None and process.poll() is None:
                memory.setdefault(name, Memory()).read(process.pid)
