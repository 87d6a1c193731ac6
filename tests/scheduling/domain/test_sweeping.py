"""The beat's round: what the broker lost is found again."""

from datetime import timedelta

import pytest
import time_machine

from accounts import clock
from scheduling.domain import sweeping
from scheduling.models import ScheduledPost

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_messages")]


def later(seconds):
    return time_machine.travel(clock.now() + timedelta(seconds=seconds), tick=True)


def marked(post):
    return ScheduledPost.objects.get(pk=post.pk).handed_over_at


def test_a_post_within_the_horizon_is_handed_over_once(make_scheduled, settings):
    post = make_scheduled(scheduled_for=clock.now() + timedelta(seconds=settings.HANDOVER_HORIZON - 5))
    assert (sweeping.hand_over(), sweeping.hand_over()) == (1, 0)
    assert marked(post) is not None


def test_a_post_beyond_the_horizon_waits_in_the_database(make_scheduled, settings):
    post = make_scheduled(scheduled_for=clock.now() + timedelta(seconds=settings.HANDOVER_HORIZON + 60))
    assert (sweeping.hand_over(), marked(post)) == (0, None)


def test_what_nobody_took_at_its_instant_is_handed_over_again(make_scheduled):
    make_scheduled(scheduled_for=clock.now() + timedelta(seconds=30))
    sweeping.hand_over()
    with later(33):
        assert (sweeping.hand_over(), sweeping.hand_over()) == (1, 0)
    with later(46):
        assert sweeping.hand_over() == 1


def test_what_was_handed_over_by_a_clock_that_was_set_back_is_handed_over_again(make_scheduled):
    post = make_scheduled(scheduled_for=clock.now() + timedelta(seconds=30))
    ScheduledPost.objects.filter(pk=post.pk).update(handed_over_at=clock.now() + timedelta(hours=1))
    with later(33):
        assert (sweeping.hand_over(), sweeping.hand_over()) == (1, 0)


def test_media_whose_look_was_lost_is_looked_at_again(make_waiting):
    make_waiting()
    assert sweeping.look_at_media() == 0
    with later(11):
        assert (sweeping.look_at_media(), sweeping.look_at_media()) == (1, 0)


def test_what_is_due_soon_is_staged_and_asked_for_once(make_scheduled, settings):
    make_scheduled(scheduled_for=clock.now() + timedelta(seconds=settings.STAGE_LEAD - 10))
    make_scheduled(scheduled_for=clock.now() + timedelta(seconds=settings.STAGE_LEAD + 60))
    assert (sweeping.stage_soon(), sweeping.stage_soon()) == (1, 0)


def test_a_round_counts_what_it_did(make_scheduled):
    make_scheduled(scheduled_for=clock.now() + timedelta(seconds=60))
    done = sweeping.sweep()
    assert (done["handed"], done["staging"], done["missed"], done["resumed"]) == (1, 1, 0, 0)
    assert done["sealed"] >= 3
