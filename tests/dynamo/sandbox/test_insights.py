"""Counters and insights as the sandbox shows them: what is alive, what is refused, what is missing."""

from typing import Any

import pytest

from tests.dynamo.sandbox.calls import Caller, code
from tests.services.sandbox import FACEBOOK, INSTAGRAM, SandboxControl

SAFE = "views,reach,likes,comments,saved,shares,total_interactions"


@pytest.fixture
def story(instagram: Caller) -> str:
    return str(instagram.publish(instagram.container(media_type="STORIES"))["id"])


def control(sandbox: SandboxControl, path: str, post: str, **what: Any) -> None:
    sandbox.call("POST", f"/__{path}", {"post": post, **what})


def values(answer: dict[str, Any]) -> dict[str, Any]:
    return {item["name"]: item["values"][0]["value"] for item in answer["data"]}


# Counters


def test_counters_of_a_page_post_come_with_the_split_of_its_reactions_p1(page: Caller, post: str) -> None:
    control(page.sandbox, "metrics", post, reactions={"LIKE": 119, "LOVE": 6}, shares=10, comments=13)
    counters = "shares,reactions.summary(true).limit(0),comments.filter(stream).summary(true).limit(0)"
    split = "insights.metric(post_reactions_by_type_total){name,values}"
    expected = {
        "shares": {"count": 10},
        "reactions": {"data": [], "summary": {"total_count": 125, "viewer_reaction": "NONE"}},
        "comments": {"data": [], "summary": {"order": "chronological", "total_count": 13, "can_comment": True}},
        "insights": {
            "data": [{"name": "post_reactions_by_type_total", "values": [{"value": {"like": 119, "love": 6}}]}]
        },
        "id": post,
    }
    assert page.list("published_posts", fields=f"{counters},{split}")["data"] == [expected]


def test_likes_alone_are_reactions_too(page: Caller, post: str) -> None:
    control(page.sandbox, "metrics", post, likes=3)
    shown = page.get(post, fields="reactions.summary(total_count).limit(0),likes.summary(total_count).limit(0)")
    assert [shown[name]["summary"]["total_count"] for name in ("reactions", "likes")] == [3, 3]
    assert page.get(f"{post}/reactions", summary="total_count", limit=0) == {"data": [], "summary": {"total_count": 3}}


def test_an_unknown_reaction_is_refused(page: Caller, post: str) -> None:
    assert code(page.get(post, fields="reactions.type(MEH).summary(true)")) == (100, None)


def test_counters_about_people_need_their_permission(page: Caller, post: str) -> None:
    page.sandbox.register(FACEBOOK, scopes=["pages_read_engagement"])
    for field in ("reactions.summary(true)", "likes", "comments.limit(0).summary(true)"):
        assert code(page.list("published_posts", fields=field))[0] == 200
    assert page.get(post, fields="shares,message") == {"message": "Olá", "id": post}


def test_instagram_counts_in_the_listing(instagram: Caller, media: str) -> None:
    control(instagram.sandbox, "metrics", media, likes=12, shares=2)
    control(instagram.sandbox, "comments", media, count=5, replies=0.4)
    fields = "like_count,comments_count,shares_count"
    assert instagram.list("media", fields=fields)["data"] == [
        {"like_count": 12, "comments_count": 5, "shares_count": 2, "id": media}
    ]


# Insights of a Page's post


def test_insights_of_a_page_post_have_the_documented_shape(page: Caller, post: str) -> None:
    control(page.sandbox, "metrics", post, reactions={"LIKE": 3, "SAD": 1}, comments=2)
    names = "post_reactions_by_type_total,post_reactions_sorry_total,post_activity_by_action_type"
    answer = page.get(f"{post}/insights", metric=names)
    assert values(answer) == {
        "post_reactions_by_type_total": {"like": 3, "sorry": 1},
        "post_reactions_sorry_total": 1,
        "post_activity_by_action_type": {"like": 4, "comment": 2},
    }
    first = answer["data"][0]
    assert set(first) == {"name", "period", "values", "title", "description", "id"}
    assert (first["period"], first["id"]) == ("lifetime", f"{post}/insights/post_reactions_by_type_total/lifetime")


def test_an_untouched_post_has_empty_objects(page: Caller, post: str) -> None:
    assert values(page.get(f"{post}/insights", metric="post_reactions_by_type_total")) == {
        "post_reactions_by_type_total": {}
    }


@pytest.mark.parametrize("gone", ["post_impressions", "post_impressions_unique", "post_engaged_users", "bogus"])
def test_one_removed_metric_refuses_the_whole_call(page: Caller, post: str, gone: str) -> None:
    answer = page.get(f"{post}/insights", metric=f"post_media_view,{gone}")
    assert code(answer) == (100, None)
    assert answer["error"]["message"] == "(#100) The value must be a valid insights metric"
    assert set(values(page.get(f"{post}/insights", metric="post_media_view"))) == {"post_media_view"}


def test_missing_data_is_an_empty_list_or_a_missing_entry(page: Caller, post: str) -> None:
    control(page.sandbox, "insights", post, values={"post_clicks": None, "post_media_view": 77})
    assert values(page.get(f"{post}/insights", metric="post_clicks,post_media_view")) == {"post_media_view": 77}
    control(page.sandbox, "insights", post, empty=True)
    assert page.get(f"{post}/insights", metric="post_clicks,post_media_view") == {"data": []}
    assert code(page.get(f"{post}/insights", metric="post_impressions")) == (100, None)
    control(page.sandbox, "insights", post, empty=False)
    assert page.get(f"{post}/insights", metric="post_media_view", period="day") == {"data": []}


def test_insights_want_a_metric_and_a_permission(page: Caller, post: str) -> None:
    assert code(page.get(f"{post}/insights")) == (100, None)
    page.sandbox.register(FACEBOOK, scopes=["pages_read_engagement", "pages_read_user_content"])
    assert code(page.get(f"{post}/insights", metric="post_clicks"))[0] == 200
    assert code(page.get(post, fields="insights.metric(post_clicks)"))[0] == 200


def test_a_video_has_its_own_edge_and_none_of_the_posts(page: Caller) -> None:
    video = page.edge("videos", file_url=page.sandbox.media("film.mp4"), description="x")["id"]
    assert code(page.get(f"{video}/insights", metric="post_video_views")) == (100, None)
    assert code(page.get(video, fields="reactions.summary(true)")) == (100, None)
    shown = page.get(f"{video}/video_insights", metric="total_video_views")
    assert [item["name"] for item in shown["data"]] == ["total_video_views"]
    post = page.get(video, fields="post_id")["post_id"]
    assert set(values(page.get(f"{post}/insights", metric="post_video_views"))) == {"post_video_views"}


# Insights of an Instagram media


def test_the_common_metrics_answer_for_feed_and_reels(instagram: Caller, media: str) -> None:
    control(instagram.sandbox, "metrics", media, likes=9, comments=1, shares=2)
    shown = values(instagram.get(f"{media}/insights", metric=SAFE))
    assert set(shown) == set(SAFE.split(","))
    assert [shown[name] for name in ("likes", "comments", "shares", "total_interactions")] == [9, 1, 2, 12]
    reel = instagram.publish(
        instagram.edge("media", media_type="REELS", video_url=instagram.sandbox.media("film.mp4"))["id"]
    )["id"]
    metric = f"{SAFE},ig_reels_avg_watch_time"
    assert set(values(instagram.get(f"{reel}/insights", metric=metric))) == set(metric.split(","))


@pytest.mark.parametrize("gone", ["impressions", "plays", "video_views", "bogus"])
def test_a_removed_instagram_metric_is_answered_by_the_list_of_those_there_are(
    instagram: Caller, media: str, gone: str
) -> None:
    answer = instagram.get(f"{media}/insights", metric=f"reach,{gone}")
    assert code(answer) == (100, None)
    assert answer["error"]["message"].startswith("(#100) metric[1] must be one of the following values: views, reach,")


def test_a_metric_of_another_kind_of_media_refuses_the_whole_call(instagram: Caller, media: str, story: str) -> None:
    assert code(instagram.get(f"{media}/insights", metric="reach,navigation")) == (100, None)
    assert code(instagram.get(f"{story}/insights", metric="reach,saved")) == (100, None)


def test_facebook_views_throw_unless_the_media_was_shared_there(instagram: Caller, media: str) -> None:
    assert code(instagram.get(f"{media}/insights", metric="reach,facebook_views")) == (100, None)
    control(instagram.sandbox, "insights", media, values={"facebook_views": 8})
    assert values(instagram.get(f"{media}/insights", metric="facebook_views")) == {"facebook_views": 8}


def test_a_breakdown_comes_as_a_total_value(instagram: Caller, media: str) -> None:
    control(instagram.sandbox, "insights", media, values={"profile_activity": 20})
    entry = instagram.get(f"{media}/insights", metric="profile_activity", breakdown="action_type")["data"][0]
    assert "values" not in entry
    total = entry["total_value"]
    assert (total["value"], total["breakdowns"][0]["dimension_keys"]) == (20, ["action_type"])
    results = total["breakdowns"][0]["results"]
    assert results[0] == {"dimension_values": ["bio_link_clicked"], "value": 10}
    assert sum(result["value"] for result in results) == 20
    plain = instagram.get(f"{media}/insights", metric="reach", metric_type="total_value")["data"][0]
    assert set(plain["total_value"]) == {"value"}
    assert code(instagram.get(f"{media}/insights", metric="reach", breakdown="action_type")) == (1, None)


def test_a_story_seen_by_fewer_than_five_is_refused(instagram: Caller, story: str) -> None:
    control(instagram.sandbox, "insights", story, values={"reach": 4})
    answer = instagram.get(f"{story}/insights", metric="views,reach")
    assert (code(answer), answer["error"]["message"]) == (
        (10, None),
        "(#10) Not enough viewers for the media to show insights",
    )
    control(instagram.sandbox, "insights", story, values={"reach": 5})
    assert values(instagram.get(f"{story}/insights", metric="reach")) == {"reach": 5}


def test_the_period_of_instagram_insights_cannot_be_changed(instagram: Caller, media: str) -> None:
    assert code(instagram.get(f"{media}/insights", metric="reach", period="day")) == (100, None)
    instagram.sandbox.register(INSTAGRAM, scopes=["instagram_basic"])
    assert code(instagram.get(f"{media}/insights", metric="reach"))[0] == 200
