"""The daily quota of posts is used up: nothing is sent, and the next possible time is reported."""

from datetime import timedelta

import pytest

from accounts import clock
from scheduling.domain.publishing import stage
from scheduling.models import Attempt, Delivery, ScheduledPost
from tests.scheduling.domain.conftest import go_on, send

pytestmark = pytest.mark.django_db


def only(post):
    return Delivery.objects.get(post=post)


def test_post_waits_for_the_quota_and_is_then_published(make_enqueued, travel, sandbox, instagram):
    sandbox.settings(quota_total=1)
    first, post = make_enqueued(channels=[instagram]), make_enqueued(channels=[instagram])
    travel(first)
    assert send(first) == "published"
    clock_ = travel(post)
    assert send(post) == "pending"
    delivery = only(post)
    assert (delivery.error_code, delivery.staged) == ("9/2207042", {})
    assert not Attempt.objects.filter(delivery=delivery).exists()
    assert 0 < (delivery.retry_at - clock.now()).total_seconds() <= 60
    sandbox.settings(quota_total=2)
    assert go_on(post, clock_, seconds=61, rounds=2) == "PUBLISHED"
    assert len(sandbox.posts) == 2


def test_quota_past_the_late_limit_fails_with_the_next_time(make_enqueued, travel, sandbox, instagram, settings):
    sandbox.settings(quota_total=1)
    first, post = make_enqueued(channels=[instagram]), make_enqueued(channels=[instagram])
    travel(first)
    send(first)
    clock_ = travel(post)
    send(post)
    assert go_on(post, clock_, seconds=61, rounds=20) == "FAILED"
    delivery = only(post)
    free = only(first).published_at + timedelta(days=1)
    assert delivery.error_code == "9/2207042"
    assert delivery.error_message.endswith(f"1 of 1. The next one is possible from {free:%-d %B, %H:%M} UTC on.")
    assert ScheduledPost.objects.get(pk=post.pk).failure_reason.startswith(f"{instagram.name}: The account has used up")
    assert clock.now() <= post.scheduled_for + timedelta(seconds=settings.MAX_LATENESS_SECONDS)
    assert len(sandbox.posts) == 1


def test_quota_delay_ends_when_the_quota_frees(make_enqueued, travel, sandbox, instagram):
    post, earlier = make_enqueued(channels=[instagram]), make_enqueued(channels=[instagram])
    travel(post)
    soon = clock.now() - timedelta(days=1) + timedelta(seconds=20)
    Delivery.objects.filter(post=earlier).update(state="PUBLISHED", published_at=soon)
    sandbox.fault("POST .*/media_publish", "quota")
    assert send(post) == "pending"
    assert timedelta(0) <= only(post).retry_at - (soon + timedelta(days=1)) < timedelta(seconds=5)


def test_prestage_respects_the_quota_and_does_not_delay_publishing(make_enqueued, travel, sandbox, instagram):
    sandbox.settings(quota_total=1)
    first, post = make_enqueued(channels=[instagram]), make_enqueued(channels=[instagram])
    travel(first)
    send(first)
    travel(post, -10)
    assert stage.prestage(str(post.pk)) == 0
    delivery = only(post)
    assert (delivery.staged, delivery.retry_at) == ({}, post.scheduled_for)
    sandbox.settings(quota_total=2)
    travel(post)
    assert send(post) == "published"


def test_unreadable_quota_does_not_stop_publishing(make_enqueued, travel, sandbox, instagram):
    sandbox.fault("GET .*/content_publishing_limit", "error", code=100, times=3)
    post = make_enqueued(channels=[instagram])
    travel(post)
    assert (send(post), len(sandbox.posts)) == ("published", 1)


def test_facebook_page_has_no_quota(make_enqueued, travel, sandbox, facebook):
    sandbox.settings(quota_total=0)
    post = make_enqueued(channels=[facebook])
    travel(post)
    assert send(post) == "published"
