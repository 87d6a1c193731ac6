"""A late post is read back before it is sent: another copy of the database may have sent it (operations, O1)."""

from contextlib import suppress
from datetime import timedelta

import pytest
from django.db import transaction

from scheduling.domain.drafts import Medium
from scheduling.domain.publishing import stage
from scheduling.models import Attempt, Delivery, ScheduledPost
from tests.helpers import fresh
from tests.scheduling.domain.conftest import go_on, send

pytestmark = pytest.mark.django_db
KINDS = {
    "link": {"media_type": None},
    "photo": {},
    "album": {"media_items": 3},
    "video": {"media": "clip.mp4", "media_type": "VIDEO"},
    "reel": {"type": "REEL", "media": "clip.mp4", "media_type": "VIDEO"},
    "story": {"type": "STORY"},
}
ON_FACEBOOK = [name for name in KINDS if name != "story"]
ON_INSTAGRAM = ["photo", "album", "reel", "story"]
WHERE = [("facebook", kind) for kind in ON_FACEBOOK] + [("instagram", kind) for kind in ON_INSTAGRAM]


@pytest.fixture
def make_kind(make_enqueued, sandbox, facebook, instagram):
    def make(channel, kind):
        changes = dict(KINDS[kind])
        if kind == "link":
            changes["media"] = sandbox.url
        if "media_items" in changes:
            changes["media_items"] = [Medium(sandbox.media(f"{name}.jpg"), "IMAGE", "") for name in "abc"]
        elif changes.get("media"):
            changes["media"] = changes["media"] if "/" in changes["media"] else sandbox.media(changes["media"])
        return make_enqueued(channels=[{"facebook": facebook, "instagram": instagram}[channel]], **changes)

    return make


class DatabaseLostError(Exception):
    pass


def publish_and_lose(post, clock_, *, seconds=2):
    """Publish the post by a copy of the database that is lost afterwards."""
    before = fresh(post).status, Attempt.objects.count()
    with suppress(DatabaseLostError), transaction.atomic():
        send(post)
        assert go_on(post, clock_, seconds=seconds, rounds=4) == "PUBLISHED"
        raise DatabaseLostError
    assert (fresh(post).status, Attempt.objects.count()) == before


def test_post_on_time_is_not_read_back(make_enqueued, travel, sandbox, facebook):
    post = make_enqueued(channels=[facebook])
    travel(post, seconds=1)
    assert send(post) == "published"
    assert Attempt.objects.count() == 1


@pytest.mark.parametrize(("channel", "kind"), WHERE)
def test_late_post_that_was_never_sent_is_published_once_after_one_read_back(make_kind, travel, sandbox, channel, kind):
    post = make_kind(channel, kind)
    clock_ = travel(post, seconds=30)
    send(post)
    assert go_on(post, clock_, seconds=2, rounds=4) == "PUBLISHED"
    assert len(sandbox.posts) == 1
    assert [attempt.outcome for attempt in Attempt.objects.order_by("id")] == ["refused", "published"]


@pytest.mark.parametrize(("channel", "kind"), WHERE)
def test_late_post_that_a_lost_database_published_is_found_by_its_staged_ids(make_kind, travel, sandbox, channel, kind):
    post = make_kind(channel, kind)
    stage.prestage(str(post.pk))
    clock_ = travel(post)
    publish_and_lose(post, clock_)
    clock_.shift(timedelta(seconds=10))
    send(post)
    assert go_on(post, clock_, seconds=5) == "PUBLISHED"
    assert len(sandbox.posts) == 1


@pytest.mark.parametrize(("channel", "kind"), WHERE)
def test_late_post_that_a_lost_database_staged_and_published_is_not_sent_again(
    make_kind, travel, sandbox, channel, kind
):
    """Without the ids of what was staged a caption decides; a story has none, so a person does."""
    post = make_kind(channel, kind)
    clock_ = travel(post)
    publish_and_lose(post, clock_)
    clock_.shift(timedelta(seconds=10))
    send(post)
    status = go_on(post, clock_, seconds=60, rounds=20)
    assert len(sandbox.posts) == 1
    assert status == ("FAILED" if kind == "story" else "PUBLISHED")
    assert Delivery.objects.get().state == ("UNKNOWN" if kind == "story" else "PUBLISHED")


def test_retry_that_a_lost_database_sent_is_found(make_enqueued, travel, sandbox, facebook):
    """The copy knows the refused attempt only; the second one was published by the database that is lost."""
    post = make_enqueued(channels=[facebook])
    sandbox.fault("POST .*/feed", "flicker")
    clock_ = travel(post)
    assert send(post) == "pending"
    assert Attempt.objects.get().outcome == "refused"
    publish_and_lose(post, clock_, seconds=19)
    clock_.shift(timedelta(seconds=45))
    assert go_on(post, clock_) == "PUBLISHED"
    assert len(sandbox.posts) == 1


def test_late_post_beside_one_that_may_be_ours_is_left_to_a_person(make_enqueued, travel, sandbox, facebook):
    """The platform may have rewritten the text of a post by our app."""
    lost = make_enqueued(channels=[facebook])
    clock_ = travel(lost)
    publish_and_lose(lost, clock_)
    ScheduledPost.objects.filter(pk=lost.pk).delete()
    post = make_enqueued(channels=[facebook], scheduled_for=lost.scheduled_for + timedelta(minutes=1))
    Delivery.objects.update(caption="Another text")
    clock_.shift(timedelta(seconds=75))
    send(post)
    assert go_on(post, clock_, seconds=60, rounds=20) == "FAILED"
    assert len(sandbox.posts) == 1
