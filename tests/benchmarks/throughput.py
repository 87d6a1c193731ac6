"""Publishing per second, beside tasks of the same worker that do less. All messages wait for one instant."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial

import psutil
import redis
import requests
from celery import current_app
from django.db.models import Max

from accounts import clock
from posts.models import Channel
from scheduling.models import ScheduledPost
from tests.benchmarks.app import ANSWERS, send
from tests.benchmarks.publish_series import PATIENCE, Press
from tests.benchmarks.report import Figure

Sender = Callable[[int, datetime], None]


def measure(press: Press, count: int) -> list[Figure]:
    """Return publishing's rate over the rates of less; the sandbox answers at once."""
    press.stage.sandbox.settings(latency_ms=0, duplicate_check=False)
    numbers, instant = press.burst(count)
    before = _cpu(press)
    press.settled(numbers)
    effort = _cpu(press) - before
    ids = press.ids(numbers)
    publishing = count / (_last_change(ids) - instant).total_seconds()
    live = len(press.commits(numbers))
    press.quiet()
    page = next(one for one in press.crowd.channels if one.type == "FB_PAGE")
    trips = _round_trips(press, count)
    least, least_effort = _posts_and_updates(press, ids, page, "bench.post_and_update")
    anew, _ = _posts_and_updates(press, ids, page, "bench.post_and_update_anew")
    loop = _loop(count, page)
    press.stage.sandbox.settings(duplicate_check=True)
    return [
        Figure("publishing throughput", "0.67/s BrightBean", "-", f"{publishing:.0f}/s ({live} of {count} live)"),
        Figure(
            "  / one POST and one UPDATE by the same workers",
            "-",
            ">= 0.5",
            f"{publishing / least:.2f} (of {least:.0f}/s)",
            publishing / least >= 0.5,
        ),
        Figure(
            "  CPU of the workers per post, / as above",
            "-",
            "<= 2",
            f"{effort / least_effort:.1f} ({effort / count * 1000:.1f} of {least_effort / count * 1000:.1f} ms)",
            effort / least_effort <= 2,
        ),
        Figure(
            "  / the same, connections as Celery keeps them", "-", "-", f"{publishing / anew:.2f} (of {anew:.0f}/s)"
        ),
        Figure("  / one round trip through Celery", "-", "-", f"{publishing / trips:.2f} (of {trips:.0f}/s)"),
        Figure("  / a bare loop that posts", "-", "-", f"{publishing / loop:.2f} (of {loop:.0f}/s)"),
    ]


def _cpu(press: Press) -> float:
    """Return the seconds of CPU that the workers have taken so far: a measure that a busy machine falsifies less."""
    taken = 0.0
    for number in range(press.stage.workers):
        child = press.stage.children[f"worker{number}"].process
        if child is not None:
            parent = psutil.Process(child.pid)
            times = [one.cpu_times() for one in (parent, *parent.children(recursive=True))]
            taken += sum(one.user + one.system for one in times)
    return taken


def _last_change(ids: list[str]) -> datetime:
    found: datetime = ScheduledPost.objects.filter(pk__in=ids).aggregate(last=Max("updated_at"))["last"]
    return found


def _ahead(count: int, put: Sender) -> datetime:
    """Put `count` messages, and return the instant for which they wait."""
    instant = clock.now() + timedelta(seconds=2 + count * 0.005)
    for number in range(count):
        put(number, instant)
    return instant


def _round_trips(press: Press, count: int) -> float:
    broker = redis.Redis.from_url(press.stage.redis.url)
    instant = _ahead(count, lambda _, eta: current_app.send_task("bench.round_trip", eta=eta) and None)
    _wait(lambda: broker.llen(ANSWERS) >= count)
    last = max(float(one) for one in broker.lrange(ANSWERS, 0, -1))
    broker.delete(ANSWERS)
    return count / (datetime.fromtimestamp(last, UTC) - instant).total_seconds()


def _posts_and_updates(press: Press, ids: list[str], page: Channel, task: str) -> tuple[float, float]:
    def put(number: int, eta: datetime) -> None:
        args = [ids[number], page.platform_id, page.token]
        current_app.send_task(task, args=args, eta=eta)

    instant = _ahead(len(ids), put)
    time.sleep(max(0.0, (instant - clock.now()).total_seconds()))
    before = _cpu(press)
    rows = ScheduledPost.objects.filter(pk__in=ids, updated_at__gte=instant)
    _wait(lambda: rows.count() == len(ids))
    return len(ids) / (_last_change(ids) - instant).total_seconds(), _cpu(press) - before


def _loop(count: int, page: Channel) -> float:
    session = requests.Session()
    session.trust_env = False
    post = partial(send, session, page.platform_id, page.token)
    began = time.perf_counter()
    for number in range(count):
        post(f"Looped {number}")
    return count / (time.perf_counter() - began)


def _wait(question: Callable[[], bool]) -> None:
    until = time.monotonic() + PATIENCE
    while not question():
        if time.monotonic() > until:
            raise RuntimeError("the workers did not get through")
        time.sleep(0.1)
