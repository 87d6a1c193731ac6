"""Posts that were made elsewhere: which edge shows which of them, and thousands of them."""

from typing import Any

import requests

from tests.dynamo.sandbox.calls import Caller, code, walk
from tests.services.sandbox import FACEBOOK, SandboxControl


def make(caller: Caller, *items: dict[str, Any], **series: Any) -> list[str]:
    order = {"account": caller.id, **({"items": list(items)} if items else {}), **series}
    return list(caller.sandbox.call("POST", "/__posts", order)["ids"])


def ids(entries: Any) -> list[str]:
    return [entry["id"] for entry in entries]


def test_only_what_the_page_itself_published_is_in_published_posts(page: Caller) -> None:
    origins = ["page", "ad", "dark", "visitor", "unpublished", "hidden", "expired"]
    made = dict(
        zip(
            origins,
            make(page, *({"origin": one, "published_at": 1_700_000_000 - at} for at, one in enumerate(origins))),
            strict=True,
        )
    )
    assert ids(page.list("published_posts")["data"]) == [made["page"]]
    assert ids(page.list("published_posts", include_hidden="true")["data"]) == [made["page"], made["hidden"]]
    shown = page.list("feed", fields="is_published,from,is_hidden")["data"]
    assert ids(shown) == [made[origin] for origin in origins if origin != "expired"]
    assert [item["is_published"] for item in shown] == [True, False, False, True, False, True]
    by_others = [item["id"] for item in shown if item["from"]["id"] != page.id]
    assert by_others == [made["visitor"]]


def test_reels_stand_on_their_own_edge_with_the_post_that_they_have(page: Caller) -> None:
    reel, video, _ = make(page, {"kind": "reel", "message": "r"}, {"kind": "video"}, {"kind": "photo"})
    assert reel not in ids(page.list("published_posts")["data"])
    listed = page.list("video_reels", fields="post_id,description,published,source,picture")["data"]
    assert [(item["post_id"], item["description"], item["published"]) for item in listed] == [(reel, "r", True)]
    assert [item["post_id"] for item in page.list("videos", fields="post_id")["data"]] == [video]
    for name, kind in (("source", "video/mp4"), ("picture", "image/jpeg")):
        assert requests.get(listed[0][name], timeout=10).headers["content-type"] == kind


def test_a_foreign_post_is_not_in_the_record_nor_in_any_quota(instagram: Caller) -> None:
    make(instagram, *[{"published_at": 1_700_000_000}] * 60)
    assert instagram.sandbox.posts == []
    assert instagram.list("content_publishing_limit")["data"] == [{"quota_usage": 0}]
    published = instagram.publish(instagram.container())["id"]
    assert [post["id"] for post in instagram.sandbox.posts] == [published]
    assert ids(instagram.list("media", limit=1)["data"]) == [published]


def test_a_series_is_walked_to_its_end_once_each(page: Caller) -> None:
    make(page, count=730, seed=5)
    listed = list(walk(page, f"{page.id}/published_posts", limit=100, fields="created_time"))
    reels = list(walk(page, f"{page.id}/video_reels", limit=10, fields="post_id"))
    assert len(set(ids(listed))) == len(listed) == 657
    assert len({reel["post_id"] for reel in reels}) == 73
    times = [item["created_time"] for item in listed]
    assert times == sorted(times, reverse=True)


def test_a_seeded_post_has_the_comments_that_its_counter_tells(instagram: Caller) -> None:
    make(instagram, count=12, seed=3)
    listed = instagram.list("media", fields="comments_count,like_count")["data"]
    read = []
    for item in listed:
        tops = instagram.get(f"{item['id']}/comments", fields="replies.limit(50){id}")["data"]
        read.append(len(tops) + sum(len(top.get("replies", {"data": []})["data"]) for top in tops))
        assert all(instagram.get(top["id"])["id"] == top["id"] for top in tops)
    assert read == [item["comments_count"] for item in listed]
    assert len(set(read)) > 3


def test_posts_may_be_deleted_between_two_pages(page: Caller) -> None:
    make(page, count=10, kinds=["text"])
    first = page.list("published_posts", limit=4)
    for gone in (first["data"][-1]["id"], first["data"][0]["id"]):
        assert page.send("DELETE", gone).json() == {"success": True}
    after = {"limit": 4, "after": first["paging"]["cursors"]["after"]}
    assert len(page.list("published_posts", **after)["data"]) == 4
    page.sandbox.settings(dead_cursors="empty")
    assert page.list("published_posts", **after) == {"data": []}
    page.sandbox.settings(dead_cursors="refuse")
    assert code(page.list("published_posts", **after)) == (100, None)


def test_instagram_lists_its_newest_ten_thousand_alone(instagram: Caller) -> None:
    make(instagram, count=10_050, kinds=["photo"])
    assert sum(1 for _ in walk(instagram, f"{instagram.id}/media", limit=100, fields="id")) == 10_000


def test_foreign_posts_survive_a_restart_as_they_were_left(tmp_path: Any) -> None:
    from dynamo.sandbox.server import Sandbox

    def listed(url: str) -> list[dict[str, Any]]:
        fields = "message,created_time,shares,comments{message},reactions.summary(true)"
        return list(walk(Caller(SandboxControl(url), FACEBOOK), f"{FACEBOOK.id}/published_posts", fields=fields))

    first = Sandbox(folder=tmp_path)
    control = SandboxControl(first.url)
    control.register(FACEBOOK)
    page = Caller(control, FACEBOOK)
    make(page, count=20)
    gone = page.list("published_posts", limit=1)["data"][0]["id"]
    page.send("DELETE", gone)
    before = listed(first.url)
    first.close()
    second = Sandbox(folder=tmp_path)
    assert listed(second.url) == before
    second.close()
    assert gone not in ids(before)
