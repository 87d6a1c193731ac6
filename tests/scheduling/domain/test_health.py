"""Health is not ready when posts are late although all processes are up."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine

from accounts import clock
from scheduling.domain import health, sweep
from scheduling.models import Delivery, ScheduledPost, WorkerHeartbeat
from scheduling.tasks import record_heartbeat

pytestmark = pytest.mark.django_db


def ago(seconds: float) -> Any:
    return clock.now() - timedelta(seconds=seconds)


def state(post: Any, status: str, **columns: Any) -> None:
    ScheduledPost.objects.filter(pk=post.pk).update(status=status, **columns)


@pytest.fixture
def swept() -> None:
    sweep.sweep("w1@here")


def test_health_without_late_posts_is_ready(swept: None, make_scheduled) -> None:
    make_scheduled()
    seen = health.check_health()
    assert (seen.ready, seen.problems, seen.database, seen.broker, seen.workers) == (True, [], True, True, 1)
    assert seen.flow == health.QueueStats(0, None, 0, None, 0)


def test_health_with_posts_late_by_a_minute_is_not_ready(swept: None, make_scheduled) -> None:
    first, second = make_scheduled(), make_scheduled()
    state(first, "SCHEDULED", scheduled_for=ago(50))
    assert health.check_health().ready
    with time_machine.travel(clock.now(), tick=False):
        state(second, "SCHEDULED", scheduled_for=ago(75))
        seen = health.check_health()
    assert seen.problems == ["2 posts overdue; the oldest has been due for 75 s."]
    assert seen.flow is not None
    assert (seen.flow.overdue, int(seen.flow.oldest_overdue or 0)) == (2, 75)


def test_health_with_an_expired_lease_is_not_ready(swept: None, make_scheduled) -> None:
    post = make_scheduled()
    state(post, "PUBLISHING", lease_expires_at=ago(-20))
    seen = health.check_health()
    assert (seen.ready, seen.flow) == (True, health.QueueStats(0, None, 1, None, 0))
    state(post, "PUBLISHING", lease_expires_at=ago(180))
    assert health.check_health().problems == ["A post has been stuck in PUBLISHING for 3 min with no worker."]


def test_health_with_many_unknown_outcomes_is_not_ready(swept: None, make_scheduled, settings) -> None:
    post = make_scheduled()
    Delivery.objects.filter(post=post).update(state="UNKNOWN")
    assert health.queue_stats(ScheduledPost.objects.all()).unknown == 0  # still being read back
    state(post, "FAILED")
    assert (health.check_health().ready, health.queue_stats(ScheduledPost.objects.all()).unknown) == (True, 2)
    settings.HEALTH_UNKNOWN = 2
    assert health.check_health().problems == ["2 deliveries have an unknown outcome; resolve manually."]


def test_health_without_recent_sweep_is_not_ready(swept: None) -> None:
    with time_machine.travel(clock.now(), tick=False):
        WorkerHeartbeat.objects.update(seen_at=ago(45))
        seen = health.check_health()
    assert seen.problems == ["The sweep last ran 45 s ago: Celery beat, the broker or every worker is down."]
    assert (seen.workers, int(seen.last_round or 0)) == (0, 45)


@pytest.mark.parametrize("queue", ["media", "notifications"])
def test_health_without_a_background_worker_is_not_ready_a23(swept: None, queue: str) -> None:
    assert health.check_health().ready  # a worker has some time to start
    WorkerHeartbeat.objects.filter(worker__startswith="queue:").update(seen_at=ago(90_000))
    sweep.sweep("w1@here")
    other = {"media": "notifications", "notifications": "media"}[queue]
    assert record_heartbeat(other) == 1
    seen = health.check_health()
    assert (seen.workers, seen.problems) == (
        1, [f"No worker has taken from the queue {queue} for 25 h: start one, or more of them."]
    )  # fmt: skip
    assert record_heartbeat(queue) == 1
    assert health.check_health().problems == []
    assert record_heartbeat("publishing") == 0


def test_health_before_the_first_sweep_is_not_ready() -> None:
    assert health.check_health().problems == ["The sweep has never run. Start a Celery worker and Celery beat."]


def test_heartbeats_count_workers_by_name_and_expire_after_a_day() -> None:
    for name in ("w1@here", "w2@there", "w1@here"):
        health.record_heartbeat(name)
    WorkerHeartbeat.objects.create(worker="w0@gone", seen_at=ago(90_000))
    assert health.worker_status().workers == 2
    health.record_heartbeat("w1@here")
    assert set(WorkerHeartbeat.objects.values_list("worker", flat=True)) == {"w1@here", "w2@there"}


def test_queue_stats_counts_only_the_given_posts(swept: None, make_scheduled, other_organization) -> None:
    post = make_scheduled()
    state(post, "SCHEDULED", scheduled_for=ago(100))
    theirs = ScheduledPost.objects.filter(organization=other_organization)
    assert health.queue_stats(theirs) == health.QueueStats(0, None, 0, None, 0)


def test_health_runs_a_fixed_number_of_queries(swept: None, make_scheduled, django_assert_num_queries) -> None:
    for _ in range(3):
        state(make_scheduled(), "SCHEDULED", scheduled_for=ago(100))
    with django_assert_num_queries(8):
        health.check_health()
