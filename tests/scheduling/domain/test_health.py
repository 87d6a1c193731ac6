"""Red when posts are late although processes are up; and the count of what is late belongs to whoever asks."""

from datetime import timedelta
from typing import Any

import pytest

from accounts import clock
from scheduling.domain import health, heartbeat, sweep
from scheduling.models import Delivery, ScheduledPost, WorkerHeartbeat

pytestmark = pytest.mark.django_db


def ago(seconds: float) -> Any:
    return clock.now() - timedelta(seconds=seconds)


def state(post: Any, status: str, **columns: Any) -> None:
    ScheduledPost.objects.filter(pk=post.pk).update(status=status, **columns)


@pytest.fixture
def at_work() -> None:
    """A worker has just taken a round."""
    sweep.sweep("w1@here")


def test_all_is_well_while_nothing_is_late(at_work: None, make_scheduled: Any) -> None:
    make_scheduled()
    seen = health.check_health()
    assert (seen.ready, seen.problems, seen.database, seen.broker, seen.workers) == (True, [], True, True, 1)
    assert seen.flow == health.QueueStats(0, None, 0, None, 0)


def test_posts_that_are_late_turn_it_red_after_a_minute(at_work: None, make_scheduled: Any) -> None:
    first, second = make_scheduled(), make_scheduled()
    state(first, "SCHEDULED", scheduled_for=ago(50))
    assert health.check_health().ready
    state(second, "SCHEDULED", scheduled_for=ago(75))
    seen = health.check_health()
    assert seen.problems == ["2 posts should be out already; the oldest has been due for 75 s."]
    assert seen.flow is not None
    assert (seen.flow.overdue, int(seen.flow.oldest_overdue or 0)) == (2, 75)


def test_a_post_that_is_left_half_published_turns_it_red_and_one_that_is_held_does_not(
    at_work: None, make_scheduled: Any
) -> None:
    post = make_scheduled()
    state(post, "PUBLISHING", lease_expires_at=ago(-20))
    seen = health.check_health()
    assert (seen.ready, seen.flow) == (True, health.QueueStats(0, None, 1, None, 0))
    state(post, "PUBLISHING", lease_expires_at=ago(180))
    assert health.check_health().problems == ["A post is half published, and no worker has gone on with it for 3 min."]


def test_outcomes_that_wait_for_a_person_are_counted_and_turn_it_red_in_numbers(
    at_work: None, make_scheduled: Any, settings: Any
) -> None:
    post = make_scheduled()
    Delivery.objects.filter(post=post).update(state="UNKNOWN")
    assert health.queue_stats(ScheduledPost.objects.all()).unknown == 0  # still being looked into
    state(post, "FAILED")
    assert (health.check_health().ready, health.queue_stats(ScheduledPost.objects.all()).unknown) == (True, 2)
    settings.HEALTH_UNKNOWN = 2
    assert health.check_health().problems == ["Of 2 deliveries nobody knows whether they are live."]


def test_a_beat_that_is_silent_turns_it_red(at_work: None) -> None:
    WorkerHeartbeat.objects.update(seen_at=ago(45))
    seen = health.check_health()
    assert seen.problems == [
        "No worker has taken a round of the beat for 45 s: the beat, the broker or every worker is down."
    ]
    assert (seen.workers, int(seen.last_round or 0)) == (0, 45)


def test_before_the_first_round_it_is_red() -> None:
    assert health.check_health().problems == [
        "No worker has ever taken a round of the beat: start a worker and a beat."
    ]


def test_workers_are_counted_by_name_and_forgotten_after_a_day() -> None:
    for name in ("w1@here", "w2@there", "w1@here"):
        heartbeat.record(name)
    WorkerHeartbeat.objects.create(worker="w0@gone", seen_at=ago(90_000))
    assert heartbeat.worker_status().workers == 2
    heartbeat.record("w1@here")
    assert set(WorkerHeartbeat.objects.values_list("worker", flat=True)) == {"w1@here", "w2@there"}


def test_each_looks_at_the_posts_that_are_given(at_work: None, make_scheduled: Any, other_organization: Any) -> None:
    post = make_scheduled()
    state(post, "SCHEDULED", scheduled_for=ago(100))
    theirs = ScheduledPost.objects.filter(organization=other_organization)
    assert health.queue_stats(theirs) == health.QueueStats(0, None, 0, None, 0)


def test_it_costs_the_same_however_many_posts_are_late(
    at_work: None, make_scheduled: Any, django_assert_num_queries: Any
) -> None:
    for _ in range(3):
        state(make_scheduled(), "SCHEDULED", scheduled_for=ago(100))
    with django_assert_num_queries(4):
        health.check_health()
