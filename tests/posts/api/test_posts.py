"""GET /posts and GET /posts/{id}."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from posts.models import Channel, PublishedPost
from tests.helpers import SignedClient

pytestmark = pytest.mark.embedded

DAY = datetime(2026, 7, 1, tzinfo=UTC)


@pytest.fixture
def make_post(facebook: Channel) -> Callable[..., PublishedPost]:
    """Store a published post."""

    def make(platform_id: str, at: datetime = DAY, channel: Channel = facebook, **columns: Any) -> PublishedPost:
        return PublishedPost.objects.create(
            organization_id=channel.organization_id,
            channel=channel,
            platform_id=platform_id,
            published_at=at,
            **columns,
        )

    return make


def ids(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.content
    return [item["id"] for item in answer.json()]


def test_a_post_with_all_that_the_platform_gave(
    api: SignedClient, make_post: Callable[..., PublishedPost], facebook: Channel
) -> None:
    make_post(
        "123_456",
        DAY + timedelta(hours=13, microseconds=999),
        type="REEL",
        caption="Olá 👋",
        media_url="https://media.example.com/a.mp4",
        media_type="VIDEO",
        thumbnail_url="https://media.example.com/a.jpg",
        permalink="https://facebook.example/456",
        likes=3,
        comments=0,
        shares=1,
        reactions={"love": 2},
        superpower={"name": "Greeter", "theirs": [1]},
        scheduled_post_id="5f0d6c52-6b0e-4f0e-9a39-0d2f3c1f7b11",
    )
    expected = {
        "id": "123_456",
        "mediumId": facebook.public_id,
        "mediumType": "FB_PAGE",
        "type": "REEL",
        "caption": "Olá 👋",
        "mediaUrl": "https://media.example.com/a.mp4",
        "mediaType": "VIDEO",
        "thumbnailUrl": "https://media.example.com/a.jpg",
        "permalink": "https://facebook.example/456",
        "publishedAt": "2026-07-01T13:00:00.000Z",
        "metrics": {"likes": 3, "comments": 0, "shares": 1, "reactions": {"love": 2}},
        "superpower": {"name": "Greeter", "theirs": [1]},
        "scheduledPostId": "5f0d6c52-6b0e-4f0e-9a39-0d2f3c1f7b11",
    }
    assert api.get("/posts").json() == [expected]
    one = api.get(f"/posts/123_456?mediumId={facebook.public_id}")
    assert (one.status_code, one.json()) == (200, expected)


def test_values_not_returned_by_the_platform_are_null(
    api: SignedClient, make_post: Callable[..., PublishedPost], instagram: Channel
) -> None:
    make_post("17800000000000001", channel=instagram)
    assert api.get("/posts").json() == [
        {
            "id": "17800000000000001",
            "mediumId": instagram.public_id,
            "mediumType": "INSTAGRAM_ACCOUNT",
            "type": "POST",
            "caption": None,
            "mediaUrl": None,
            "mediaType": None,
            "thumbnailUrl": None,
            "permalink": None,
            "publishedAt": "2026-07-01T00:00:00.000Z",
            "metrics": {"likes": None, "comments": None, "shares": None, "reactions": None},
            "superpower": None,
            "scheduledPostId": None,
        }
    ]


def test_newest_first_merged_over_channels_ties_by_id(
    api: SignedClient, make_post: Callable[..., PublishedPost], instagram: Channel
) -> None:
    make_post("a", DAY)
    make_post("c", DAY)
    make_post("b", DAY, instagram)
    make_post("z", DAY - timedelta(seconds=1))
    make_post("0", DAY + timedelta(microseconds=1), instagram)
    assert ids(api.get("/posts")) == ["0", "c", "b", "a", "z"]


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ("startDate=2026-07-01", ["next", "last", "noon", "first"]),
        ("startDate=2026-07-02", ["next"]),
        ("endDate=2026-07-01", ["last", "noon", "first", "before"]),
        ("startDate=2026-07-01&endDate=2026-07-01", ["last", "noon", "first"]),
        ("startDate=2026-07-01T12:00:00Z&endDate=2026-07-01T12:00:00Z", ["noon"]),
        ("startDate=2026-07-01T14:00:00%2B02:00&endDate=2026-07-01T12:00:00.000Z", ["noon"]),
        ("endDate=2026-07-01T11:59:59.999Z", ["first", "before"]),
        ("startDate=2026-07-01T12:00:00.001Z", ["next", "last"]),
        ("startDate=2026-07-03&endDate=2026-07-01", []),
        ("startDate=2999-12-31", []),
        ("endDate=2999-12-31&limit=1", ["next"]),
    ],
)
def test_dates_are_inclusive_and_a_bare_date_is_a_whole_day(
    api: SignedClient, make_post: Callable[..., PublishedPost], filters: str, expected: list[str]
) -> None:
    make_post("before", DAY - timedelta(microseconds=1))
    make_post("first", DAY)
    make_post("noon", DAY + timedelta(hours=12, microseconds=500))
    make_post("last", DAY + timedelta(days=1, microseconds=-1))
    make_post("next", DAY + timedelta(days=1))
    assert ids(api.get(f"/posts?{filters}")) == expected


def test_filters_apply_before_the_limit(
    api: SignedClient, make_post: Callable[..., PublishedPost], facebook: Channel, instagram: Channel
) -> None:
    make_post("reel", DAY, type="REEL")
    make_post("elsewhere", DAY, instagram, type="REEL")
    for number in range(3):
        make_post(f"post{number}", DAY + timedelta(hours=number))
    assert ids(api.get("/posts?type=REEL&limit=2")) == ["reel", "elsewhere"]
    assert ids(api.get(f"/posts?type=REEL&limit=1&mediumId={facebook.public_id}")) == ["reel"]
    assert ids(api.get(f"/posts?mediumId={instagram.public_id}")) == ["elsewhere"]


def test_posts_of_a_disconnected_channel_stay_readable(
    api: SignedClient, make_post: Callable[..., PublishedPost], facebook: Channel
) -> None:
    make_post("1")
    Channel.objects.update(state="DISCONNECTED")
    assert ids(api.get("/posts")) == ids(api.get(f"/posts?mediumId={facebook.public_id}")) == ["1"]


@pytest.mark.parametrize("path", ["/posts", "/posts/1"])
@pytest.mark.parametrize("medium_id", ["FB_PAGE_999888777666555", "FB_PAGE_0", "nonsense"])
def test_an_unknown_or_foreign_channel_is_refused(
    api: SignedClient, make_post: Callable[..., PublishedPost], other_facebook: Channel, path: str, medium_id: str
) -> None:
    make_post("1", channel=other_facebook)
    details = [{"path": ["mediumId"], "message": "Unknown mediumId", "code": "channel.unknown"}]
    answer = api.get(f"{path}?mediumId={medium_id}")
    assert (answer.status_code, answer.json()) == (
        400,
        {"message": "Unknown mediumId", "code": "channel.unknown", "details": details},
    )


def test_one_post_needs_its_channel(api: SignedClient, make_post: Callable[..., PublishedPost]) -> None:
    make_post("1")
    context = {"label": "mediumId", "key": "mediumId"}
    error = {"message": '"mediumId" is required', "path": ["mediumId"], "type": "any.required", "context": context}
    answer = api.get("/posts/1")
    assert (answer.status_code, answer.json()) == (422, {"error": [error]})


@pytest.mark.parametrize("post_id", ["2", "%00", "1%00", "%F0%9F%91%8B", "x" * 3000])
def test_an_unknown_post_is_not_found(
    api: SignedClient, make_post: Callable[..., PublishedPost], facebook: Channel, instagram: Channel, post_id: str
) -> None:
    make_post("1")
    make_post("2", channel=instagram)
    answer = api.get(f"/posts/{post_id}?mediumId={facebook.public_id}")
    assert (answer.status_code, answer.json()) == (404, {"message": "Not found", "code": "not_found"})


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ("type=CAROUSEL", [("type", "any.only")]),
        ("mediumId=", [("mediumId", "string.empty")]),
        ("mediumId=a%00", [("mediumId", "string.base")]),
        ("startDate=yesterday", [("startDate", "string.isoDate")]),
        ("startDate=2026-07-01T13:00:00", [("startDate", "string.isoDate")]),
        ("startDate=2026-02-30", [("startDate", "string.isoDate")]),
        ("startDate=0001-01-01", [("startDate", "string.isoDate")]),
        ("endDate=9999-12-31", [("endDate", "string.isoDate")]),
        ("endDate=2026-W27-3", [("endDate", "string.isoDate")]),
        ("startDate=2026-07-01&startDate=2026-07-02", [("startDate", "string.base")]),
        ("limit=501&after=x", [("limit", "number.max"), ("after", "object.unknown")]),
    ],
)
def test_every_wrong_parameter_is_named(api: SignedClient, parameters: str, expected: list[tuple[str, str]]) -> None:
    answer = api.get(f"/posts?{parameters}")
    assert answer.status_code == 422, answer.content
    assert [(*error["path"], error["type"]) for error in answer.json()["error"]] == expected
