"""Publishing every kind of post over HTTP: one write, published once, found after every kind of lost message."""

from dataclasses import replace

import pytest

from posts.graph import errors
from posts.graph.publishers import LookupResult, LookupStatus, PostPayload, Staged
from tests.posts.graph.publishers.stage import ABSENT, UNCLEAR, Stage
from tests.services.sandbox import FACEBOOK, INSTAGRAM, PlatformAccount, SandboxControl

COMMITS = {
    "text": "feed", "link": "feed", "photo": "feed", "carousel": "feed", "video": "videos", "reel": "video_reels",
}  # fmt: skip
KINDS: dict[str, tuple[PlatformAccount, str, str]] = {
    **{f"Facebook {kind}": (FACEBOOK, kind, edge) for kind, edge in COMMITS.items()},
    **{
        f"Instagram {kind}": (INSTAGRAM, kind, "media_publish")
        for kind in ("image", "carousel", "video", "reel", "image story", "video story")
    },
}
WITH_MEDIA = [name for name in KINDS if not name.endswith(("text", "link"))]
NO_ID = {"Facebook video", "Facebook reel"}  # the answer to their finish names no post
SOME = ["Facebook text", "Facebook photo", "Instagram image"]


@pytest.fixture
def stage(sandbox: SandboxControl, name: str) -> Stage:
    return Stage(sandbox, KINDS[name][0])


@pytest.fixture
def item(stage: Stage, name: str) -> PostPayload:
    return stage.make(KINDS[name][1])


@pytest.fixture
def route(name: str) -> str:
    """The call that publishes."""
    return f"POST .*/{KINDS[name][2]}$"


@pytest.mark.parametrize("name", KINDS)
def test_publish_sends_one_write_and_find_returns_its_post(stage: Stage, item: PostPayload, name: str) -> None:
    staged = stage.stage(item)
    assert (staged["ready"], stage.posts, stage.find(item, staged)) == (True, [], ABSENT)
    before = len(stage.requests)
    post_id = stage.commit(item, staged)
    assert stage.requests[before:] == [f"POST /{KINDS[name][0].id}/{KINDS[name][2]}"]
    [(platform_post_id, text)] = stage.posts
    assert text == ("" if name.endswith("story") else item.caption)
    assert post_id == ("" if name in NO_ID else platform_post_id)
    assert stage.find(item, staged) == LookupResult(LookupStatus.PUBLISHED, platform_post_id)


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        *((name, fault) for name in KINDS for fault in ("drop_after", "error400_after")),
        *((name, fault) for name in SOME for fault in ("error_after", "truncated_json", "html_502_after")),
        *((name, "spam_after") for name in KINDS if name.startswith("Instagram")),
    ],
)
def test_commit_lost_response_is_ambiguous_and_found(stage: Stage, item: PostPayload, route: str, fault: str) -> None:
    staged = stage.stage(item)
    stage.sandbox.fault(route, fault)
    with pytest.raises(errors.Ambiguous):
        stage.commit(item, staged)
    [(platform_post_id, _)] = stage.posts
    assert stage.find(item, staged) == LookupResult(LookupStatus.PUBLISHED, platform_post_id)


@pytest.mark.parametrize(
    ("name", "fault"), [*((name, "drop_before") for name in KINDS), *((name, "html_502") for name in SOME)]
)
def test_commit_lost_request_is_not_found_and_repeatable(
    stage: Stage, item: PostPayload, route: str, fault: str
) -> None:
    staged = stage.stage(item)
    stage.sandbox.fault(route, fault)
    with pytest.raises(errors.Ambiguous):
        stage.commit(item, staged)
    assert stage.find(item, staged) == ABSENT
    stage.commit(item, staged)
    assert len(stage.posts) == 1


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        *((name, "flicker") for name in KINDS if not name.endswith("story")),
        *((name, fault) for name in SOME for fault in ("drop_before", "html_502", "error")),
    ],
)
def test_find_failure_is_unknown(stage: Stage, item: PostPayload, fault: str) -> None:
    staged = stage.stage(item)
    stage.commit(item, staged)
    stage.sandbox.fault("GET .*", fault, times=9)
    assert stage.find(item, staged) == UNCLEAR


@pytest.mark.parametrize("name", WITH_MEDIA)
def test_commit_twice_is_ambiguous(stage: Stage, item: PostPayload) -> None:
    staged = stage.stage(item)
    stage.commit(item, staged)
    with pytest.raises(errors.Ambiguous):
        stage.commit(item, staged)
    assert len(stage.posts) == 1


@pytest.mark.parametrize("name", WITH_MEDIA)
def test_stage_saves_each_id_before_the_next_call(stage: Stage, item: PostPayload) -> None:
    """An exception of `save` ends the staging at once: another worker has the lease."""
    seen: list[tuple[Staged, int]] = []

    class Moved(Exception):
        pass

    def save(staged: Staged) -> None:
        seen.append((staged, len(stage.requests)))
        raise Moved

    with pytest.raises(Moved):
        stage.publisher.stage(stage.account, item, {}, save)
    [(staged, calls)] = seen
    assert {"photo", "photos", "video", "container", "children"} & staged.keys()
    assert (len(stage.requests), "container" in staged and staged["ready"]) == (calls, False)


@pytest.mark.parametrize("name", [name for name in WITH_MEDIA if not name.endswith("carousel")])
def test_stage_changed_media_is_refused(stage: Stage, item: PostPayload) -> None:
    before = len(stage.requests)
    with pytest.raises(errors.MediaChanged):
        stage.stage(replace(item, media_sha256="0" * 64))
    assert [call for call in stage.requests[before:] if call.startswith("POST")] == []
    assert stage.saved == []


@pytest.mark.parametrize(
    ("name", "type_", "media_type"),
    [
        *(("Facebook text", *kinds) for kinds in [("STORY", "IMAGE"), ("STORY", "VIDEO"), ("REEL", "IMAGE")]),
        *(("Facebook text", type_, None) for type_ in ("REEL", "STORY")),
        *(("Instagram image", *kinds) for kinds in [("POST", None), ("REEL", "IMAGE"), ("STORY", None)]),
    ],
)
def test_stage_unsupported_post_is_refused_without_a_call(stage: Stage, type_: str, media_type: str | None) -> None:
    item = PostPayload(type_, "Olá", stage.sandbox.media(), media_type, "")
    with pytest.raises(errors.InvalidRequest):
        stage.stage(item)
    assert (stage.requests, stage.find(item, {})) == ([], ABSENT)


@pytest.mark.parametrize("name", ["Facebook text", "Instagram image"])
def test_permalink_failure_is_none(stage: Stage, item: PostPayload) -> None:
    post_id = stage.publish(item)
    assert stage.publisher.permalink(stage.account, post_id) == f"{stage.sandbox.url}/live/{post_id}"
    assert stage.publisher.permalink(stage.account, "1_2") is None
    for fault in ("drop_before", "flicker"):
        stage.sandbox.fault("GET .*", fault, times=3)
        assert stage.publisher.permalink(stage.account, post_id) is None
        stage.sandbox.heal()
