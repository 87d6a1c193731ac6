"""Attempts to publish something other than what was approved."""

import hashlib
import threading
import urllib.request
import uuid
from pathlib import Path

import pytest
from django.db import connection

from accounts.domain import actors
from accounts.exceptions import Conflict, DomainError
from posts.domain import channels, media_store
from posts.models import MediaFile
from scheduling.domain import drafts, review
from scheduling.domain.drafts import ChannelText
from scheduling.domain.media_inspection import inspect_media
from scheduling.domain.publishing import run, stage
from scheduling.models import Delivery, ScheduledPost
from tests.helpers import approve, fresh
from tests.scheduling.domain.conftest import go_on, send

pytestmark = pytest.mark.django_db


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
        approve(judge, post)
        return fresh(post)

    return make


def test_revert_edit_and_the_old_message_publish_nothing(make_enqueued, travel, sandbox, key, facebook):
    post = make_enqueued(channels=[facebook])
    review.revert(actors.api_key_actor(key), fresh(post))
    text = {facebook.public_id: ChannelText("FB_PAGE", "Buy my coins")}
    drafts.edit(actors.api_key_actor(key), fresh(post), changes={"channels": text})
    review.submit(actors.api_key_actor(key), fresh(post))
    travel(post)
    assert (send(post), fresh(post).status, sandbox.posts) == ("void", "WAITING_FOR_APPROVAL", [])


@pytest.mark.parametrize("network", ["facebook", "instagram"])
@pytest.mark.parametrize("media", ["sunset.jpg", "film.mp4"])
def test_bytes_swapped_after_the_approval_publish_the_approved_ones_a1_a2(
    make_seen, travel, sandbox, network, media, request
):
    kind = {"media_type": "VIDEO", "type": "REEL"} if media == "film.mp4" else {}
    post = make_seen(channels=[request.getfixturevalue(network)], media=sandbox.media(media), **kind)
    sandbox.settings(media_versions={media: 2})
    assert sha256(post.media) != post.media_sha256
    before = len(sandbox.call("GET", "/__requests")["requests"])
    moved = travel(post)
    send(post)
    assert go_on(post, moved) == "PUBLISHED"  # a reel is processed first
    with media_store.open_stored(post.media_file) as stored:
        assert hashlib.sha256(stored.read()).hexdigest() == post.media_sha256
    assert [entry["media_sha256"] for entry in sandbox.posts] == [post.media_sha256]
    calls = sandbox.call("GET", "/__requests")["requests"][before:]
    assert [call["path"] for call in calls if call["path"].startswith("/media/")] == []  # the source is not read again


@pytest.mark.parametrize("network", ["facebook", "instagram"])
def test_stored_bytes_that_were_altered_are_not_published(make_seen, travel, sandbox, network, request):
    post = make_seen(channels=[request.getfixturevalue(network)])
    path = Path(post.media_file.file.path)
    original = path.read_bytes()
    try:
        path.write_bytes(b"other" + original)
        travel(post)
        assert send(post) == "failed"
    finally:
        path.write_bytes(original)
    assert (sandbox.posts, Delivery.objects.get(post=post).error_code) == ([], "MediaChanged")


@pytest.mark.parametrize("fault", ["flicker", "html_502"])
def test_media_that_was_not_stored_is_not_approvable_a3(make_waiting, judge, sandbox, facebook, fault):
    sandbox.fault("GET /media/.*", fault, times=None)
    post = make_waiting(channels=[facebook])
    sandbox.heal()  # the host serves a picture now
    with pytest.raises(Conflict, match="could not be fetched and stored"):
        approve(judge, post)
    assert inspect_media(str(post.pk), post.version)
    assert approve(judge, post).digest


@pytest.mark.parametrize("copy", ["none", "of another organization"])
def test_gate_refuses_media_without_stored_bytes_a3(make_enqueued, travel, sandbox, facebook, other_facebook, copy):
    post = make_enqueued(channels=[facebook])
    foreign = None
    if copy != "none":
        foreign = MediaFile.objects.get(pk=post.media_file_id)
        foreign.pk, foreign.organization = uuid.uuid4(), other_facebook.organization
        foreign.save(force_insert=True)
    ScheduledPost.objects.filter(pk=post.pk).update(media_file=foreign)
    travel(post)
    assert (send(post), sandbox.posts) == ("refused", [])
    assert Delivery.objects.get(post=post).error_code == "MEDIA_NOT_STORED"


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


def test_channel_removed_after_staging_gets_nothing(make_enqueued, travel, sandbox, facebook, author):
    post = make_enqueued(channels=[facebook])
    travel(post, -60)
    assert stage.prestage(str(post.pk)) == 1
    channels.disconnect(actors.user_actor(author), facebook)
    travel(post)
    assert (send(post), sandbox.posts) == ("failed", [])


def test_gate_with_the_approval_of_another_post_is_closed(make_enqueued, travel, sandbox, facebook):
    lent, post = make_enqueued(channels=[facebook]), make_enqueued(channels=[facebook])
    ScheduledPost.objects.filter(pk=post.pk).update(approval=lent.approval)
    travel(post)
    assert (send(post), sandbox.posts) == ("refused", [])
    assert Delivery.objects.get(post=post).error_code == "NOT_APPROVED"


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("fault", ["delay", "delay_after"])
def test_revert_during_the_publishing_call_raises_state_conflict(make_waiting, judge, sandbox, key, facebook, fault):
    post = make_waiting(channels=[facebook])
    sandbox.fault("POST .*/feed", fault, seconds=5)
    approve(judge, post, now=True)
    post = fresh(post)
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
