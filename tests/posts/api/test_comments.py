"""GET /posts/{id}/comments: read from the platform, the same object for both, with our own cursor."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from accounts import encryption
from posts.domain import comments as domain
from posts.models import Channel, ChannelState
from tests.helpers import SignedClient
from tests.posts.conftest import LivePost
from tests.services.sandbox import FACEBOOK, SandboxControl

AT = datetime(2026, 7, 1, 13, tzinfo=UTC)


def item(text: str, minutes: float = 0, **more: Any) -> dict[str, Any]:
    return {"text": text, "created_at": (AT + timedelta(minutes=minutes)).timestamp(), **more}


def walk(api: SignedClient, post: LivePost, limit: int, between: Callable[[], Any] = lambda: None) -> list[Any]:
    """Return all items, page by page."""
    found: list[Any] = []
    after: dict[str, str] = {}
    while True:
        answer = api.get(post.path("comments", limit=limit, **after))
        assert answer.status_code == 200, answer.content
        page = answer.json()
        assert page["returned"] == len(page["items"]) <= limit
        assert page["mayHaveMore"] is (page["nextCursor"] is not None)
        found += page["items"]
        if not page["mayHaveMore"]:
            return found
        after = {"after": page["nextCursor"]}
        between()


def texts(items: list[Any]) -> list[str]:
    return [item["text"] for item in items]


def test_a_comment_with_all_that_facebook_gives(api: SignedClient, page_post: LivePost) -> None:
    first, stranger = page_post.comments(
        items=[
            item("Que lindo! 😍", author={"id": "69", "name": "Maria"}, likes=3),
            item("hidden", 1, stranger=True, hidden=True),
        ]
    )
    [reply] = page_post.comments(items=[item("Obrigado", 2, parent=first, author={"id": FACEBOOK.id, "name": "Casa"})])
    answer = api.get(page_post.path("comments"))
    assert answer.json() == {
        "items": [
            {
                "id": stranger, "parentId": None, "text": "hidden", "createdAt": "2026-07-01T13:01:00.000Z",
                "author": None, "likes": 0, "replies": 0, "hidden": True,
            },
            {
                "id": first, "parentId": None, "text": "Que lindo! 😍", "createdAt": "2026-07-01T13:00:00.000Z",
                "author": {"id": "69", "name": "Maria"}, "likes": 3, "replies": 1, "hidden": False,
            },
            {
                "id": reply, "parentId": first, "text": "Obrigado", "createdAt": "2026-07-01T13:02:00.000Z",
                "author": {"id": FACEBOOK.id, "name": "Casa"}, "likes": 0, "replies": 0, "hidden": False,
            },
        ],
        "returned": 3,
        "mayHaveMore": False,
        "nextCursor": None,
    }  # fmt: skip


def test_a_comment_with_all_that_instagram_gives(api: SignedClient, media_post: LivePost) -> None:
    first, stranger = media_post.comments(
        items=[
            item("Que lindo! 😍", author={"id": "69", "username": "maria"}, likes=3),
            item("hidden", 1, author={"id": "70", "username": "otto"}, stranger=True, hidden=True),
        ]
    )
    [reply] = media_post.comments(items=[item("Obrigado", 2, parent=first, author={"id": "69", "username": "maria"})])
    assert api.get(media_post.path("comments")).json()["items"] == [
        {
            "id": stranger, "parentId": None, "text": "hidden", "createdAt": "2026-07-01T13:01:00.000Z",
            "author": {"id": None, "name": "otto"}, "likes": 0, "replies": 0, "hidden": True,
        },
        {
            "id": first, "parentId": None, "text": "Que lindo! 😍", "createdAt": "2026-07-01T13:00:00.000Z",
            "author": {"id": "69", "name": "maria"}, "likes": 3, "replies": 1, "hidden": False,
        },
        {
            "id": reply, "parentId": first, "text": "Obrigado", "createdAt": "2026-07-01T13:02:00.000Z",
            "author": {"id": "69", "name": "maria"}, "likes": 0, "replies": 0, "hidden": False,
        },
    ]  # fmt: skip


def thread(post: LivePost, name: str, minutes: float, replies: int) -> list[str]:
    """Create a comment with replies; return the texts in the order of the list."""
    [top] = post.comments(items=[item(name, minutes)])
    answers = [f"{name}.{number}" for number in range(replies)]
    post.comments(
        items=[item(text, minutes + 60 + number, parent=top) for number, text in enumerate(answers)]
    ) if answers else None
    return [name, *answers]


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 100])
def test_threads_newest_first_with_replies_oldest_first_however_long_the_pages(
    api: SignedClient, live_post: LivePost, limit: int
) -> None:
    oldest = thread(live_post, "a", 0, 13)
    middle = thread(live_post, "b", 1, 0)
    newest = thread(live_post, "c", 2, 5)
    assert texts(walk(api, live_post, limit)) == [*newest, *middle, *oldest]


@pytest.mark.parametrize("limit", [3, 25, 100])
def test_pages_neither_repeat_nor_skip_while_comments_are_written(
    api: SignedClient, live_post: LivePost, limit: int
) -> None:
    live_post.comments(count=150, replies=0.4, seed=3, began=AT.timestamp())
    before = [item["id"] for item in walk(api, live_post, 100)]
    assert len(set(before)) == len(before) == 150
    seen = walk(api, live_post, limit, lambda: live_post.comments(items=[{"text": "new"} for _ in range(4)]))
    assert [item["id"] for item in seen] == before


@pytest.mark.parametrize("dead", ["work", "refuse", "empty"])
@pytest.mark.parametrize("limit", [2, 10])
def test_no_comment_is_left_out_when_the_one_under_the_cursor_is_deleted(
    api: SignedClient, live_post: LivePost, sandbox: SandboxControl, limit: int, dead: str
) -> None:
    sandbox.settings(dead_cursors=dead)
    names = [f"{number}" for number in range(30)]
    ids = live_post.comments(items=[item(name, number) for number, name in enumerate(names)])
    left = list(reversed(list(zip(names, ids, strict=True))))
    found: list[str] = []
    after: dict[str, str] = {}
    gone: set[str] = set()
    while True:
        answer = api.get(live_post.path("comments", limit=limit, **after))
        assert answer.status_code == 200, answer.content
        page = answer.json()
        found += texts(page["items"])
        if not page["mayHaveMore"]:
            break
        after = {"after": page["nextCursor"]}
        last = page["items"][-1]
        if len(found) % 4 == 0:
            live_post.comments(delete=[last["id"]])
            gone.add(last["text"])
    assert gone
    assert found == [name for name, _ in left]


def test_an_empty_post(api: SignedClient, live_post: LivePost) -> None:
    empty = {"items": [], "returned": 0, "mayHaveMore": False, "nextCursor": None}
    assert api.get(live_post.path("comments")).json() == empty


def test_page_without_replies_is_one_call(api: SignedClient, live_post: LivePost, monkeypatch: Any) -> None:
    from posts.graph import client

    live_post.comments(count=60, replies=0)
    asked: list[str] = []
    real = client.get
    monkeypatch.setattr(
        client, "get", lambda account, path, *a, **k: asked.append(path) or real(account, path, *a, **k)
    )
    assert api.get(live_post.path("comments", limit=40)).json()["returned"] == 40
    assert asked == [f"{live_post.id}/comments"]


def test_the_cursor_shows_nothing_of_the_platforms(api: SignedClient, live_post: LivePost) -> None:
    import base64

    live_post.comments(count=40)
    cursor = api.get(live_post.path("comments", limit=5)).json()["nextCursor"]
    plain = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    inside = encryption.decrypt(cursor)
    for secret in (live_post.channel.token, "graph.", "://", live_post.id):
        assert secret not in cursor
        assert secret.encode() not in plain
    assert live_post.channel.token not in inside
    assert "http" not in inside


def test_a_cursor_that_is_not_ours_or_is_another_posts_is_refused(
    api: SignedClient,
    other_api: SignedClient,
    page_post: LivePost,
    media_post: LivePost,
    on_sandbox: Callable[..., LivePost],
) -> None:
    page_post.comments(count=40)
    another = on_sandbox(page_post.channel)
    cursor = api.get(page_post.path("comments", limit=5)).json()["nextCursor"]
    middle = len(cursor) // 2
    tampered = cursor[:middle] + ("A" if cursor[middle] != "A" else "B") + cursor[middle + 1 :]
    for post, given in (
        (page_post, tampered), (page_post, "x"), (page_post, "é"), (page_post, encryption.encrypt("[]")),
        (another, cursor), (media_post, cursor),
    ):  # fmt: skip
        answer = api.get(post.path("comments", after=given))
        assert answer.status_code == 422, given
        [error] = answer.json()["error"]
        assert (error["path"], error["type"]) == (["after"], "any.only")
    assert api.get(page_post.path("comments", limit=5, after=cursor)).status_code == 200


def test_another_organizations_cursor_is_refused(page_post: LivePost, other_facebook: Channel) -> None:
    page_post.comments(count=40)
    cursor = domain.read_page(page_post.channel, page_post.id, limit=5).next_cursor
    other_facebook.public_id = page_post.channel.public_id
    with pytest.raises(domain.UnknownCursor):
        domain.read_page(other_facebook, page_post.id, limit=5, cursor=cursor)


@pytest.mark.parametrize(
    ("query", "path", "type_"),
    [
        ("limit=0", "limit", "number.min"),
        ("limit=101", "limit", "number.max"),
        ("limit=x", "limit", "number.base"),
        ("after=", "after", "string.empty"),
    ],
)
def test_bad_parameters(api: SignedClient, page_post: LivePost, query: str, path: str, type_: str) -> None:
    answer = api.get(f"{page_post.path('comments')}&{query}")
    assert answer.status_code == 422
    assert [(error["path"], error["type"]) for error in answer.json()["error"]] == [([path], type_)]


@pytest.mark.parametrize("what", ["comments", "insights", "comments/export"])
def test_the_post_has_to_be_one_of_ours(
    api: SignedClient, other_api: SignedClient, page_post: LivePost, what: str, facebook: Channel, instagram: Channel
) -> None:
    missing = api.get(f"/posts/{page_post.id}/{what}")
    assert missing.status_code == 422
    assert [(item["path"], item["type"]) for item in missing.json()["error"]] == [(["mediumId"], "any.required")]
    for caller, medium in ((api, "FB_PAGE_1"), (other_api, facebook.public_id)):
        foreign = caller.get(f"/posts/{page_post.id}/{what}?mediumId={medium}")
        assert (foreign.status_code, foreign.json()["message"]) == (400, "Unknown mediumId")
    for post, medium in (("1_2", facebook), (page_post.id, instagram), ("a%00b", facebook)):
        unknown = api.get(f"/posts/{post}/{what}?mediumId={medium.public_id}")
        assert (unknown.status_code, unknown.json()) == (404, {"message": "Not found", "code": "not_found"})


def read(api: SignedClient, post: LivePost, what: str) -> Any:
    name, _, query = what.partition("?")
    return api.get(post.path(name) + (f"&{query}" if query else ""))


READS = ["comments", "insights", "comments/export", "comments/export?delivery=url"]


@pytest.mark.parametrize("what", READS)
@pytest.mark.parametrize(
    ("fault", "status", "message"),
    [
        ("throttle", 503, r"The app has made too many calls.*"),
        ("expired_token", 502, r".*; a person has to connect the channel again"),
        ("flicker", 502, r".*may be deleted or hidden.*"),
        ("html_502", 502, r"The platform's answer cannot be read \(HTTP 502\)"),
    ],
)
def test_platform_failure_is_reported_before_the_first_byte(
    api: SignedClient, live_post: LivePost, sandbox: SandboxControl, what: str, fault: str, status: int, message: str
) -> None:
    sandbox.fault("GET .*(comments|insights)", fault, times=100, minutes=3)
    answer = read(api, live_post, what)
    assert (answer.status_code, list(answer.json())) == (status, ["message", "code"])
    assert re.fullmatch(message, answer.json()["message"])
    assert status == 502 or 180 <= int(answer.headers["Retry-After"]) <= 241


@pytest.mark.parametrize("what", READS)
def test_disconnected_channel_is_not_read(api: SignedClient, live_post: LivePost, what: str) -> None:
    Channel.objects.filter(pk=live_post.channel.pk).update(state=ChannelState.DISCONNECTED)
    answer = read(api, live_post, what)
    assert (answer.status_code, "is disconnected" in answer.json()["message"]) == (502, True)


def test_one_failed_page_is_retried(api: SignedClient, live_post: LivePost, sandbox: SandboxControl) -> None:
    live_post.comments(items=[item("still here")])
    sandbox.fault("GET .*comments", "error", times=1, code=2, status=500)
    assert texts(api.get(live_post.path("comments")).json()["items"]) == ["still here"]


def test_unusual_texts_are_returned_as_json(api: SignedClient, live_post: LivePost) -> None:
    given = ["nul \x00 inside", "half \ud83d of a pair", "\u202eright to left\u202c", "שלום", "x" * 1_000_000]
    live_post.comments(items=[item(text, -number) for number, text in enumerate(given)])
    shown = texts(api.get(live_post.path("comments")).json()["items"])
    assert shown == [given[0], "half \ufffd of a pair", *given[2:]]
