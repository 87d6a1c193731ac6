"""What blocks a channel, and how it is unblocked."""

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
def test_spam_error_without_a_published_post_blocks_the_channel(make_enqueued, travel, sandbox, network, request):
    channel = request.getfixturevalue(network)
    post = make_enqueued(channels=[channel])
    sandbox.fault("POST .*/(feed|media_publish)", "error", code=4, subcode=2207051)
    clock_ = travel(post)
    assert send(post) == "pending"
    assert state(channel) == "CONNECTED"  # it may be live: look first
    assert go_on(post, clock_) == "FAILED"
    delivery = Delivery.objects.get(post=post)
    assert (delivery.state, delivery.error_code, state(channel)) == ("FAILED", "4/2207051", "BLOCKED")
    assert (Attempt.objects.get().outcome, sandbox.posts) == ("refused", [])


def test_spam_error_with_a_published_post_is_a_success(make_enqueued, travel, sandbox, instagram):
    post = make_enqueued(channels=[instagram])
    sandbox.fault("POST .*/media_publish", "spam_after")
    clock_ = travel(post)
    send(post)
    assert go_on(post, clock_) == "PUBLISHED"
    assert (len(sandbox.posts), state(instagram)) == (1, "CONNECTED")


def test_spam_error_of_a_container_blocks_the_channel_at_once(make_enqueued, travel, sandbox, instagram):
    post = make_enqueued(channels=[instagram])
    sandbox.fault("POST .*/media$", "error", code=4, subcode=2207051)
    travel(post)
    assert send(post) == "failed"
    assert (state(instagram), Delivery.objects.get(post=post).error_code) == ("BLOCKED", "4/2207051")


def test_a_blocked_channel_stays_blocked_until_a_person_resumes_it(make_enqueued, travel, sandbox, facebook, author):
    first, second, third = (make_enqueued(channels=[facebook]) for _ in range(3))
    sandbox.fault("POST .*/feed", "policy_block")
    travel(third)  # created last, so all three are due
    assert (send(first), send(second)) == ("failed", "failed")
    assert (Delivery.objects.get(post=second).error_code, sandbox.posts) == ("CHANNEL_BLOCKED", [])
    facebook.refresh_from_db()
    channels.resume(actors.user_actor(author), facebook)
    assert (send(third), len(sandbox.posts)) == ("published", 1)


def test_expired_token_is_detected_at_staging(make_enqueued, travel, sandbox, facebook, organization, author):
    post = make_enqueued(channels=[facebook])
    sandbox.fault("POST .*/photos", "expired_token")
    travel(post, -120)
    assert stage.prestage(str(post.pk)) == 0
    assert (state(facebook), ScheduledPost.objects.get(pk=post.pk).status) == ("NEEDS_RECONNECT", "SCHEDULED")
    given = {"type": "FB_PAGE", "platform_id": FACEBOOK.id, "name": FACEBOOK.name, "token": FACEBOOK.token}
    channels.connect(actors.user_actor(author), organization=organization, **given)
    travel(post)
    assert send(post) == "published"
    assert len(sandbox.posts) == 1


def test_channel_that_is_not_reconnected_fails_with_the_reason(make_enqueued, travel, sandbox, facebook):
    post = make_enqueued(channels=[facebook])
    sandbox.fault("POST .*/photos", "expired_token")
    travel(post, -120)
    stage.prestage(str(post.pk))
    travel(post)
    assert send(post) == "failed"
    delivery = Delivery.objects.get(post=post)
    assert (delivery.error_code, sandbox.posts) == ("CHANNEL_NEEDS_RECONNECT", [])
    assert "needs to be connected again" in delivery.error_message


def test_failed_staging_does_not_delay_publishing(make_enqueued, travel, sandbox, facebook):
    post = make_enqueued(channels=[facebook])
    Delivery.objects.filter(post=post).update(attempt_count=6)  # whose pause is a minute
    sandbox.fault("POST .*/photos", "drop_before")
    travel(post, -20)
    assert stage.prestage(str(post.pk)) == 0
    assert Delivery.objects.get(post=post).retry_at == post.scheduled_for
    travel(post)
    assert send(post) == "published"
