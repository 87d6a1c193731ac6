"""What breaks, and how it is mended: each phase of a fault run has one kind of trouble, the last has all of them."""

import random
import threading
import time
from collections.abc import Callable

import kombu.exceptions
import psycopg
import redis
from celery import current_app
from django.db import DatabaseError, connections

from tests.chaos.environment import Stage
from tests.chaos.load_generator import Crowd

# The database, the broker or the sandbox is gone, which is the fault under test.
GONE = (DatabaseError, psycopg.Error, redis.RedisError, kombu.exceptions.KombuError, OSError)
Trouble = Callable[["Chaos"], None]
STAGING = r"POST .*/(photos|media)$"
WRITES = r"POST .*/(feed|media_publish|\d+_\d+$)"


class Chaos(threading.Thread):
    """Injects faults until `over` is set. Each leaves the stage as it was, except for what it killed and started."""

    def __init__(self, stage: Stage, crowd: Crowd, seed: int) -> None:
        super().__init__(daemon=True)
        self.stage, self.crowd, self.dice = stage, crowd, random.Random(seed)
        self.over = threading.Event()
        self.trouble: str = "calm"
        self.blows = 0

    def run(self) -> None:
        before = ""
        while not self.over.is_set():
            phase = self.trouble
            if phase != before:
                self.mend()
                before = phase
            names = [name for name in TROUBLES if name != "calm"] if phase == "everything" else [phase]
            try:
                TROUBLES[self.dice.choice(names)](self)
            except GONE as error:
                print(f"{phase}: {type(error).__name__}", flush=True)
                connections.close_all()
            self.blows += 1
            self.over.wait(self.dice.uniform(0.5, 1.5))
        self.mend()

    def mend(self) -> None:
        """Bring everything back."""
        self.stage.step_clock(0)
        self.stage.sandbox.heal()
        if self.stage.redis.process is None:
            self.stage.redis.start()
        self.stage.children["beat1"].kill()
        self.stage.work()


def calm(_: Chaos) -> None:
    """Nothing breaks: what the other phases are compared with."""


def kill_worker(chaos: Chaos) -> None:
    """`kill -9` of a worker at a random instant; another is started a moment later."""
    worker = chaos.stage.children[f"worker{chaos.dice.randrange(chaos.stage.workers)}"]
    time.sleep(chaos.dice.uniform(0, 1.5))
    worker.kill()
    time.sleep(chaos.dice.uniform(0, 1))
    worker.start_again()
    time.sleep(2)  # or it would never come up at all


def kill_beat(chaos: Chaos) -> None:
    """`kill -9` of the beat."""
    chaos.stage.children["beat0"].kill()
    time.sleep(chaos.dice.uniform(0, 2))
    chaos.stage.children["beat0"].start_again()
    time.sleep(1)


def flush(chaos: Chaos) -> None:
    """FLUSHALL: the broker forgets every message."""
    redis.Redis.from_url(chaos.stage.redis.url).flushall()


def stop_broker(chaos: Chaos) -> None:
    """The broker is gone for some seconds, and comes back empty."""
    chaos.stage.redis.kill()
    time.sleep(chaos.dice.uniform(0.5, 4))
    chaos.stage.redis.start()
    time.sleep(2)


def cut_database(chaos: Chaos) -> None:
    """Every connection to the database is cut, in the middle of whatever it does."""
    with psycopg.connect(chaos.stage.postgres.url) as connection:
        connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")


def second_beat(chaos: Chaos) -> None:
    """Two beats at once."""
    chaos.stage.children["beat1"].start_again()
    time.sleep(2)


def repeat_messages(chaos: Chaos) -> None:
    """Messages of posts that are about due are delivered ten times, some of them at once and some of them early."""
    from scheduling.models import ScheduledPost

    for post in ScheduledPost.objects.due(3)[:10]:
        for _ in range(10):
            current_app.send_task("scheduling.publish", args=[str(post.pk), str(post.task_id)])


def step_clock(chaos: Chaos) -> None:
    """The clock of both workers' machine jumps, forward and back."""
    chaos.stage.step_clock(chaos.dice.choice([-5, -2, 3, 8]))
    time.sleep(1.5)
    chaos.stage.step_clock(0)


def clocks_apart(chaos: Chaos) -> None:
    """One worker's clock is further off than a lease is long: to it, what the other one holds is free."""
    chaos.stage.step_clock(chaos.dice.choice([-20, 20]), worker=chaos.dice.randrange(chaos.stage.workers))
    time.sleep(3)
    chaos.stage.step_clock(0)


def platform(fault: str, route: str = WRITES, **more: object) -> Trouble:
    """Return the trouble of ordering `fault` at the sandbox for some of the writes that follow."""

    def order(chaos: Chaos) -> None:
        if fault == "delay" and any(item["fault"] == fault for item in chaos.stage.sandbox.faults):
            return  # one request would take all of them, and be under way for longer than anything is waited for
        chaos.stage.sandbox.fault(route, fault, times=chaos.dice.randint(1, 4), **more)

    order.__doc__ = f"The platform: {fault}."
    return order


TROUBLES: dict[str, Trouble] = {
    "calm": calm,
    "revert race": calm,
    "kill -9 worker": kill_worker,
    "kill -9 beat": kill_beat,
    "FLUSHALL": flush,
    "broker stopped": stop_broker,
    "database cut": cut_database,
    "two beats": second_beat,
    "ten deliveries": repeat_messages,
    "clock stepped": step_clock,
    "clocks apart": clocks_apart,
    "dropped after commit": platform("drop_after"),
    "dropped before commit": platform("drop_before"),
    "dropped after staging": platform("drop_after", route=STAGING),
    "media not fetched": platform("localised", route=STAGING),
    "500 after commit": platform("error_after"),
    "502 with HTML": platform("html_502"),
    "truncated JSON": platform("truncated_json"),
    "slower than we wait": platform("delay", seconds=4.0),
    "lands much later": platform("delay", seconds=13.0),
    "100/33 flicker": platform("flicker", route="GET .*"),
}
PHASES = [*TROUBLES, "everything"]
