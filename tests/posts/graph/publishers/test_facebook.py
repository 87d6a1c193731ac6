"""Publishing on a Page over HTTP: a post is published once, and found after every kind of lost message."""

from dataclasses import replace
from typing import Any

import pytest
import requests
import time_machine
from django.core.files.storage import default_storage

from accounts import clock
from posts.graph import errors
from posts.graph.publishers import LookupResult, LookupStatus, Staged
from tests.dynamo.sandbox.calls import Caller
from tests.posts.graph.publishers.stage import ABSENT, LONG_AGO, PENDING, UNCLEAR, Stage
from tests.services.sandbox import FACEBOOK, SandboxControl


@pytest.fixture
def stage(sandbox: SandboxControl) -> Stage:
    return Stage(sandbox, FACEBOOK)


def test_commit_same_text_is_duplicate(stage: Stage) -> None:
    item = stage.item()
    stage.publish(item)
    with pytest.raises(errors.Duplicate):
        stage.publish(item)


@pytest.mark.parametrize("kind", ["photo", "video", "reel"])
def test_stage_continues_from_saved_state(stage: Stage, kind: str) -> None:
    item = stage.make(kind)
    stage.sandbox.settings(video_chunk_bytes=4096)
    whole = stage.stage(item)
    first = stage.saved[0]
    stage.saved.clear()
    again = stage.stage(item, whole)
    assert (again, stage.saved) == (whole, [])
    assert first.get("video", first.get("photo")) == whole.get("video", whole.get("photo"))


@pytest.mark.parametrize("skip", [0, 1, 2])
def test_stage_video_interrupted_transfer_continues(stage: Stage, skip: int) -> None:
    stage.sandbox.settings(video_chunk_bytes=4096)
    item = stage.video()
    stage.sandbox.fault(r"POST .*/videos$", "drop_before", skip=skip)
    with pytest.raises(errors.Transient):
        stage.stage(item)
    staged = stage.stage(item, stage.saved[-1] if stage.saved else {})
    stage.commit(item, staged)
    starts = [item for item in stage.saved if item.get("video")]
    assert {start["video"] for start in starts} == {staged["video"]}
    assert [text for _, text in stage.posts] == [item.caption]


def test_stage_video_lost_response_restarts_the_upload(stage: Stage) -> None:
    item = stage.video()
    stage.sandbox.settings(video_chunk_bytes=4096)
    stage.sandbox.fault(r"POST .*/videos$", "drop_after", skip=1)
    with pytest.raises(errors.Transient):
        stage.stage(item)
    with pytest.raises(errors.RestageRequired):
        stage.stage(item, stage.saved[-1])


def test_stage_reel_interrupted_upload_is_repeated(stage: Stage) -> None:
    item = stage.video("REEL")
    stage.sandbox.fault("POST /video-upload/.*", "drop_after")
    with pytest.raises(errors.Transient):
        stage.stage(item)
    stage.commit(item, stage.stage(item, stage.saved[-1]))
    assert [text for _, text in stage.posts] == [item.caption]


def test_stage_reel_lost_answer_of_the_upload_sends_no_byte_again_r2(stage: Stage) -> None:
    item = stage.video("REEL")
    stage.sandbox.fault("POST /video-upload/.*", "drop_after")
    with pytest.raises(errors.Transient):
        stage.stage(item)
    staged = stage.stage(item, stage.saved[-1])
    assert len([call for call in stage.requests if call.startswith("POST /video-upload/")]) == 1
    stage.commit(item, staged)
    assert stage.find(item, staged).verdict is LookupStatus.PUBLISHED


def test_stage_reel_upload_with_a_wrong_offset_requires_restage_r2(stage: Stage) -> None:
    """The platform has a part of another upload of the same session."""
    item = stage.video("REEL")
    stage.sandbox.fault("POST /video-upload/.*", "drop_before")
    with pytest.raises(errors.Transient):
        stage.stage(item)
    upload = stage.saved[-1]["upload"]
    headers = {"Authorization": f"OAuth {FACEBOOK.token}", "offset": "0", "file_size": "5000"}
    part = requests.post(upload, headers=headers, data=b"x" * 100, timeout=10)
    assert (part.status_code, part.json()["debug_info"]["type"]) == (206, "PartialRequestError")
    with pytest.raises(errors.RestageRequired):
        stage.stage(item, stage.saved[-1])
    assert stage.publish(item) == ""
    assert [text for _, text in stage.posts] == [item.caption]


def test_stage_reel_partial_upload_is_transient_r3(stage: Stage) -> None:
    stage.sandbox.fault("POST /video-upload/.*", "partial_upload")
    with pytest.raises(errors.Transient) as caught:
        stage.stage(stage.video("REEL"))
    assert type(caught.value) is errors.Transient


def test_stage_reel_final_refusal_has_the_reason_r2(stage: Stage) -> None:
    stage.sandbox.fault("POST /video-upload/.*", "error", code=100, status=400, message="The codec is unknown")
    with pytest.raises(errors.InvalidRequest, match=r"ParameterValidationError: The codec is unknown"):
        stage.stage(stage.video("REEL"))


def test_publish_uses_the_approved_bytes(stage: Stage) -> None:
    item = stage.image()
    staged = stage.stage(item)
    stage.sandbox.settings(media_versions={"terrace.jpg": 2})
    stage.commit(item, staged)
    assert [post["media_sha256"] for post in stage.sandbox.posts] == [item.media_sha256]


@pytest.mark.parametrize("kind", ["photo", "video", "reel"])
def test_stage_missing_stored_media_is_refused_without_a_call(stage: Stage, kind: str) -> None:
    item = stage.make(kind)
    assert item.stored is not None
    default_storage.delete(item.stored.name)
    before = stage.requests
    for missing in (item, replace(item, stored=None)):
        with pytest.raises(errors.InvalidRequest):
            stage.stage(missing)
    assert stage.requests == before


@pytest.mark.parametrize(("kind", "name"), [("photo", "film.mp4"), ("video", "terrace.jpg"), ("reel", "terrace.jpg")])
def test_stage_media_of_another_type_is_refused(stage: Stage, kind: str, name: str) -> None:
    other = stage.item(media=stage.sandbox.media(name), media_type="IMAGE")
    item = replace(stage.make(kind), media_sha256=other.media_sha256, stored=other.stored)
    with pytest.raises(errors.InvalidRequest):
        stage.stage(item)


def test_commit_deleted_photo_requires_restage(stage: Stage) -> None:
    item = stage.image()
    staged = stage.stage(item)
    stage.discard(staged)
    with pytest.raises(errors.RestageRequired):
        stage.commit(item, staged)
    assert stage.publish(item) == stage.posts[0][0]


@pytest.mark.parametrize("kind", ["photo", "video", "reel"])
def test_discard_keeps_published_posts(stage: Stage, kind: str) -> None:
    item = stage.make(kind)
    staged = stage.stage(item)
    stage.commit(item, staged)
    stage.discard(staged)
    assert [call for call in stage.requests if call.startswith("DELETE")] == []


@pytest.mark.parametrize("kind", ["photo", "video", "reel"])
def test_discard_deletes_staged_media(stage: Stage, kind: str) -> None:
    staged = stage.stage(stage.make(kind))
    stage.discard(staged)
    assert stage.requests[-1] == f"DELETE /{staged.get('photo') or staged['video']}"


@pytest.mark.parametrize("kind", ["text", "link", "photo", "video", "reel"])
def test_discard_unknown_outcome_deletes_nothing(stage: Stage, kind: str) -> None:
    staged = stage.stage(stage.make(kind))
    stage.sandbox.fault(".*", "drop_before", times=9)
    stage.discard(staged)
    stage.discard({})
    assert [call for call in stage.requests if call.startswith("DELETE")] == []


@pytest.mark.parametrize("kind", ["video", "reel"])
def test_find_processing_video_is_processing(stage: Stage, kind: str) -> None:
    item = stage.make(kind)
    stage.sandbox.settings(video_seconds=60)
    staged = stage.stage(item)
    stage.commit(item, staged)
    assert stage.find(item, staged) == PENDING


@pytest.mark.parametrize("kind", ["video", "reel"])
def test_video_taken_but_not_begun_is_processing_r1(stage: Stage, kind: str) -> None:
    """All phases after the upload are "not_started" then, as of a video that was never finished."""
    item = stage.make(kind)
    stage.sandbox.settings(video_seconds=3600)
    staged = stage.stage(item)
    before = status_of(stage, staged)
    assert (before["video_status"], stage.find(item, staged)) == ("upload_complete", ABSENT)
    stage.commit(item, staged)
    after = status_of(stage, staged)
    assert after == {
        "video_status": "processing",
        "uploading_phase": {"status": "complete"},
        "processing_phase": {"status": "not_started"},
        "publishing_phase": {"status": "not_started"},
    }
    assert stage.find(item, staged) == PENDING
    with pytest.raises(errors.Ambiguous):  # a second finish is refused, and does not count as absent
        stage.commit(item, staged)
    stage.discard(staged)
    assert [call for call in stage.requests if call.startswith("DELETE")] == []


def status_of(stage: Stage, staged: Staged) -> Any:
    return Caller(stage.sandbox, FACEBOOK).get(staged["video"], fields="status")["status"]


def test_video_that_becomes_a_reel_is_found_p6(stage: Stage) -> None:
    stage.sandbox.settings(video_becomes="reel")
    item = stage.video()
    staged = stage.stage(item)
    stage.commit(item, staged)
    [(post_id, _)] = stage.posts
    assert stage.find(item, staged) == LookupResult(LookupStatus.PUBLISHED, post_id)


def test_video_that_becomes_a_draft_of_a_reel_is_unknown_with_the_reason_p6(stage: Stage) -> None:
    stage.sandbox.settings(video_becomes="reel_draft")
    item = stage.video()
    staged = stage.stage(item)
    stage.commit(item, staged)
    found = stage.find(item, staged)
    assert (found.verdict, stage.posts) == (LookupStatus.UNKNOWN, [])
    assert "Meta Business Suite" in found.note
    stage.discard(staged)
    assert [call for call in stage.requests if call.startswith("DELETE")] == []


def test_commit_reel_beyond_the_daily_limit_is_quota_reached_r12(stage: Stage) -> None:
    stage.sandbox.settings(reels_per_day=1)
    stage.publish(stage.video("REEL"))
    with pytest.raises(errors.QuotaReached):
        stage.publish(stage.video("REEL", caption="another"))
    assert len(stage.posts) == 1


@pytest.mark.parametrize("claimed_first", [True, False])
def test_find_claimed_text_is_not_found(stage: Stage, claimed_first: bool) -> None:
    stage.sandbox.settings(duplicate_check=False)
    item = stage.item()
    other = stage.publish(item)
    assert stage.find(item, {}, claimed={other}) == ABSENT
    mine = stage.publish(item)
    assert stage.find(item, {}, claimed={other}) == LookupResult(LookupStatus.PUBLISHED, mine)
    assert stage.find(item, {}) == LookupResult(LookupStatus.PUBLISHED, candidates=(other, mine))


def test_find_older_text_is_not_found(stage: Stage) -> None:
    item = stage.item()
    stage.publish(item)
    with time_machine.travel(clock.now() + LONG_AGO, tick=True):
        assert stage.find(item, {}, since=clock.now()) == ABSENT


def test_find_other_text_of_another_app_is_not_found(stage: Stage, settings) -> None:
    stage.publish(stage.item(caption="Olá"))
    settings.GRAPH_APP_ID = "1"
    assert stage.find(stage.item(caption="Olá!"), {}) == ABSENT


@pytest.mark.parametrize("caption", ["  Olá \r\n", "\x07Olá\x9f", "Olá"])
def test_find_text_with_other_white_space_is_published(stage: Stage, caption: str) -> None:
    stage.publish(stage.item(caption=caption))
    assert stage.find(stage.item(caption="Olá"), {}).verdict is LookupStatus.PUBLISHED
    assert stage.find(stage.item(caption=caption), {}).verdict is LookupStatus.PUBLISHED


@pytest.mark.parametrize("kind", ["text", "link"])
def test_find_text_that_the_platform_rewrote_is_published(stage: Stage, kind: str) -> None:
    caption = "Com @[123456789012345] e @[99]@[98]\n\n\n\nno Porto\x07"
    item = replace(stage.make(kind), caption=caption)
    post_id = stage.publish(item)
    assert stage.posts == [(post_id, "Com Casa do Sol e Page 99Page 98\n\nno Porto")]
    assert stage.find(item, {}) == LookupResult(LookupStatus.PUBLISHED, post_id)
    assert stage.find(item, {}, claimed={post_id}) == ABSENT


@pytest.mark.parametrize(
    ("published", "caption"),
    [
        ("Com Ana\nno Porto hoje", "Com @[1] no Porto hoje"),
        ("Com Ana\ne Rui no Porto", "Com @[1] no Porto"),
        ("Bom dia, Porto", "@[1]"),
        ("no Porto, em Lisboa", "@[1]no Porto, em Lisboa"),
    ],
)
def test_find_text_with_another_text_around_mentions_is_unknown_a8(stage: Stage, published: str, caption: str) -> None:
    stage.publish(stage.item(caption=published))
    assert stage.find(stage.item(caption=caption), {}) == UNCLEAR


def test_find_text_with_names_of_another_app_is_not_found(stage: Stage, settings) -> None:
    settings.GRAPH_APP_ID = "1"
    stage.publish(stage.item(caption="Com Ana no Porto"))
    assert stage.find(stage.item(caption="Com @[1] no Porto"), {}) == ABSENT


def test_find_same_link_of_another_app_with_another_text_is_unknown_a8(stage: Stage, settings) -> None:
    settings.GRAPH_APP_ID = "1"
    stage.publish(stage.item(caption="Olá", media="https://example.com/menu"))
    assert stage.find(stage.item(caption="Bom dia", media="https://example.com/menu/"), {}) == UNCLEAR
    assert stage.find(stage.item(caption="Bom dia", media="https://example.com/wine"), {}) == ABSENT


def test_find_same_text_with_another_link_is_unknown(stage: Stage) -> None:
    stage.publish(stage.item(media="https://example.com/menu"))
    assert stage.find(stage.item(media="https://example.com/wine"), {}) == UNCLEAR


def test_find_photo_on_a_later_page(stage: Stage) -> None:
    item = stage.image()
    staged = stage.stage(item)
    post_id = stage.commit(item, staged)
    for number in range(60):
        stage.publish(stage.item(caption=f"No. {number}"))
    assert stage.find(item, staged) == LookupResult(LookupStatus.PUBLISHED, post_id)


def test_find_too_many_posts_is_unknown(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    from posts.graph import feed

    monkeypatch.setattr(feed, "PAGES", 1)
    for number in range(51):
        stage.publish(stage.item(caption=f"No. {number}"))
    assert stage.find(stage.item(), {}) == UNCLEAR


@pytest.mark.parametrize(
    ("fault", "more", "expected"),
    [
        ("expired_token", {}, errors.AuthFailed),
        ("policy_block", {}, errors.PolicyBlock),
        ("throttle", {"code": 80001}, errors.Throttled),
        ("error", {"code": 200, "status": 403}, errors.PermissionDenied),
        ("error", {"code": 4711, "status": 400}, errors.UnknownErrorCode),
        ("localised", {"code": 100, "subcode": 1609008}, errors.InvalidRequest),
    ],
)
def test_commit_refusal_keeps_its_class(
    stage: Stage, fault: str, more: dict[str, int], expected: type[errors.GraphError]
) -> None:
    item = stage.item()
    stage.sandbox.fault("POST .*/feed$", fault, **more)
    with pytest.raises(errors.GraphError) as caught:
        stage.publish(item)
    assert type(caught.value) is expected
    assert stage.posts == []


FLIP = r"POST .*/\d+_\d+$"


@pytest.fixture
def staging(settings) -> None:
    settings.STAGE_TEXT_POSTS = True


@pytest.mark.usefixtures("staging")
@pytest.mark.parametrize("kind", ["text", "link"])
def test_staged_text_is_published_by_its_id_a8(stage: Stage, kind: str) -> None:
    item = replace(stage.make(kind), caption="Com @[123456789012345]")
    staged = stage.stage(item)
    assert (stage.posts, stage.find(item, staged), stage.stage(item, staged)) == ([], ABSENT, staged)
    stage.sandbox.fault(FLIP, "drop_after")
    with pytest.raises(errors.Ambiguous):
        stage.commit(item, staged)
    assert [post_id for post_id, _ in stage.posts] == [staged["post"]]
    assert stage.find(item, staged) == LookupResult(LookupStatus.PUBLISHED, staged["post"])
    assert stage.commit(item, staged) == staged["post"]
    assert len(stage.posts) == 1


@pytest.mark.usefixtures("staging")
def test_lost_request_to_publish_a_staged_text_is_not_found_and_repeatable(stage: Stage) -> None:
    item = stage.item()
    staged = stage.stage(item)
    stage.sandbox.fault(FLIP, "drop_before")
    with pytest.raises(errors.Ambiguous):
        stage.commit(item, staged)
    assert stage.find(item, staged) == ABSENT
    assert stage.commit(item, staged) == staged["post"] == stage.posts[0][0]


@pytest.mark.usefixtures("staging")
@pytest.mark.parametrize("code", [100, 200, 4711])
def test_refused_publication_of_a_staged_text_goes_to_the_feed(stage: Stage, code: int) -> None:
    item = stage.item()
    staged = stage.stage(item)
    stage.sandbox.fault(FLIP, "error", code=code, status=400)
    post_id = stage.commit(item, staged)
    assert [post_id] == [post[0] for post in stage.posts] != [staged["post"]]
    assert stage.find(item, staged) == LookupResult(LookupStatus.PUBLISHED, post_id)
    stage.discard(staged)
    assert stage.requests[-1] == f"DELETE /{staged['post']}"


@pytest.mark.usefixtures("staging")
@pytest.mark.parametrize("answer", ["flicker", "drop_before"])
def test_refused_publication_that_cannot_be_read_back_is_ambiguous(stage: Stage, answer: str) -> None:
    item = stage.item()
    staged = stage.stage(item)
    stage.sandbox.fault(FLIP, "error", code=100, status=400)
    stage.sandbox.fault("GET .*", answer, times=9)
    with pytest.raises(errors.Ambiguous):
        stage.commit(item, staged)
    assert (stage.posts, stage.find(item, staged)) == ([], UNCLEAR)


@pytest.mark.usefixtures("staging")
def test_discard_keeps_a_staged_text_that_is_published(stage: Stage) -> None:
    staged = stage.stage(stage.item())
    stage.commit(stage.item(), staged)
    stage.discard(staged)
    assert [call for call in stage.requests if call.startswith("DELETE")] == []


@pytest.mark.usefixtures("staging")
def test_refused_staging_of_a_text_stages_nothing(stage: Stage) -> None:
    stage.sandbox.fault("POST .*/feed$", "error", code=100, status=400)
    staged = stage.stage(stage.item())
    assert (staged, stage.saved) == ({"kind": "none", "ready": True}, [])
    assert stage.commit(stage.item(), staged) == stage.posts[0][0]


@pytest.mark.processes
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("kind", ["text", "photo"])
def test_find_with_a_fast_clock_is_published(processes, tmp_path, monkeypatch, settings, kind) -> None:
    """The platform's posts carry the platform's time; by it they are older than the attempt that made them."""
    settings.GRAPH_BASE_URL = processes.sandbox(tmp_path / "platform")[1]
    platform = SandboxControl(settings.GRAPH_BASE_URL)
    platform.register(FACEBOOK)
    offset = tmp_path / "clock"
    offset.write_text("300", encoding="ascii")
    monkeypatch.setattr(clock, "FILE", str(offset))
    stage = Stage(platform, FACEBOOK)
    item = stage.make(kind)
    staged = stage.stage(item)
    platform.fault("POST .*/feed$", "drop_after")
    with pytest.raises(errors.Ambiguous):
        stage.commit(item, staged)
    [(platform_post_id, _)] = stage.posts
    assert stage.find(item, staged) == LookupResult(LookupStatus.PUBLISHED, platform_post_id)
    offset.write_text("0", encoding="ascii")
    assert stage.find(item, staged) == UNCLEAR  # the clock was set back
