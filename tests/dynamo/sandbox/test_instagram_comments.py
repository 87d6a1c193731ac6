"""Instagram's comments as the sandbox shows them: newest first, only onwards, replies apart."""

from tests.dynamo.sandbox.calls import Caller, give, pages, texts, three_and_a_reply, walk


def test_instagram_lists_newest_first_with_after_alone(instagram: Caller, media: str) -> None:
    give(instagram.sandbox, media, count=70, replies=0.5, seed=2)
    answers = list(pages(instagram, f"{media}/comments", limit=20))
    assert [len(answer["data"]) for answer in answers] == [20, 15]
    assert set(answers[0]["paging"]) == {"cursors", "next"}
    assert set(answers[0]["paging"]["cursors"]) == {"after"}
    assert set(answers[1]) == {"data"}
    assert set(answers[0]["data"][0]) == {"id", "text", "timestamp"}
    times = [item["timestamp"] for answer in answers for item in answer["data"]]
    assert times == sorted(times, reverse=True)


def test_instagram_never_lists_more_than_50(instagram: Caller, media: str) -> None:
    give(instagram.sandbox, media, count=60, replies=0)
    assert len(instagram.get(f"{media}/comments", limit=100)["data"]) == 50


def test_instagram_replies_by_edge_and_by_expansion(instagram: Caller, media: str) -> None:
    first, *_, reply = three_and_a_reply(instagram.sandbox, media)
    assert texts(instagram.get(f"{media}/comments")["data"]) == ["b", "c", "a"]
    fields = "text,replies.limit(5){id,text,parent_id}"
    shown = instagram.get(f"{media}/comments", fields=fields)["data"]
    expected = {"data": [{"id": reply, "text": "re: a", "parent_id": first}]}
    assert [item.get("replies") for item in shown] == [None, None, expected]
    assert instagram.get(f"{first}/replies", fields="text,parent_id") == expected


def test_a_crowd_on_instagram_can_be_read_one_by_one(instagram: Caller, media: str) -> None:
    give(instagram.sandbox, media, count=40, replies=0.5)
    entries = walk(instagram, f"{media}/comments", fields="text,username,timestamp,replies{text}")
    some = next(entry for entry in entries if entry.get("replies"))
    assert instagram.get(some["id"], fields="text,username,timestamp,replies{text}") == some
    assert len(entries) + sum(len(entry.get("replies", {"data": []})["data"]) for entry in entries) == 40


def test_comments_on_an_ad_are_left_out(instagram: Caller) -> None:
    order = {"account": instagram.id, "items": [{"origin": "ad"}]}
    (ad,) = instagram.sandbox.call("POST", "/__posts", order)["ids"]
    give(instagram.sandbox, ad, count=5)
    assert instagram.get(f"{ad}/comments") == {"data": []}
