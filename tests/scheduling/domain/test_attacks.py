"""Attempts to publish something other than what was approved."""

import hashlib
import threading
import urllib.request

import pytest
from django.db import connection

from accounts import clock
from accounts.domain import actors
from accounts.exceptions import Conflict, DomainError
from posts.domain import channels
from scheduling.domain import content, drafts, review
from scheduling.domain.drafts import ChannelText
from scheduling.domain.media_inspection import inspect_media
from scheduling.domain.publishing import run, stage
from scheduling.lifecycle import StateConflict
from scheduling.models import Approval, Delivery, ScheduledPost
from tests.scheduling.domain.conftest import send

pytestmark = pytest.mark.django_db


def fresh(post):
    return ScheduledPost.objects.select_related("organization").get(pk=post.pk)


def sha256(url):
    with urllib.request.urlopen(url) as answer:
        return hashlib.sha256(answer.read()).hexdigest()


def swap(sandbox):
    """Serve other bytes at the same URL from now on."""
    sandbox.settings(media_versions={"sunset.jpg": 2})


@pytest.fixture
def make_seen(make_waiting, judge):
    """Make a scheduled post whose media was inspected before its approval."""

    def make(**changes):
        post = make_waiting(**changes)
        assert inspect_media(str(post.pk), post.version)
        review.approve(
            judge, fresh(post), revision=fresh(post).revision, digest=content.current_content(fresh(post))[1]
        )
        return fresh(post)

    return make


def test_a_key_cannot_edit_what_was_approved(make_enqueued, travel, sandbox, key, facebook):
    post = make_enqueued(channels=[facebook])
    text = {facebook.public_id: ChannelText("FB_PAGE", "Buy my coins")}
    for stale in (post, fresh(post)):
        with pytest.raises(StateConflict, match="Cannot update a SCHEDULED post"):
            drafts.edit(actors.api_key_actor(key), stale, changes={"channels": text})
    travel(post)
    assert send(post) == "published"
    assert [post["message"] for post in sandbox.posts] == [f"Olá from {facebook.name} 👋"]


def test_revert_edit_and_the_old_message_publish_nothing(make_enqueued, travel, sandbox, key, facebook):
    post = make_enqueued(channels=[facebook])
    review.revert(actors.api_key_actor(key), fresh(post))
    text = {facebook.public_id: ChannelText("FB_PAGE", "Buy my coins")}
    drafts.edit(actors.api_key_actor(key), fresh(post), changes={"channels": text})
    review.submit(actors.api_key_actor(key), fresh(post))
    travel(post)
    assert (send(post), fresh(post).status, sandbox.posts) == ("void", "WAITING_FOR_APPROVAL", [])


@pytest.mark.parametrize("network", ["facebook", "instagram"])
def test_bytes_swapped_at_the_same_address_are_not_published(make_seen, travel, sandbox, network, request):
    post = make_seen(channels=[request.getfixturevalue(network)])
    swap(sandbox)
    travel(post)
    assert send(post) == "failed"
    assert (sandbox.posts, fresh(post).status) == ([], "FAILED")
    delivery = Delivery.objects.get(post=post)
    assert (delivery.error_code, "no longer what was approved" in delivery.error_message) == ("MediaChanged", True)


@pytest.mark.parametrize("network", ["facebook", "instagram"])
def test_bytes_swapped_after_staging_publish_the_approved_ones(make_seen, travel, sandbox, network, request):
    post = make_seen(channels=[request.getfixturevalue(network)])
    travel(post, -60)
    assert stage.prestage(str(post.pk)) == 1
    swap(sandbox)
    assert sha256(post.media) != post.media_sha256
    travel(post)
    assert send(post) == "published"
    assert [post["media_sha256"] for post in sandbox.posts] == [post.media_sha256]


def test_bytes_swapped_while_instagram_fetches_them_are_not_published(make_seen, travel, sandbox, instagram):
    post = make_seen(channels=[instagram])
    sandbox.settings(container_polls=1)
    travel(post, -60)
    assert stage.prestage(str(post.pk)) == 0  # the container is made, and still at work
    swap(sandbox)
    travel(post, 3)
    assert send(post) == "failed"
    assert (sandbox.posts, Delivery.objects.get(post=post).error_code) == ([], "MediaChanged")


@pytest.mark.parametrize("network", ["facebook", "instagram"])
def test_channel_disconnected_before_publishing_gets_nothing(make_enqueued, travel, sandbox, network, request, author):
    channel = request.getfixturevalue(network)
    post = make_enqueued(channels=[channel])
    channels.disconnect(actors.user_actor(author), channel)
    travel(post)
    assert send(post) == "failed"
    assert (sandbox.posts, Delivery.objects.get(post=post).error_code) == ([], "CHANNEL_DISCONNECTED")


def test_channel_removed_after_staging_gets_nothing(make_enqueued, travel, sandbox, facebook, author):
    post = make_enqueued(channels=[facebook])
    travel(post, -60)
    assert stage.prestage(str(post.pk)) == 1
    channels.disconnect(actors.user_actor(author), facebook)
    travel(post)
    assert (send(post), sandbox.posts) == ("failed", [])


@pytest.mark.parametrize("staged", [False, True])
@pytest.mark.parametrize(
    "attack", ["organization deactivated", "reviewer demoted", "reviewer dismissed", "account closed"]
)
def test_approval_without_preconditions_is_void(make_enqueued, travel, sandbox, organization, reviewer, attack, staged):
    post = make_enqueued()
    if staged:
        travel(post, -60)
        assert stage.prestage(str(post.pk)) == 2
    match attack:
        case "organization deactivated":
            type(organization).objects.filter(pk=organization.pk).update(active=False)
        case "reviewer demoted":
            reviewer.memberships.update(may_review=False)
        case "reviewer dismissed":
            reviewer.memberships.all().delete()
        case "account closed":
            type(reviewer).objects.filter(pk=reviewer.pk).update(is_active=False)
    travel(post)
    assert (send(post), fresh(post).status, sandbox.posts) == ("refused", "FAILED", [])
    assert fresh(post).failure_reason


def test_page_approves_once(make_waiting, judge):
    post = make_waiting()
    page = content.current_content(post)[1]
    review.approve(judge, fresh(post), revision=fresh(post).revision, digest=page)
    with pytest.raises(StateConflict):
        review.approve(judge, fresh(post), revision=fresh(post).revision, digest=page)
    assert Approval.objects.count() == 1


def test_spent_approval_publishes_nothing(make_enqueued, travel, sandbox, judge, key):
    post = make_enqueued()
    travel(post)
    assert send(post) == "published"
    used = Approval.objects.get()
    again = make_enqueued()
    ScheduledPost.objects.filter(pk=again.pk).update(approval=used)
    travel(again)
    assert send(again) == "void"
    assert (len(sandbox.posts), fresh(again).status) == (2, "SCHEDULED")


def test_gate_with_the_approval_of_another_post_is_closed(make_enqueued, travel, sandbox, facebook):
    lent, post = make_enqueued(channels=[facebook]), make_enqueued(channels=[facebook])
    ScheduledPost.objects.filter(pk=post.pk).update(approval=lent.approval)
    travel(post)
    assert (send(post), sandbox.posts) == ("refused", [])
    assert Delivery.objects.get(post=post).error_code == "NOT_APPROVED"


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("fault", ["delay", "delay_after"])
def test_revert_during_the_publishing_call_raises_state_conflict(make_scheduled, judge, sandbox, key, facebook, fault):
    post = make_scheduled(channels=[facebook])
    sandbox.fault("POST .*/feed", fault, seconds=1.5)
    ScheduledPost.objects.filter(pk=post.pk).update(scheduled_for=clock.now())
    covered, its_digest = content.current_content(fresh(post))
    Approval.objects.filter(post=post).update(content=covered, digest=its_digest)
    results: list[str] = []

    def publish():
        results.append(run.publish(str(post.pk), str(post.task_id)))
        connection.close()

    worker = threading.Thread(target=publish)
    worker.start()
    while fresh(post).status == "SCHEDULED" or not Delivery.objects.get(post=post).attempts.exists():
        assert worker.is_alive()
    with pytest.raises(DomainError) as caught:
        review.revert(actors.api_key_actor(key), fresh(post))
    worker.join()
    assert isinstance(caught.value, Conflict)
    assert caught.value.details == {"status": "PUBLISHING", "allowed": []}
    assert (results, fresh(post).status, len(sandbox.posts)) == (["published"], "PUBLISHED", 1)
