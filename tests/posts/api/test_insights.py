"""GET /posts/{id}/insights."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine

from posts.graph import client
from tests.dynamo.sandbox.calls import Caller
from tests.helpers import SignedClient
from tests.posts.conftest import LivePost
from tests.services.sandbox import INSTAGRAM, SandboxControl


def answer(api: SignedClient, post: LivePost) -> dict[str, Any]:
    given = api.get(post.path("insights"))
    assert given.status_code == 200, given.content
    return dict(given.json())


def values(body: dict[str, Any]) -> dict[str, Any]:
    return {insight["name"]: insight["value"] for insight in body["insights"]}


def reasons(body: dict[str, Any]) -> dict[str, str]:
    return {item["name"]: item["reason"] for item in body["unavailable"]}


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The metrics of each call."""
    heard: list[str] = []
    real = client.get

    def look(account: Any, path: str, **more: Any) -> Any:
        heard.append(more.get("metric", ""))
        return real(account, path, **more)

    monkeypatch.setattr(client, "get", look)
    return heard


def test_a_page_posts_insights(api: SignedClient, page_post: LivePost) -> None:
    page_post.insights(values={"post_media_view": 7, "post_reactions_by_type_total": {"like": 3, "love": 1}})
    with time_machine.travel(datetime(2026, 11, 24, 12, tzinfo=UTC), tick=False):
        body = answer(api, page_post)
    assert body["postId"] == page_post.id
    assert body["mediumId"] == page_post.channel.public_id
    assert body["fetchedAt"] == "2026-11-24T12:00:00.000Z"
    first = body["insights"][0]
    assert set(first) == {"name", "period", "title", "description", "value"}
    assert (first["name"], first["period"], first["value"]) == ("post_media_view", "lifetime", 7)
    assert values(body)["post_reactions_by_type_total"] == {"like": 3, "love": 1}
    assert body["unavailable"] == []


def test_an_instagram_posts_insights(api: SignedClient, media_post: LivePost) -> None:
    media_post.insights(values={"views": 40, "reach": 30, "saved": 0})
    body = answer(api, media_post)
    assert {name: values(body)[name] for name in ("views", "reach", "saved")} == {"views": 40, "reach": 30, "saved": 0}
    assert list(reasons(body)) == ["facebook_views"]


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        ("post_clicks", 100),
        ("post_total_media_view_unique", 200),
        ("post_total_media_view_unique", 10),
        ("post_clicks", 1),
        ("post_clicks", 12),
    ],
)
def test_one_refused_metric_leaves_the_others_alone(
    api: SignedClient, page_post: LivePost, bad: str, code: int
) -> None:
    whole = set(values(answer(api, page_post)))
    page_post.insights(refused={bad: code})
    body = answer(api, page_post)
    assert set(values(body)) == whole - {bad}
    assert list(reasons(body)) == [bad]
    assert reasons(body)[bad]


@pytest.mark.parametrize(
    ("code", "subcode", "message", "reason"),
    [
        (200, None, "(#200) Requires the read_insights permission", "A permission is missing"),
        (10, None, "(#10) Application does not have permission for this action", "The permission is missing"),
        (10, None, "(#10) Not enough viewers for the media to show insights", "Too few people have viewed it"),
        (100, 2108006, "(#100) Media posted before business account conversion", "It was published before"),
    ],
)
def test_refusal_of_all_metrics_takes_one_call_r8(
    api: SignedClient, live_post: LivePost, sandbox: SandboxControl, asked: list[str],
    code: int, subcode: int | None, message: str, reason: str,
) -> None:  # fmt: skip
    wanted = {"code": code, "subcode": subcode, "message": message, "status": 400, "localised": True}
    sandbox.fault("GET .*insights", "error", times=None, **wanted)
    body = answer(api, live_post)
    assert (len(asked), body["insights"]) == (1, [])
    assert len(body["unavailable"]) >= 6
    assert {text.startswith(reason) for text in reasons(body).values()} == {True}


def test_few_viewers_of_a_story_are_no_missing_permission_r8(
    api: SignedClient, on_sandbox: Callable[..., LivePost], instagram: Any, sandbox: SandboxControl
) -> None:
    caller = Caller(sandbox, INSTAGRAM)
    post = on_sandbox(instagram, type="STORY")
    post.row.platform_id = caller.publish(caller.container(media_type="STORIES"))["id"]
    post.row.save(update_fields=["platform_id"])
    post.insights(values={"reach": 4})
    body = answer(api, post)
    assert body["insights"] == []
    assert not any("permission" in text for text in reasons(body).values())


def test_refused_metric_takes_few_calls(api: SignedClient, page_post: LivePost, asked: list[str]) -> None:
    answer(api, page_post)
    assert len(asked) == 2
    asked.clear()
    page_post.insights(refused={"post_clicks": 100})
    answer(api, page_post)
    assert len(asked) <= 7


def test_empty_data_is_unknown_and_not_zero(api: SignedClient, live_post: LivePost) -> None:
    live_post.insights(empty=True)
    body = answer(api, live_post)
    assert body["insights"] == []
    unknown = {name: reason for name, reason in reasons(body).items() if name != "facebook_views"}
    assert len(unknown) >= 6
    assert {"not zero" in reason for reason in unknown.values()} == {True}


def test_a_metric_without_data_beside_ones_with(api: SignedClient, media_post: LivePost) -> None:
    media_post.insights(values={"reach": None, "views": 0})
    body = answer(api, media_post)
    assert values(body)["views"] == 0
    assert "reach" not in values(body)
    assert "not zero" in reasons(body)["reach"]


VIDEO = {"post_video_views"}


@pytest.mark.parametrize(
    ("channel", "type_", "media_type", "has", "has_not"),
    [
        ("facebook", "POST", "IMAGE", set(), VIDEO),
        ("facebook", "POST", "VIDEO", VIDEO, set()),
        ("facebook", "REEL", "VIDEO", VIDEO, set()),
        ("facebook", "STORY", None, set(), VIDEO),
        ("instagram", "POST", None, {"saved", "follows"}, {"replies", "ig_reels_avg_watch_time"}),
        ("instagram", "REEL", None, {"saved", "ig_reels_avg_watch_time", "crossposted_views"}, {"replies", "follows"}),
        ("instagram", "STORY", None, {"replies", "navigation"}, {"saved", "likes"}),
    ],
)
def test_metrics_depend_on_platform_and_type(
    api: SignedClient, on_sandbox: Callable[..., LivePost], asked: list[str], request: pytest.FixtureRequest,
    channel: str, type_: str, media_type: str | None, has: set[str], has_not: set[str],
) -> None:  # fmt: skip
    answer(api, on_sandbox(request.getfixturevalue(channel), type=type_, media_type=media_type))
    metrics = set(",".join(asked).split(","))
    assert (has - metrics, has_not & metrics) == (set(), set())


def test_a_page_video_known_by_its_bare_id_is_asked_for_as_the_pages_post(
    api: SignedClient, page_post: LivePost
) -> None:
    page_post.insights(values={"post_media_view": 7})
    page_post.row.platform_id = page_post.id.partition("_")[2]
    page_post.row.save(update_fields=["platform_id"])
    assert values(answer(api, page_post))["post_media_view"] == 7


def test_metrics_after_the_deadline_are_unavailable(
    api: SignedClient, page_post: LivePost, sandbox: SandboxControl, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("posts.graph.insights.LEAST", 19.5)
    sandbox.settings(latency_ms=700)
    body = answer(api, page_post)
    assert len(body["insights"]) == 5
    assert reasons(body) == {"post_total_media_view_unique": "There was no time left to request it"}


def test_failure_after_the_first_group_keeps_its_metrics(
    api: SignedClient, page_post: LivePost, sandbox: SandboxControl
) -> None:
    sandbox.fault("GET .*insights", "html_502", times=50, skip=1)
    body = answer(api, page_post)
    assert len(body["insights"]) == 5
    assert reasons(body) == {"post_total_media_view_unique": "The platform's answer cannot be read (HTTP 502)"}


def test_an_error_of_the_service_alone_is_a_502(
    api: SignedClient, page_post: LivePost, sandbox: SandboxControl
) -> None:
    sandbox.fault("GET .*insights", "error", times=50, code=2, status=500)
    given = api.get(page_post.path("insights"))
    assert given.status_code == 502
    assert given.json()["message"].startswith("The platform's service is temporarily unavailable")
