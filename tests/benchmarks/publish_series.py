"""Series of posts, made and approved ahead of their instants, and what the sandbox saw of them."""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from accounts import clock
from scheduling.models import Attempt, Delivery, DeliveryState, ScheduledPost
from tests.chaos.environment import Stage
from tests.chaos.load_generator import Crowd
from tests.chaos.report import MARK
from tests.chaos.scenarios import MEDIA, Plan, Planned

CHANNELS = 20
PATIENCE = 120.0  # seconds


@dataclass(frozen=True)
class Commit:
    """An outward commit as the sandbox saw it: whose, when it was received, and when it was to be (both aware)."""

    number: int
    account: str
    received_at: datetime
    scheduled_for: datetime

    @property
    def late(self) -> float:
        """Seconds after the instant."""
        return (self.received_at - self.scheduled_for).total_seconds()


class Press:
    """Makes posts through the domain as people and keys do, and reads the record."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.crowd = Crowd(Plan(0, clock.now(), 0, []), stage.sandbox)
        self.crowd.settle_in(CHANNELS)
        self.instants: dict[int, datetime] = {}
        self.each = 0.1  # seconds that one post has taken to be made and staged, lately

    def make(self, instants: Iterable[datetime], *, channels: int = 1) -> list[int]:
        """Draft, submit and approve a post for each instant, a picture on `channels` channels; return their numbers."""
        numbers = []
        for instant in instants:
            number = len(self.instants)
            self.instants[number] = instant
            on = tuple((number * channels + one) % CHANNELS for one in range(channels))
            self.crowd.make(Planned(number, "", instant, on, MEDIA[number % len(MEDIA)], None))
            numbers.append(number)
        return numbers

    def burst(self, count: int) -> tuple[list[int], datetime]:
        """Make `count` posts for one instant, so far ahead that all are staged by then; wait for that instant.

        Raises RuntimeError when this machine is too busy to do so, also at the second try.
        """
        for _ in range(2):
            began = time.monotonic()
            instant = clock.now() + timedelta(seconds=5 + count * self.each * 1.3)
            numbers = self.make([instant] * count)
            if all(number in self.crowd.posts for number in numbers):
                self.staged(numbers)
            took = time.monotonic() - began
            if count > 50:
                self.each = took / count
            left = (instant - clock.now()).total_seconds()
            if left > 0:
                time.sleep(left)
                return numbers, instant
            self.settled([number for number in numbers if number in self.crowd.posts])
            self.each = max(self.each, took / count) * 1.5
        raise RuntimeError(f"the machine is too busy to stage {count} posts ahead of their instant")

    def ids(self, numbers: Iterable[int]) -> list[str]:
        return [self.crowd.posts[number] for number in numbers]

    def staged(self, numbers: list[int]) -> None:
        """Wait until the workers have staged all of them."""
        rows = Delivery.objects.filter(post__in=self.ids(numbers))
        _until(lambda: not rows.exclude(staged__ready=True).exists(), "staged")

    def settled(self, numbers: list[int]) -> None:
        """Wait until all of them have ended, one way or the other."""
        rows = ScheduledPost.objects.filter(pk__in=self.ids(numbers), status__in=["SCHEDULED", "PUBLISHING"])
        _until(lambda: not rows.exists(), "settled")

    def quiet(self) -> None:
        """Wait until the workers have nothing left to do: what is live has its address, and all is sealed."""
        rows = Delivery.objects.filter(state=DeliveryState.PUBLISHED, permalink="")
        _until(lambda: not rows.exists(), "quiet")

    def commits(self, numbers: list[int]) -> list[Commit]:
        """Return what became visible of these posts, in the order in which the sandbox received it."""
        wanted, found = set(numbers), []
        for one in self.stage.sandbox.posts:
            mark = MARK.search(one["message"] or "")
            if mark is None or mark.group(2) != self.crowd.run or int(mark.group(1)) not in wanted:
                continue
            number = int(mark.group(1))
            at = datetime.fromisoformat(one["created_by"]["received_at"])
            found.append(Commit(number, str(one["account"]), at, self.instants[number]))
        return sorted(found, key=lambda one: one.received_at)

    def intents(self, numbers: list[int]) -> int:
        """Return how many tries are on the ledger for these posts."""
        return Attempt.objects.filter(delivery__post__in=self.ids(numbers)).count()


def _until(question: object, what: str) -> None:
    until = time.monotonic() + PATIENCE
    while not question():  # type: ignore[operator]
        if time.monotonic() > until:
            raise RuntimeError(f"not {what} within {PATIENCE:.0f} s")
        time.sleep(0.1)
