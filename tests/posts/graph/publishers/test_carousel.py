"""Several media in one post, on both platforms over real HTTP: staged one by one, published by one call, in order."""

from typing import Any

import pytest

from posts.graph import client, errors
from posts.graph.publishers import PayloadItem, PostPayload
from tests.posts.graph.publishers.stage import ABSENT, Stage
from tests.services.sandbox import FACEBOOK, INSTAGRAM, PlatformAccount, SandboxControl


@pytest.fixture(params=[FACEBOOK, INSTAGRAM], ids=["facebook", "instagram"])
def stage(sandbox: SandboxControl, request: pytest.FixtureRequest) -> Stage:
    account: PlatformAccount = request.param
    return Stage(sandbox, account)


@pytest.fixture
def instagram(sandbox: SandboxControl) -> Stage:
    return Stage(sandbox, INSTAGRAM)


@pytest.fixture
def facebook(sandbox: SandboxControl) -> Stage:
    return Stage(sandbox, FACEBOOK)


def shown(item: PostPayload) -> list[dict[str, Any]]:
    """Return the items as the sandbox's record has them."""
    return [{"media_sha256": each.media_sha256, "alt_text": each.alt_text} for each in item.items]


def test_publish_shows_the_approved_bytes_and_alternative_texts_in_order(stage: Stage) -> None:
    item = stage.carousel()
    stage.sandbox.settings(media_versions={"one.jpg": 2, "two.jpg": 2})
    post_id = stage.publish(item)
    [post] = stage.sandbox.posts
    assert (post["id"], post["message"], post["items"]) == (post_id, item.caption, shown(item))
    assert stage.saved[-1]["ready"] is True


def test_stage_continues_after_each_saved_id(stage: Stage) -> None:
    """A worker that is killed after any call uploads nothing a second time."""
    item = stage.carousel()
    whole = stage.stage(item)
    writes = [call for call in stage.requests if call.startswith("POST /1")]
    states = list(stage.saved)
    for state in states:
        stage.stage(item, state)
    later = [call for call in stage.requests if call.startswith("POST /1")][len(writes) :]
    missing = [4 if stage.account.type == "INSTAGRAM_ACCOUNT" else 3] * len(states)
    assert len(later) == sum(max(0, count - done) for done, count in enumerate(missing, 1))
    stage.commit(item, whole)
    assert [post["items"] for post in stage.sandbox.posts] == [shown(item)]


@pytest.mark.parametrize("skip", [0, 1, 2])
def test_stage_lost_response_is_transient_and_continues(stage: Stage, skip: int) -> None:
    item = stage.carousel()
    stage.sandbox.fault(r"POST .*/(photos|media)$", "drop_after", skip=skip)
    with pytest.raises(errors.Transient):
        stage.stage(item)
    stage.commit(item, stage.stage(item, stage.saved[-1] if stage.saved else {}))
    assert [post["items"] for post in stage.sandbox.posts] == [shown(item)]


def test_stage_item_with_other_bytes_is_refused(stage: Stage) -> None:
    item = stage.carousel("one.jpg", "two.jpg")
    first, second = item.items
    swapped = PayloadItem("IMAGE", first.media_sha256, second.alt_text, second.stored)
    with pytest.raises(errors.MediaChanged):
        stage.stage(PostPayload("POST", "x", item.media, "IMAGE", first.media_sha256, items=(first, swapped)))
    assert stage.posts == []


def test_stage_waits_for_each_child(instagram: Stage) -> None:
    instagram.sandbox.settings(container_polls=1)
    item = instagram.carousel("one.jpg", "two.jpg")
    for _ in range(3):  # two children, then the carousel
        with pytest.raises(errors.NotReady):
            instagram.stage(item, instagram.saved[-1] if instagram.saved else {})
    instagram.commit(item, instagram.stage(item, instagram.saved[-1]))
    assert [post["items"] for post in instagram.sandbox.posts] == [shown(item)]


def test_stage_failed_child_requires_restage(instagram: Stage) -> None:
    item = instagram.carousel("one.jpg", "film.mp4")
    instagram.sandbox.fault(r"POST .*/media$", "container_error", subcode=2207082, skip=1)
    with pytest.raises(errors.RestageRequired):
        instagram.stage(item)
    assert "container" not in instagram.saved[-1]
    assert instagram.publish(item) == instagram.posts[0][0]


def test_stage_child_that_the_platform_cannot_fetch_is_transient_r10(instagram: Stage) -> None:
    item = instagram.carousel()
    instagram.sandbox.fault(r"POST .*/media$", "localised", skip=1)
    with pytest.raises(errors.Transient):
        instagram.stage(item)
    assert len(instagram.saved[-1]["children"]) == 1
    instagram.commit(item, instagram.stage(item, instagram.saved[-1]))
    assert [post["items"] for post in instagram.sandbox.posts] == [shown(item)]


def test_carousel_may_have_videos_and_the_ai_label_r15(instagram: Stage) -> None:
    item = instagram.carousel("film.mp4", "two.jpg", is_ai_generated=True)
    media_id = instagram.publish(item)
    fields = client.get(instagram.account, media_id, fields="media_type,media_product_type,children{media_type}")
    assert (fields["media_type"], fields["media_product_type"]) == ("CAROUSEL_ALBUM", "FEED")
    assert [child["media_type"] for child in fields["children"]["data"]] == ["VIDEO", "IMAGE"]
    assert [post["is_ai_generated"] for post in instagram.sandbox.posts] == [True]


def test_find_image_with_the_caption_is_not_the_carousel(instagram: Stage) -> None:
    item = instagram.carousel()
    staged = instagram.stage(item)
    instagram.publish(instagram.image(caption=item.caption))
    assert instagram.find(item, staged) == ABSENT


@pytest.mark.parametrize("names", [("one.jpg", "film.mp4"), ("film.mp4", "other.mp4")])
def test_page_takes_no_videos_among_several(facebook: Stage, names: tuple[str, ...]) -> None:
    before = facebook.requests
    with pytest.raises(errors.InvalidRequest):
        facebook.stage(facebook.carousel(*names))
    assert [call for call in facebook.requests[len(before) :] if call.startswith("POST")] == []


def test_commit_deleted_photo_requires_restage(facebook: Stage) -> None:
    item = facebook.carousel()
    staged = facebook.stage(item)
    client.delete(facebook.account, staged["photos"][1])
    with pytest.raises(errors.RestageRequired):
        facebook.commit(item, staged)


def test_single_image_has_its_alternative_text_and_label_r15(stage: Stage) -> None:
    medium = stage.image()
    payload = PostPayload(
        "POST", "Olá", medium.media, "IMAGE", medium.media_sha256, medium.stored, "A terrace", is_ai_generated=True
    )
    post_id = stage.publish(payload)
    if stage.account.type == "FB_PAGE":
        photo = stage.saved[-1]["photo"]
        assert client.get(stage.account, photo, fields="alt_text")["alt_text"] == "A terrace"
    else:
        assert client.get(stage.account, post_id, fields="alt_text")["alt_text"] == "A terrace"
        assert [post["is_ai_generated"] for post in stage.sandbox.posts] == [True]
