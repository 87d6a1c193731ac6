"""Publishing on Instagram, over real HTTP: the container is the handle, and it is used once."""

from dataclasses import replace

import pytest
import time_machine

from accounts import clock
from posts.graph import errors
from posts.graph.publishers import LookupResult, LookupStatus
from tests.posts.graph.publishers.stage import ABSENT, LONG_AGO, PENDING, UNCLEAR, Stage
from tests.services.sandbox import INSTAGRAM, SandboxControl


@pytest.fixture
def stage(sandbox: SandboxControl) -> Stage:
    return Stage(sandbox, INSTAGRAM)


@pytest.mark.parametrize(
    ("kind", "product"), [("image", "FEED"), ("video", "REELS"), ("reel", "REELS"), ("image story", "STORY")]
)
def test_publish_creates_the_requested_kind(stage: Stage, kind: str, product: str) -> None:
    from posts.graph import client

    media_id = stage.publish(stage.make(kind))
    assert client.get(stage.account, media_id, fields="media_product_type")["media_product_type"] == product


def test_find_listing_failure_keeps_published(stage: Stage) -> None:
    item = stage.image()
    staged = stage.stage(item)
    stage.sandbox.fault("GET .*/media$", "flicker", times=9)
    assert stage.find(item, staged) == UNCLEAR
    stage.commit(item, staged)
    assert stage.find(item, staged) == LookupResult(LookupStatus.PUBLISHED, "")


@pytest.mark.parametrize("answer", ["refuse", "not_ready"])
def test_commit_published_container_is_ambiguous(stage: Stage, answer: str) -> None:
    """24/2207008 is returned for an unknown container and for a published one: its status decides."""
    stage.sandbox.settings(creation_id_twice=answer)
    item = stage.image()
    staged = stage.stage(item)
    stage.commit(item, staged)
    with pytest.raises(errors.Ambiguous):
        stage.commit(item, staged)
    assert len(stage.posts) == 1


def test_commit_unreadable_container_is_ambiguous(stage: Stage) -> None:
    item = stage.image()
    staged = stage.stage(item)
    stage.commit(item, staged)
    stage.sandbox.fault("GET .*", "flicker", times=9)
    with pytest.raises(errors.Ambiguous):
        stage.commit(item, staged)


def test_stage_processing_container_is_saved_and_not_ready(stage: Stage) -> None:
    stage.sandbox.settings(container_polls=2)
    item = stage.image()
    with pytest.raises(errors.NotReady):
        stage.stage(item)
    [staged] = stage.saved
    with pytest.raises(errors.NotReady):
        stage.stage(item, staged)
    assert stage.stage(item, staged) == {**staged, "ready": True}
    assert [call for call in stage.requests if call.startswith("POST")] == [f"POST /{INSTAGRAM.id}/media"]


def test_commit_processing_container_is_not_ready(stage: Stage) -> None:
    stage.sandbox.settings(container_seconds=60)
    item = stage.image()
    with pytest.raises(errors.NotReady):
        stage.stage(item)
    with pytest.raises(errors.NotReady) as caught:
        stage.commit(item, stage.saved[0])
    assert (caught.value.label, stage.find(item, stage.saved[0])) == ("9007/2207027", PENDING)


def test_expired_container_requires_restage(stage: Stage) -> None:
    item = stage.image()
    staged = stage.stage(item)
    with time_machine.travel(clock.now().timestamp() + 25 * 3600):
        with pytest.raises(errors.RestageRequired):
            stage.commit(item, staged)
        with pytest.raises(errors.RestageRequired):
            stage.stage(item, {**staged, "ready": False})
        assert stage.find(item, staged) == ABSENT
        assert stage.publish(item) == stage.posts[0][0]


@pytest.mark.parametrize(
    ("subcode", "expected"),
    [(2207082, errors.RestageRequired), (2207026, errors.InvalidRequest), (2207999, errors.RestageRequired)],
)
def test_stage_failed_container_raises_by_its_subcode(
    stage: Stage, subcode: int, expected: type[errors.GraphError]
) -> None:
    stage.sandbox.fault("POST .*/media$", "container_error", subcode=subcode)
    with pytest.raises(errors.GraphError) as caught:
        stage.stage(stage.video())
    assert (type(caught.value), caught.value.subcode) == (expected, subcode)


def test_commit_failed_container_requires_restage(stage: Stage) -> None:
    stage.sandbox.fault("POST .*/media$", "container_error", subcode=2207082)
    item = stage.video()
    with pytest.raises(errors.RestageRequired):
        stage.stage(item)
    with pytest.raises(errors.RestageRequired):
        stage.commit(item, stage.saved[0])
    assert stage.find(item, stage.saved[0]) == ABSENT


@pytest.mark.parametrize("kind", ["image", "video", "image story"])
def test_stage_platform_fetches_our_copy_and_not_the_source_a2(stage: Stage, kind: str) -> None:
    """The host serves other bytes from now on, to all: what was stored is published."""
    item = stage.make(kind)
    stage.sandbox.settings(media_versions={"terrace.jpg": 2, "film.mp4": 2})
    before = stage.requests
    stage.publish(item)
    assert [post["media_sha256"] for post in stage.sandbox.posts] == [item.media_sha256]
    assert [call for call in stage.requests[len(before) :] if call.startswith("GET /media/")] == []


def test_stage_platform_fetch_failure_is_transient(stage: Stage) -> None:
    stage.sandbox.fault("POST .*/media$", "localised")
    with pytest.raises(errors.Transient) as caught:
        stage.stage(stage.image())
    assert (type(caught.value), caught.value.label) == (errors.Transient, "9004/2207052")


@pytest.mark.parametrize("code", [9004, 100])
def test_stage_media_that_cannot_be_fetched_is_tried_again_r10(stage: Stage, settings, code: int) -> None:
    stage.sandbox.settings(media_fetch_code=code)
    item = stage.image()
    assert item.stored is not None
    with pytest.raises(errors.Transient) as caught:
        stage.stage(replace(item, stored=replace(item.stored, url=f"{stage.sandbox.url}/media/gone.txt")))
    assert (type(caught.value), caught.value.label, stage.saved) == (errors.Transient, f"{code}/2207052", [])
    assert stage.publish(item) == stage.posts[0][0]


def test_stage_without_quota_is_quota_reached(stage: Stage) -> None:
    stage.sandbox.settings(quota_total=1)
    stage.publish(stage.image(caption="one"))
    with pytest.raises(errors.QuotaReached):
        stage.publish(stage.image(caption="two"))


def test_find_equal_posts_has_no_id(stage: Stage) -> None:
    item = stage.image()
    first = stage.publish(item)
    staged = stage.stage(item)
    second = stage.commit(item, staged)
    assert stage.find(item, staged) == LookupResult(LookupStatus.PUBLISHED, "")
    assert stage.find(item, staged, claimed={first}) == LookupResult(LookupStatus.PUBLISHED, second)


@pytest.mark.parametrize("other", ["caption", "kind", "window"])
def test_find_newest_of_others_is_not_found(stage: Stage, other: str) -> None:
    item = stage.image()
    staged = stage.stage(item)
    stage.commit(item, staged)
    looked_for = {"caption": stage.image(caption="Adeus"), "kind": stage.video(), "window": item}[other]
    with time_machine.travel(clock.now() + LONG_AGO, tick=True):
        since = clock.now() if other == "window" else None
        assert stage.find(looked_for, staged, since=since) == LookupResult(LookupStatus.PUBLISHED, "")


def test_find_listed_post_with_old_status_is_published(stage: Stage) -> None:
    """The container is FINISHED, but the post is listed: the same caption in the window is enough."""
    item = stage.image()
    post_id = stage.publish(item)
    staged = stage.stage(item)
    assert stage.find(item, staged) == LookupResult(LookupStatus.PUBLISHED, post_id)
    assert stage.find(item, staged, claimed={post_id}) == ABSENT


def test_find_listed_post_with_another_caption_and_old_status_is_unknown_a8(stage: Stage) -> None:
    post_id = stage.publish(stage.image(caption="Adeus"))
    item = stage.image()
    staged = stage.stage(item)
    assert stage.find(item, staged) == UNCLEAR
    assert stage.find(item, staged, claimed={post_id}) == ABSENT


def test_find_another_story_is_unknown(stage: Stage) -> None:
    item = stage.image("STORY")
    stage.publish(item)
    staged = stage.stage(item)
    assert stage.find(item, staged) == UNCLEAR


def test_discard_sends_nothing(stage: Stage) -> None:
    staged = stage.stage(stage.image())
    before = stage.requests
    stage.discard(staged)
    assert stage.requests == before
