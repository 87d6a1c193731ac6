"""What was staged and is not needed is deleted at the platform, and nothing else is."""

from datetime import timedelta
from uuid import uuid4

import pytest

from accounts import clock
from accounts.domain import actors
from accounts.models import AuditEvent
from dynamo.celery import app
from posts.models import Channel
from scheduling import tasks
from scheduling.domain import discards, drafts, enqueue, review
from scheduling.domain.publishing import stage
from scheduling.models import Delivery, Discard, ScheduledPost
from tests.helpers import approve, fresh
from tests.scheduling.domain.conftest import go_on, send

pytestmark = pytest.mark.django_db


@pytest.fixture
def make_staged(make_enqueued, travel, facebook):
    def make(**changes):
        post = make_enqueued(channels=[facebook], **changes)
        assert stage.prestage(str(post.pk)) == 1
        return fresh(post)

    return make


def deleted(sandbox):
    calls = sandbox.call("GET", "/__requests")["requests"]
    return [call["path"].rpartition("/")[2] for call in calls if call["method"] == "DELETE"]


@pytest.mark.parametrize("way", ["revert", "delete", "retry"])
def test_staged_object_of_a_withdrawn_post_is_deleted_with_an_event_a9(
    make_staged, sandbox, key, judge, travel, settings, way
):
    post = make_staged()
    staged = Delivery.objects.get(post=post).staged
    if way == "revert":
        review.revert(actors.api_key_actor(key), post)
    elif way == "delete":
        drafts.delete(actors.api_key_actor(key), post)
    else:
        travel(post, settings.MAX_LATENESS_SECONDS + 1)
        assert send(post) == "missed"
        approve(judge, post, now=True)
    row = Discard.objects.get()
    assert (discards.discard(row.pk), discards.discard(row.pk)) == (True, False)
    assert deleted(sandbox) == [staged["photo"]]
    event = AuditEvent.objects.get(verb="discard")
    assert (event.subject, event.details["object"]) == (f"post:{post.pk}", staged["photo"])


def test_message_made_by_hand_deletes_nothing_a9(make_staged, make_enqueued, sandbox, facebook, travel):
    post, pending = make_staged(), make_enqueued(channels=[facebook])
    travel(post)
    assert send(post) == "published"
    staged = Delivery.objects.get(post=post).staged
    for arguments in ([None, [[facebook.pk, staged]]], [[[facebook.pk, staged]]], ["x"], [None]):
        with pytest.raises((TypeError, ValueError, AttributeError)):
            tasks.cancel(*arguments)
    assert not tasks.cancel(str(pending.task_id)), "the task of a scheduled post is not revoked"
    assert not any(tasks.discard_staged(number) for number in (0, 1, facebook.pk))
    assert (deleted(sandbox), len(sandbox.posts)) == ([], 1)


@pytest.mark.parametrize("kind", ["photo", "video"])
def test_row_that_names_a_published_object_deletes_nothing_a9(make_staged, sandbox, travel, kind):
    clip = {"media": sandbox.media("clip.mp4"), "media_type": "VIDEO"} if kind == "video" else {}
    post = make_staged(**clip)
    clock_ = travel(post)
    send(post)
    assert go_on(post, clock_) == "PUBLISHED"
    delivery = Delivery.objects.get(post=post)
    staged, delivery.state = delivery.staged, ""
    Delivery.objects.filter(post=post).update(staged={})
    discards.add([delivery])
    assert staged[kind]
    assert not discards.discard(Discard.objects.get().pk)
    assert (deleted(sandbox), AuditEvent.objects.filter(verb="discard").count()) == ([], 0)
    assert Discard.objects.get().done_at is not None


def test_object_that_a_delivery_has_staged_is_not_deleted_a9(make_staged, sandbox):
    post = make_staged()
    discards.add(Delivery.objects.filter(post=post))
    assert not discards.discard(Discard.objects.get().pk)
    assert deleted(sandbox) == []


def test_discard_without_an_answer_is_repeated_by_the_sweep_a9(make_staged, sandbox, key):
    review.revert(actors.api_key_actor(key), make_staged())
    row = Discard.objects.get()
    sandbox.fault("DELETE", "error")
    assert not discards.discard(row.pk)
    Discard.objects.update(retry_at=clock.now() - timedelta(minutes=1))
    app.control.purge()
    assert discards.enqueue_due() == 1
    assert discards.discard(row.pk)
    assert (len(set(deleted(sandbox))), AuditEvent.objects.filter(verb="discard").count()) == (1, 1)


def test_undecryptable_token_delays_only_its_own_discard_a9(make_staged, sandbox, key, facebook):
    review.revert(actors.api_key_actor(key), make_staged())
    Channel.objects.filter(pk=facebook.pk).update(token_encrypted="gAAAAA-not-ours")
    assert not discards.discard(Discard.objects.get().pk)
    assert (Discard.objects.get().done_at, deleted(sandbox)) == (None, [])


def test_staged_text_that_went_to_the_feed_instead_is_deleted(make_staged, sandbox, travel, settings):
    settings.STAGE_TEXT_POSTS = True
    post = make_staged(media="https://example.com/menu", media_type=None)
    staged = Delivery.objects.get(post=post).staged["post"]
    sandbox.fault(r"POST .*/\d+_\d+$", "error", code=100, status=400)
    travel(post)
    assert send(post) == "published"
    assert discards.discard(Discard.objects.get().pk)
    assert (deleted(sandbox), len(sandbox.posts)) == ([staged], 1)


def test_cancel_revokes_the_task_of_no_post():
    assert enqueue.cancel(str(uuid4()))
    assert ScheduledPost.objects.count() == 0
