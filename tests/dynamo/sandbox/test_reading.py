"""Reading back from the sandbox: fields, listings, cursors."""

import time
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from tests.dynamo.sandbox.calls import Caller, code
from tests.services.sandbox import FACEBOOK, OTHER_FACEBOOK


def messages(answer: dict[str, Any]) -> list[str]:
    return [entry["message"] for entry in answer["data"]]


def five(page: Caller) -> None:
    for number in range(5):
        page.edge("feed", message=f"post {number}")


def test_a_photo_post_leads_back_to_the_staged_photo(page: Caller) -> None:
    photo, post = page.photo_post()
    shown = page.list("published_posts", fields="id,attachments{target{id},subattachments{target{id}}}")["data"]
    assert shown == [{"id": post, "attachments": {"data": [{"target": {"id": photo}}]}}]


def test_an_album_names_its_photos_as_subattachments(page: Caller) -> None:
    photos = [page.staged_photo(name) for name in ("a.jpg", "b.jpg")]
    page.edge(
        "feed",
        message="both",
        **{f"attached_media[{at}]": f'{{"media_fbid":"{photo}"}}' for at, photo in enumerate(photos)},
    )
    shown = page.list("published_posts", fields="attachments{media_type,subattachments{target{id}}}")["data"][0]
    album = shown["attachments"]["data"][0]
    assert album == {"media_type": "album", "subattachments": {"data": [{"target": {"id": photo}} for photo in photos]}}


def test_only_the_fields_asked_for_come_back_and_empty_ones_stay_away(page: Caller) -> None:
    post = page.edge("feed", link="https://example.com/")["id"]
    counters = "reactions.summary(true).limit(0),comments.filter(stream).summary(true).limit(0)"
    assert page.get(post, fields=f"message,shares,status_type,{counters}") == {
        "id": post,
        "status_type": "shared_story",
        "reactions": {"data": [], "summary": {"total_count": 0, "viewer_reaction": "NONE"}},
        "comments": {"data": [], "summary": {"order": "chronological", "total_count": 0, "can_comment": True}},
    }


@pytest.mark.parametrize(
    "fields",
    [
        "message.as(text)",
        "reactions.type(LOVE).limit(0).summary(total_count).as(love)",
        "attachments{media_type.as(kind)}",
        "comments{message.as(text)}",
    ],
)
def test_a_field_alias_is_refused_p1(page: Caller, fields: str) -> None:
    _, post = page.photo_post()
    assert code(page.get(post, fields=fields)) == (100, None)
    assert code(page.list("published_posts", fields=fields)) == (100, None)


@pytest.mark.parametrize(
    ("fields", "wanted"),
    [
        ("message,bogus", 100),
        ("attachments{bogus}", 100),
        ("attachments{target{bogus}}", 100),
        ("a{", 2500),
        (",", 2500),
    ],
)
def test_an_unknown_or_malformed_field_fails_the_whole_read(page: Caller, fields: str, wanted: int) -> None:
    page.photo_post()
    assert code(page.list("published_posts", fields=fields))[0] == wanted


def test_listings_are_newest_first_and_paged_by_cursor(page: Caller) -> None:
    five(page)
    first = page.list("published_posts", limit=2)
    assert messages(first) == ["post 4", "post 3"]
    second = page.list("published_posts", limit=2, after=first["paging"]["cursors"]["after"])
    assert messages(second) == ["post 2", "post 1"]
    last = page.session.get(second["paging"]["next"], timeout=10).json()
    assert messages(last) == ["post 0"]
    assert set(last["paging"]) == {"cursors", "previous"}
    back = page.list("published_posts", limit=2, before=last["paging"]["cursors"]["before"])
    assert messages(back) == ["post 2", "post 1"]


def test_next_names_the_token_only_when_it_came_by_query(page: Caller) -> None:
    five(page)
    by_header = page.list("published_posts", limit=2)["paging"]["next"]
    by_query = requests.get(
        f"{page.sandbox.url}/v27.0/{page.id}/published_posts",
        params={"access_token": FACEBOOK.token, "limit": 2},
        timeout=10,
    ).json()["paging"]["next"]
    assert "access_token" not in parse_qs(urlsplit(by_header).query)
    assert parse_qs(urlsplit(by_query).query)["access_token"] == [FACEBOOK.token]


def test_since_and_until_bound_a_listing(page: Caller) -> None:
    page.edge("feed", message="now")
    at = int(time.time())
    assert messages(page.list("published_posts", since=at - 60)) == ["now"]
    assert messages(page.list("published_posts", since=at + 60)) == []
    assert messages(page.list("published_posts", until=at - 60)) == []


@pytest.mark.parametrize(
    "params", [{"limit": 101}, {"limit": "many"}, {"limit": -1}, {"after": "never-sealed"}, {"since": "yesterday"}]
)
def test_a_page_listing_refuses_what_the_platform_refuses(page: Caller, params: dict[str, Any]) -> None:
    assert code(page.list("published_posts", **params)) == (100, None)


def test_object_of_another_page_is_not_found(page: Caller) -> None:
    _, post = page.photo_post()
    other = Caller(page.sandbox, OTHER_FACEBOOK)
    assert code(other.get(post)) == (100, 33)
    assert other.list("published_posts") == {"data": []}
    assert code(other.get(f"{page.id}/published_posts")) == (100, 33)
    assert code(other.post(f"{page.id}/feed", message="x")) == (100, 33)
    assert [entry["message"] for entry in page.sandbox.posts] == ["Olá"]


def test_unknown_edges_and_several_ids_are_refused(page: Caller) -> None:
    assert code(page.list("insightful")) == (100, None)
    assert code(page.edge("insightful")) == (100, 33)
    assert code(page.get(page.id, ids="1,2")) == (100, None)
    assert code(page.get("", ids="1,2"))[0] == 2500
