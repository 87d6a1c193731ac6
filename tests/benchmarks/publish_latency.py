"""Seconds from the scheduled time of a post to the arrival of its commit at the platform, and statements on the way."""

import random
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts import clock
from scheduling.domain.publishing import run
from scheduling.domain.publishing import stage as publish_stage
from scheduling.models import Delivery, ScheduledPost
from tests.benchmarks.report import Figure, percentile, percentiles
from tests.chaos.environment import Stage
from tests.chaos.load_generator import Crowd
from tests.chaos.report import MARK
from tests.chaos.scenarios import MEDIA, Plan, Planned

CHANNELS = 20
TIMEOUT = 120.0  # seconds
LATENCY = 100  # milliseconds that the sandbox takes to answer
TRANSACTION_CONTROL = ("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE", "ROLLBACK")


@dataclass(frozen=True)
class Commit:
    """A commit as the sandbox received it. `lateness`: seconds after the scheduled time."""

    number: int
    account: str
    scheduled_for: datetime
    lateness: float


class PostSeries:
    """Creates and approves posts ahead of their time, and reads what the sandbox received."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.crowd = Crowd(Plan(0, clock.now(), 0, []), stage.sandbox, f"{stage.sandbox.url}/media")
        self.crowd.settle_in(CHANNELS)
        self.times: dict[int, datetime] = {}
        self.seconds_each = 0.15  # that one post takes to be created and staged, as measured last
        stage.sandbox.settings(latency_ms=LATENCY)

    def create(self, times: Iterable[datetime], *, channels: int = 1) -> list[int]:
        """Draft, submit and approve a picture for each time; return the posts' numbers."""
        numbers = []
        for scheduled_for in times:
            number = len(self.times)
            self.times[number] = scheduled_for
            indexes = tuple((number * channels + offset) % CHANNELS for offset in range(channels))
            self.crowd.make(Planned(number, "", scheduled_for, indexes, MEDIA[number % len(MEDIA)], None))
            numbers.append(number)
        return numbers

    def create_ahead(self, offsets: list[float]) -> tuple[list[int], datetime]:
        """Create a post for each offset (seconds) from a start that is so late that all are staged by then.

        Return at the start. Raise RuntimeError when the machine is too slow, also at the second try.
        """
        for _ in range(2):
            began = time.monotonic()
            start = clock.now() + timedelta(seconds=10 + len(offsets) * self.seconds_each * 1.3)
            numbers = self.create(start + timedelta(seconds=offset) for offset in offsets)
            created = [number for number in numbers if number in self.crowd.posts]
            deliveries = Delivery.objects.filter(post__in=self.ids(created))
            wait(lambda rows=deliveries: not rows.exclude(staged__ready=True).exists(), "staged")
            self.seconds_each = max(0.1, (time.monotonic() - began) / len(offsets))
            left = (start - clock.now()).total_seconds()
            if left > 0 and created == numbers:
                time.sleep(left)
                return numbers, start
            self.wait_settled(created)
            self.seconds_each *= 1.5
        raise RuntimeError(f"the machine is too slow to stage {len(offsets)} posts ahead of their time")

    def ids(self, numbers: Iterable[int]) -> list[str]:
        return [self.crowd.posts[number] for number in numbers]

    def wait_settled(self, numbers: list[int]) -> None:
        """Wait until each of the posts is published or failed."""
        rows = ScheduledPost.objects.filter(pk__in=self.ids(numbers), status__in=["SCHEDULED", "PUBLISHING"])
        wait(lambda: not rows.exists(), "settled")

    def commits(self, numbers: list[int]) -> list[Commit]:
        """Return what became visible of these posts, in the order of arrival."""
        found = []
        for post in self.stage.sandbox.posts:
            mark = MARK.search(post["message"] or "")
            if mark and mark.group(2) == self.crowd.run and int(mark.group(1)) in numbers:
                number = int(mark.group(1))
                received, due = datetime.fromisoformat(post["created_by"]["received_at"]), self.times[number]
                found.append((received, Commit(number, str(post["account"]), due, (received - due).total_seconds())))
        return [commit for _, commit in sorted(found, key=lambda pair: pair[0])]

    def publish_spread(self, count: int, seconds: float, load: Callable[[], None] | None = None) -> list[Commit]:
        """Publish `count` posts at times drawn from a seed while `load` runs, which takes as many seconds."""
        dice = random.Random(7)
        numbers, start = self.create_ahead([dice.uniform(0, seconds) for _ in range(count)])
        if load is not None:
            load()
        time.sleep(max(0.0, seconds - (clock.now() - start).total_seconds()))
        self.wait_settled(numbers)
        return self.commits(numbers)


def wait(condition: Callable[[], bool], name: str) -> None:
    """Poll until the condition holds. Raise RuntimeError after TIMEOUT."""
    until = time.monotonic() + TIMEOUT
    while not condition():
        if time.monotonic() > until:
            raise RuntimeError(f"not {name} within {TIMEOUT:.0f} s")
        time.sleep(0.1)


def measure_statements(series: PostSeries, sizes: Iterable[int] = (1, 2, 5)) -> list[Figure]:
    """Count the statements of a publish in this process, while no worker runs, of a post that is staged."""
    figures = []
    for channels in sizes:
        scheduled_for = clock.now() + timedelta(seconds=4)
        [post_id] = series.ids(series.create([scheduled_for], channels=channels))
        post = ScheduledPost.objects.get(pk=post_id)
        if publish_stage.prestage(post_id) != channels:
            raise RuntimeError("not everything was staged")
        time.sleep(max(0.0, (scheduled_for - clock.now()).total_seconds()))
        with CaptureQueriesContext(connection) as captured:
            outcome = run.publish(post_id, str(post.task_id))
        if outcome != "published":
            raise RuntimeError(f"the outcome of the publish is {outcome}")
        statements = [query["sql"] or "prepared" for query in captured.captured_queries]
        count = sum(not sql.startswith(TRANSACTION_CONTROL) for sql in statements) - 1  # the post is loaded first
        figures.append(
            Figure(
                f"queries per published channel, post on {channels}",
                "<= 11, constant",
                f"{count / channels:g} claim to done ({count} in all, and 1 to load)",
                count / channels <= 11,
            )
        )
    return figures


def measure_spread(series: PostSeries, count: int, seconds: float) -> list[Figure]:
    """Publish at times of their own, on a system that does nothing else."""
    commits = series.publish_spread(count, seconds)
    lateness = [commit.lateness for commit in commits]
    good = percentile(lateness, 0.5) <= 0.020 and percentile(lateness, 0.99) <= 0.150 and len(commits) == count
    measured = percentiles(lateness) + _mistakes(count, commits)
    return [Figure(f"lateness, {count} spread instants", "p50 <= 20, p99 <= 150 ms", measured, good)]


def measure_bursts(series: PostSeries, counts: Iterable[int]) -> list[Figure]:
    """Publish `count` posts with one and the same scheduled time, for each of the counts."""
    figures = []
    for count in counts:
        numbers, _ = series.create_ahead([0.0] * count)
        series.wait_settled(numbers)
        commits = series.commits(numbers)
        last, limit = max(commit.lateness for commit in commits), max(0.15, count * 0.015)
        figures.append(
            Figure(
                f"lateness, {count:,} at one instant",
                f"last <= {limit:g} s",
                percentiles([commit.lateness for commit in commits]) + _mistakes(count, commits),
                last <= limit and len(commits) == count,
            )
        )
    return figures


def _mistakes(count: int, commits: list[Commit]) -> str:
    """Return how many posts are missing, came twice, or overtook an earlier one on their channel."""
    seen = {commit.number for commit in commits}
    latest: dict[str, datetime] = {}
    overtaken = 0
    for commit in commits:
        overtaken += latest.get(commit.account, commit.scheduled_for) > commit.scheduled_for
        latest[commit.account] = max(commit.scheduled_for, latest.get(commit.account, commit.scheduled_for))
    wrong = {"lost": count - len(seen), "twice": len(commits) - len(seen), "reordered": overtaken}
    return "".join(f", {number} {name}" for name, number in wrong.items() if number) or ", none lost or reordered"
