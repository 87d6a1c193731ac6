"""Comments in the sandbox: orders and levels of Facebook, generated comments, cursors."""

from typing import Any

import pytest

from tests.dynamo.sandbox.calls import Caller, code, give, pages, texts, three_and_a_reply, walk
from tests.services.sandbox import FACEBOOK, INSTAGRAM, PlatformAccount, SandboxControl

STREAM = {"filter": "stream", "order": "chronological"}


def test_a_page_post_shows_its_comments_ranked_and_a_stream_in_the_order_of_time(page: Caller, post: str) -> None:
    three_and_a_reply(page.sandbox, post)
    assert texts(page.get(f"{post}/comments")["data"]) == ["b", "c", "a"]
    assert texts(page.get(f"{post}/comments", order="chronological")["data"]) == ["a", "c", "b"]
    assert texts(page.get(f"{post}/comments", order="reverse_chronological")["data"]) == ["b", "c", "a"]
    assert texts(page.get(f"{post}/comments", **STREAM)["data"]) == ["a", "c", "b", "re: a"]


def test_the_summary_follows_the_filter_and_stands_on_every_page(page: Caller, post: str) -> None:
    three_and_a_reply(page.sandbox, post)
    ranked = [item["summary"] for item in pages(page, f"{post}/comments", summary="true", limit=2)]
    assert ranked == [{"order": "ranked", "total_count": 3, "can_comment": True}] * 2
    stream = page.get(f"{post}/comments", summary="1", **STREAM)["summary"]
    assert stream == {"order": "chronological", "total_count": 4, "can_comment": True}
    assert "summary" not in page.get(f"{post}/comments")


def test_replies_stand_below_their_comment_and_never_deeper(page: Caller, post: str) -> None:
    first, *_, reply = three_and_a_reply(page.sandbox, post)
    fields = "message,parent{id},comment_count,can_comment"
    assert page.get(f"{first}/comments", fields=fields)["data"] == [
        {"message": "re: a", "parent": {"id": first}, "comment_count": 0, "can_comment": False, "id": reply}
    ]
    assert page.get(first, fields=fields) == {"message": "a", "comment_count": 1, "can_comment": True, "id": first}
    assert page.get(f"{reply}/comments") == {"data": []}


def test_a_crowd_is_the_same_each_time_and_whole(page: Caller, post: str) -> None:
    give(page.sandbox, post, count=230, replies=0.4, seed=7)
    entries = walk(page, f"{post}/comments", limit=60, fields="created_time,message,parent{id}", **STREAM)
    assert len({entry["id"] for entry in entries}) == len(entries) == 230
    assert sum(1 for entry in entries if "parent" in entry) == 92
    assert [entry["created_time"] for entry in entries] == sorted(entry["created_time"] for entry in entries)
    again = walk(page, f"{post}/comments", limit=99, fields="created_time,message,parent{id}", **STREAM)
    assert again == entries
    seen: set[str] = set()
    for entry in entries:
        assert "parent" not in entry or entry["parent"]["id"] in seen
        seen.add(entry["id"])


@pytest.mark.parametrize("order", ["", "chronological", "reverse_chronological"])
def test_levels_and_orders_of_a_crowd_agree(page: Caller, post: str, order: str) -> None:
    give(page.sandbox, post, count=150, replies=0.5, seed=3)
    stream = walk(page, f"{post}/comments", limit=100, fields="parent{id}", **STREAM)
    tops = walk(page, f"{post}/comments", limit=40, fields="comment_count", order=order)
    in_time = [item["id"] for item in stream if "parent" not in item]
    listed = [top["id"] for top in tops]
    expected = {"": sorted(in_time), "chronological": in_time, "reverse_chronological": in_time[::-1]}[order]
    assert (listed if order else sorted(listed)) == expected
    assert order or listed not in (in_time, in_time[::-1])
    below = [entry["id"] for top in tops[:10] for entry in walk(page, f"{top['id']}/comments", limit=1)]
    assert sorted(below) == sorted(item["id"] for item in stream if item.get("parent", {}).get("id") in listed[:10])
    assert len(below) == sum(top["comment_count"] for top in tops[:10]) > 0


def test_two_million_comments_are_served_from_any_place(page: Caller, post: str) -> None:
    assert give(page.sandbox, post, count=2_000_000, replies=0.3)["comments"] == 2_000_000
    first = page.get(f"{post}/comments", limit=100, order="reverse_chronological", fields="id", summary="true")
    assert (len(first["data"]), first["summary"]["total_count"]) == (100, 1_400_000)
    last = first["data"][-1]["id"]
    assert page.get(last, fields="id") == {"id": last}
    after = page.get(
        f"{post}/comments", limit=1, order="reverse_chronological", after=first["paging"]["cursors"]["after"]
    )
    assert after["data"][0]["id"] not in {item["id"] for item in first["data"]}
    assert page.sandbox.call("GET", "/__state")["nodes"] < 10


def test_unreadable_comments_are_counted_and_leave_pages_short_but_not_last(page: Caller, post: str) -> None:
    give(page.sandbox, post, count=100, replies=0, unreadable=0.5)
    answers = list(pages(page, f"{post}/comments", limit=10, summary="true", **STREAM))
    assert [answer["summary"]["total_count"] for answer in answers] == [100] * 10
    assert 20 < sum(len(answer["data"]) for answer in answers) < 80


def test_a_deleted_comment_goes_with_its_replies_but_stays_in_the_total(page: Caller, post: str) -> None:
    first, *_, reply = three_and_a_reply(page.sandbox, post)
    assert page.send("DELETE", first).json() == {"success": True}
    left = page.get(f"{post}/comments", summary="true", **STREAM)
    assert texts(left["data"]) == ["c", "b"]
    assert left["summary"]["total_count"] == 4
    assert code(page.get(first)) == code(page.get(reply)) == (100, 33)


def test_too_much_at_once_is_refused_with_code_1(page: Caller, post: str) -> None:
    give(page.sandbox, post, count=3, replies=0)
    answer = page.send("GET", f"{post}/comments", params={"limit": 501})
    assert (answer.status_code, code(answer.json())) == (500, (1, None))
    assert code(page.get(f"{post}/comments", limit=100, fields="message,comments.limit(10){message}")) == (1, None)
    assert len(page.get(f"{post}/comments", limit=500)["data"]) == 3


@pytest.mark.parametrize(
    "params", [{"filter": "all"}, {"order": "newest"}, {"limit": -1}, {"after": "x"}, {"fields": "text"}]
)
def test_wrong_parameters_are_refused(page: Caller, post: str, params: dict[str, Any]) -> None:
    give(page.sandbox, post, count=3)
    assert code(page.get(f"{post}/comments", **params)) == (100, None)


def test_since_leaves_out_what_is_older(page: Caller, post: str) -> None:
    three_and_a_reply(page.sandbox, post)
    since = {"since": 1_700_000_004}
    assert texts(page.get(f"{post}/comments", **since, **STREAM)["data"]) == ["c", "b", "re: a"]
    assert texts(page.get(f"{post}/comments", **since, order="reverse_chronological")["data"]) == ["b", "c"]
    assert texts(page.get(f"{post}/comments", **since)["data"]) == ["b", "c"]


def test_since_passes_over_comments_that_cannot_be_read(page: Caller, post: str) -> None:
    give(page.sandbox, post, count=60, replies=0, unreadable=0.5, began=1_700_000_000)
    every = walk(page, f"{post}/comments", **STREAM)
    for order in ("chronological", "reverse_chronological"):
        bounded = walk(page, f"{post}/comments", filter="stream", order=order, since=1_600_000_000, limit=7)
        assert sorted(item["id"] for item in bounded) == sorted(item["id"] for item in every)


def test_comments_come_along_in_fields_of_the_post(page: Caller, post: str) -> None:
    three_and_a_reply(page.sandbox, post)
    shown = page.get(post, fields="comments.limit(1).order(chronological){message,comments{message}}")["comments"]
    assert [(item["message"], texts(item["comments"]["data"])) for item in shown["data"]] == [("a", ["re: a"])]
    following = page.session.get(shown["paging"]["next"], timeout=10).json()
    assert texts(following["data"]) == ["c"]


@pytest.mark.parametrize(
    ("account", "scope"), [(FACEBOOK, "pages_read_user_content"), (INSTAGRAM, "instagram_manage_comments")]
)
def test_comments_need_their_permission(sandbox: SandboxControl, account: PlatformAccount, scope: str) -> None:
    caller = Caller(sandbox, account)
    node = caller.edge("feed", message="x")["id"] if account is FACEBOOK else caller.publish(caller.container())["id"]
    without = ["pages_read_engagement", "instagram_basic"]
    sandbox.register(account, scopes=without)
    assert code(caller.get(f"{node}/comments"))[0] == code(caller.get(node, fields="comments{id}"))[0] == 200
    sandbox.register(account, scopes=[*without, scope])
    assert caller.get(f"{node}/comments") == {"data": []}
