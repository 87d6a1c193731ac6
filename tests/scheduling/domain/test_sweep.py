"""The periodic sweep finds what the broker lost."""

from datetime import timedelta

import pytest
import time_machine

from accounts import clock
from scheduling.domain import sweep
from scheduling.models import ScheduledPost

pytestmark = [pytest.mark.embedded, pytest.mark.django_db, pytest.mark.usefixtures("no_messages")]


def later(seconds):
    return time_machine.travel(clock.now() + timedelta(seconds=seconds), tick=False)


def marked(post):
    return ScheduledPost.objects.get(pk=post.pk).enqueued_at


def test_post_within_the_horizon_is_enqueued_once(make_scheduled, settings):
    post = make_scheduled(scheduled_for=clock.now() + timedelta(seconds=settings.ENQUEUE_HORIZON - 5))
    assert (sweep.enqueue_due_posts(), sweep.enqueue_due_posts()) == (1, 0)
    assert marked(post) is not None


def test_post_beyond_the_horizon_is_not_enqueued(make_scheduled, settings):
    post = make_scheduled(scheduled_for=clock.now() + timedelta(seconds=settings.ENQUEUE_HORIZON + 60))
    assert (sweep.enqueue_due_posts(), marked(post)) == (0, None)


def test_unclaimed_due_post_is_enqueued_again(make_scheduled):
    make_scheduled(scheduled_for=clock.now() + timedelta(seconds=30))
    sweep.enqueue_due_posts()
    with later(33):
        assert (sweep.enqueue_due_posts(), sweep.enqueue_due_posts()) == (1, 0)
    with later(46):
        assert sweep.enqueue_due_posts() == 1


def test_unclaimed_post_in_a_moving_queue_is_not_enqueued_again(make_scheduled):
    """Enqueueing waiting posts again would only lengthen the queue."""
    taken, _ = (make_scheduled(scheduled_for=clock.now() + timedelta(seconds=30)) for _ in range(2))
    sweep.enqueue_due_posts()
    with later(33):
        taken.apply_transition("claim", task_id=None)
        assert sweep.enqueue_due_posts() == 0
    with later(36):
        assert sweep.enqueue_due_posts() == 1, "nothing was taken for a while"
    with later(47):
        ScheduledPost.objects.filter(pk=taken.pk).update(updated_at=clock.now())
        assert sweep.enqueue_due_posts() == 1, "an unclaimed post is enqueued again"


def test_overloaded_sweep_defers_steps_for_half_a_minute(make_scheduled):
    full = (clock.now() + timedelta(minutes=5)).replace(second=0, microsecond=0)
    make_scheduled(scheduled_for=full - timedelta(seconds=20))

    def round_at(seconds):
        with time_machine.travel(full + timedelta(seconds=seconds), tick=False):
            return sweep.sweep()

    assert "sealed" in round_at(-21)
    assert "sealed" not in round_at(-15)
    assert "enqueued" in round_at(-13)
    assert "sealed" in round_at(0)


def test_post_enqueued_by_a_fast_clock_is_enqueued_again(make_scheduled):
    post = make_scheduled(scheduled_for=clock.now() + timedelta(seconds=30))
    ScheduledPost.objects.filter(pk=post.pk).update(enqueued_at=clock.now() + timedelta(hours=1))
    with later(33):
        assert (sweep.enqueue_due_posts(), sweep.enqueue_due_posts()) == (1, 0)


def test_lost_media_inspection_is_enqueued_again(make_waiting):
    make_waiting(looked=False)
    assert sweep.inspect_waiting_media() == 0
    with later(11):
        assert (sweep.inspect_waiting_media(), sweep.inspect_waiting_media()) == (1, 0)


def test_post_due_soon_is_staged_once(make_scheduled, settings):
    make_scheduled(scheduled_for=clock.now() + timedelta(seconds=settings.STAGE_LEAD - 10))
    make_scheduled(scheduled_for=clock.now() + timedelta(seconds=settings.STAGE_LEAD + 60))
    assert (sweep.stage_soon(), sweep.stage_soon()) == (1, 0)


def test_sweep_returns_counts(make_scheduled):
    make_scheduled(scheduled_for=clock.now() + timedelta(seconds=60))
    done = sweep.sweep()
    assert (done["enqueued"], done["staged"], done["missed"], done["resumed"]) == (1, 1, 0, 0)
    assert done["sealed"] >= 3


def test_sweep_limits_media_inspections(make_waiting, monkeypatch):
    monkeypatch.setattr(sweep, "MAX_INSPECTIONS", 2)
    for _ in range(5):
        make_waiting(looked=False)
    with later(11):
        assert [sweep.inspect_waiting_media() for _ in range(4)] == [2, 2, 1, 0]
