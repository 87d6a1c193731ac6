"""What stops a channel, who starts it again, and who hears of it before a post is due."""

import pytest

from accounts.domain import actors
from posts.domain import channels
from scheduling.domain.publishing import stage
from scheduling.models import Attempt, Delivery, ScheduledPost
from tests.scheduling.domain.conftest import go_on, send
from tests.services.sandbox import FACEBOOK

pytestmark = pytest.mark.django_db


def state(channel):
    return type(channel).objects.get(pk=channel.pk).state


@pytest.mark.parametrize("network", ["facebook", "instagram"])
def test_what_looked_like_spam_and_is_not_live_blocks_the_channel_and_is_not_repeated(
    make_handed, travel, sandbox, network, request
):
    channel = request.getfixturevalue(network)
    post = make_handed(channels=[channel])
    sandbox.fault("POST .*/(feed|media_publish)", "error", code=4, subcode=2207051)
    clock_ = travel(post)
    assert send(post) == "pending"
    assert state(channel) == "CONNECTED"  # it may be live: look first
    assert go_on(post, clock_) == "FAILED"
    one = Delivery.objects.get(post=post)
    assert (one.state, one.error_code, state(channel)) == ("FAILED", "4/2207051", "BLOCKED")
    assert (Attempt.objects.get().outcome, sandbox.posts) == ("refused", [])


def test_what_looked_like_spam_and_is_live_is_published(make_handed, travel, sandbox, instagram):
    post = make_handed(channels=[instagram])
    sandbox.fault("POST .*/media_publish", "spam_after")
    clock_ = travel(post)
    send(post)
    assert go_on(post, clock_) == "PUBLISHED"
    assert (len(sandbox.posts), state(instagram)) == (1, "CONNECTED")


def test_a_container_refused_as_spam_blocks_at_once_for_nothing_can_be_live(make_handed, travel, sandbox, instagram):
    post = make_handed(channels=[instagram])
    sandbox.fault("POST .*/media$", "error", code=4, subcode=2207051)
    travel(post)
    assert send(post) == "failed"
    assert (state(instagram), Delivery.objects.get(post=post).error_code) == ("BLOCKED", "4/2207051")


def test_a_blocked_channel_stays_blocked_until_a_person_resumes_it(make_handed, travel, sandbox, facebook, author):
    first, second, third = (make_handed(channels=[facebook]) for _ in range(3))
    sandbox.fault("POST .*/feed", "policy_block")
    travel(first)
    assert (send(first), send(second)) == ("failed", "failed")
    assert (Delivery.objects.get(post=second).error_code, sandbox.posts) == ("CHANNEL_BLOCKED", [])
    facebook.refresh_from_db()
    channels.resume(actors.user_actor(author), facebook)
    assert (send(third), len(sandbox.posts)) == ("published", 1)


def test_a_token_that_expired_is_noticed_at_staging_and_a_reconnected_channel_publishes_on_time(
    make_handed, travel, sandbox, facebook, organization, author
):
    post = make_handed(channels=[facebook])
    sandbox.fault("POST .*/photos", "expired_token")
    travel(post, -120)
    assert stage.prestage(str(post.pk)) == 0
    assert (state(facebook), ScheduledPost.objects.get(pk=post.pk).status) == ("NEEDS_RECONNECT", "SCHEDULED")
    given = {"type": "FB_PAGE", "platform_id": FACEBOOK.id, "name": FACEBOOK.name, "token": FACEBOOK.token}
    channels.connect(actors.user_actor(author), organization=organization, **given)
    travel(post)
    assert send(post) == "published"
    assert len(sandbox.posts) == 1


def test_a_channel_that_nobody_reconnects_fails_with_the_reason(make_handed, travel, sandbox, facebook):
    post = make_handed(channels=[facebook])
    sandbox.fault("POST .*/photos", "expired_token")
    travel(post, -120)
    stage.prestage(str(post.pk))
    travel(post)
    assert send(post) == "failed"
    one = Delivery.objects.get(post=post)
    assert (one.error_code, "needs to be connected again" in one.error_message) == ("CHANNEL_NEEDS_RECONNECT", True)
    assert sandbox.posts == []


def test_a_failure_of_staging_does_not_delay_the_instant(make_handed, travel, sandbox, facebook):
    post = make_handed(channels=[facebook])
    Delivery.objects.filter(post=post).update(attempt_count=6)  # whose pause is a minute
    sandbox.fault("POST .*/photos", "drop_before")
    travel(post, -20)
    assert stage.prestage(str(post.pk)) == 0
    assert Delivery.objects.get(post=post).retry_at == post.scheduled_for
    travel(post)
    assert send(post) == "published"
