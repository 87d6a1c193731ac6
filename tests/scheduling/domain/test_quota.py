"""The account's posts of the day are used up: nothing is sent, and a person learns when the next is possible."""

from datetime import timedelta

import pytest

from accounts import clock
from scheduling.domain.publishing import stage
from scheduling.models import Attempt, Delivery, ScheduledPost
from tests.scheduling.domain.conftest import go_on, send

pytestmark = pytest.mark.django_db


def only(post):
    return Delivery.objects.get(post=post)


def test_nothing_is_sent_while_the_quota_is_used_up_and_the_post_goes_out_when_it_frees(
    make_handed, travel, sandbox, instagram
):
    sandbox.settings(quota_total=1)
    first, post = make_handed(channels=[instagram]), make_handed(channels=[instagram])
    travel(first)
    assert send(first) == "published"
    clock_ = travel(post)
    assert send(post) == "pending"
    one = only(post)
    assert (one.error_code, one.staged, Attempt.objects.filter(delivery=one).exists()) == ("9/2207042", {}, False)
    assert 0 < (one.retry_at - clock.now()).total_seconds() <= 60
    sandbox.settings(quota_total=2)
    assert go_on(post, clock_, seconds=61, rounds=2) == "PUBLISHED"
    assert len(sandbox.posts) == 2


def test_past_the_late_limit_it_fails_and_says_when_the_next_one_is_possible(
    make_handed, travel, sandbox, instagram, settings
):
    sandbox.settings(quota_total=1)
    first, post = make_handed(channels=[instagram]), make_handed(channels=[instagram])
    travel(first)
    send(first)
    clock_ = travel(post)
    send(post)
    assert go_on(post, clock_, seconds=61, rounds=20) == "FAILED"
    one = only(post)
    free = only(first).published_at + timedelta(days=1)
    assert one.error_code == "9/2207042"
    assert one.error_message.endswith(f"1 of 1. The next one is possible from {free:%-d %B, %H:%M} UTC on.")
    assert ScheduledPost.objects.get(pk=post.pk).failure_reason.startswith(f"{instagram.name}: The account has used up")
    assert clock.now() <= post.scheduled_for + timedelta(seconds=settings.MAX_LATENESS_SECONDS)
    assert len(sandbox.posts) == 1


def test_a_quota_that_frees_soon_is_waited_for_to_the_minute(make_handed, travel, sandbox, instagram):
    post, earlier = make_handed(channels=[instagram]), make_handed(channels=[instagram])
    travel(post)
    soon = clock.now() - timedelta(days=1) + timedelta(seconds=20)
    Delivery.objects.filter(post=earlier).update(state="PUBLISHED", published_at=soon)
    sandbox.fault("POST .*/media_publish", "quota")
    assert send(post) == "pending"
    assert 19 <= (only(post).retry_at - clock.now()).total_seconds() <= 20


def test_staging_ahead_does_not_stage_beyond_the_quota_nor_delay_the_instant(make_handed, travel, sandbox, instagram):
    sandbox.settings(quota_total=1)
    first, post = make_handed(channels=[instagram]), make_handed(channels=[instagram])
    travel(first)
    send(first)
    travel(post, -10)
    assert stage.prestage(str(post.pk)) == 0
    one = only(post)
    assert (one.staged, one.retry_at) == ({}, post.scheduled_for)
    sandbox.settings(quota_total=2)
    travel(post)
    assert send(post) == "published"


def test_a_quota_that_cannot_be_read_stops_nothing(make_handed, travel, sandbox, instagram):
    sandbox.fault("GET .*/content_publishing_limit", "error", code=100, times=3)
    post = make_handed(channels=[instagram])
    travel(post)
    assert (send(post), len(sandbox.posts)) == ("published", 1)


def test_a_page_has_no_such_quota(make_handed, travel, sandbox, facebook):
    sandbox.settings(quota_total=0)
    post = make_handed(channels=[facebook])
    travel(post)
    assert send(post) == "published"
