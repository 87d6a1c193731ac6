"""Several media, alternative text and the AI label over the API: shapes, what reads back, PATCH."""

from typing import Any

import pytest

from posts.models import Channel
from scheduling.models import MediaItem, ScheduledPost
from tests.helpers import SignedClient
from tests.scheduling.api.vectors import CHANNEL, DRAFT

ONE, TWO, THREE = (f"https://media.example.com/{name}.jpg" for name in ("one", "two", "three"))
TEXT = "A beach, \u00e0 midi"
ITEMS = [{"url": ONE, "mediaType": "IMAGE", "altText": TEXT}, {"url": TWO}]
READ = [{"url": ONE, "mediaType": "IMAGE", "altText": TEXT}, {"url": TWO, "mediaType": None, "altText": None}]


def shown(answer: Any) -> tuple[Any, ...]:
    body = answer.json()
    return body["media"], body["mediaType"], body["mediaItems"], body["altText"], body["isAiGenerated"]


def problems(answer: Any) -> tuple[int, list[tuple[list[Any], str]]]:
    return answer.status_code, [(entry["path"], entry["type"]) for entry in answer.json()["error"]]


def codes(answer: Any) -> tuple[int, list[tuple[list[Any], str]]]:
    return answer.status_code, [(entry["path"], entry["code"]) for entry in answer.json()["details"]]


@pytest.fixture
def carousel(api: SignedClient) -> str:
    return str(api.post("/scheduled-posts", {"mediaItems": ITEMS}).json()["id"])


@pytest.mark.django_db
def test_items_read_back_in_order_and_media_is_the_first(api: SignedClient, carousel: str) -> None:
    expected = (ONE, "IMAGE", READ, None, False)
    assert shown(api.get(f"/scheduled-posts/{carousel}")) == expected
    [listed] = api.get("/scheduled-posts").json()
    assert {**api.get(f"/scheduled-posts/{carousel}").json(), "checks": None} == listed


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"media": THREE, "mediaItems": ITEMS}, [(["media"], "object.unknown")]),
        (
            {"mediaItems": ITEMS, "mediaType": "IMAGE", "altText": "x"},
            [(["altText"], "object.unknown"), (["mediaType"], "object.unknown")],
        ),
        ({"mediaItems": ITEMS[:1]}, [(["mediaItems"], "array.min")]),
        ({"mediaItems": []}, [(["mediaItems"], "array.min")]),
        ({"mediaItems": [{"url": ONE}] * 11}, [(["mediaItems"], "array.max")]),
        ({"mediaItems": {"0": ONE}}, [(["mediaItems"], "array.base")]),
        ({"mediaItems": [ONE, {}]}, [(["mediaItems", 0], "object.base"), (["mediaItems", 1, "url"], "any.required")]),
        (
            {"mediaItems": [{"url": " ", "alt": "x"}, {"url": TWO, "altText": "x" * 1001, "mediaType": "GIF"}]},
            [
                (["mediaItems", 0, "alt"], "object.unknown"),
                (["mediaItems", 0, "url"], "string.empty"),
                (["mediaItems", 1, "altText"], "string.max"),
                (["mediaItems", 1, "mediaType"], "any.only"),
            ],
        ),
        ({"altText": "x" * 1001}, [(["altText"], "string.max")]),
        ({"altText": 7, "isAiGenerated": "true"}, [(["altText"], "string.base"), (["isAiGenerated"], "boolean.base")]),
    ],
)
def test_wrong_shapes_are_refused(api: SignedClient, body: dict[str, Any], expected: list[Any]) -> None:
    answer = api.post("/scheduled-posts", body)
    assert (answer.status_code, sorted(problems(answer)[1], key=str)) == (422, sorted(expected, key=str))
    assert (ScheduledPost.objects.count(), MediaItem.objects.count()) == (0, 0)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("patch", "expected"),
    [
        ({"media": THREE}, (THREE, None, None, None, False)),
        ({"media": THREE, "mediaType": "IMAGE", "altText": "x"}, (THREE, "IMAGE", None, "x", False)),
        ({"media": ONE, "mediaType": "IMAGE"}, (ONE, "IMAGE", READ, None, False)),  # what a client read
        ({"media": ONE, "mediaItems": None}, (ONE, None, None, None, False)),
        ({"mediaItems": None}, (None, None, None, None, False)),
        ({"media": None}, (None, None, None, None, False)),
        ({"brief": "x", "isAiGenerated": True}, (ONE, "IMAGE", READ, None, True)),
        ({"mediaItems": list(reversed(READ))}, (TWO, None, list(reversed(READ)), None, False)),
        ({"mediaItems": [{"url": THREE}, {"url": ONE}]}, (
            THREE, None, [{"url": url, "mediaType": None, "altText": None} for url in (THREE, ONE)], None, False,
        )),
    ],
)  # fmt: skip
def test_patch_changes_what_it_names(api: SignedClient, carousel: str, patch: Any, expected: Any) -> None:
    answer = api.patch(f"/scheduled-posts/{carousel}", patch)
    assert (answer.status_code, shown(answer)) == (200, expected)
    assert shown(api.get(f"/scheduled-posts/{carousel}")) == expected
    assert MediaItem.objects.count() == len(expected[2] or [])


@pytest.mark.django_db
def test_patch_with_the_same_items_is_no_new_version(api: SignedClient, carousel: str) -> None:
    for same in ({"mediaItems": READ}, {"media": ONE}, {"isAiGenerated": False}, {"altText": None}):
        assert api.patch(f"/scheduled-posts/{carousel}", same).json()["version"] == 1
    assert api.patch(f"/scheduled-posts/{carousel}", {"mediaItems": [*READ, {"url": THREE}]}).json()["version"] == 2


@pytest.mark.django_db
def test_patch_without_items_keeps_the_single_media(api: SignedClient) -> None:
    post_id = api.post("/scheduled-posts", {"media": ONE, "mediaType": "IMAGE", "altText": TEXT}).json()["id"]
    expected = (ONE, "IMAGE", None, TEXT, False)
    assert shown(api.patch(f"/scheduled-posts/{post_id}", {"mediaItems": None})) == expected
    assert shown(api.patch(f"/scheduled-posts/{post_id}", {"mediaItems": ITEMS})) == (ONE, "IMAGE", READ, TEXT, False)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"mediaItems": [{"url": "ftp://x/a.jpg"}, {"url": "https://10.0.0.1/b.jpg"}]}, [
            (["mediaItems", 0, "url"], "media.url"), (["mediaItems", 1, "url"], "media.private"),
        ]),
        ({"mediaItems": [{"url": ONE}, {"url": "https://example.com/menu.html"}]}, [
            (["mediaItems", 1, "mediaType"], "mediaItems.link"),
        ]),
        ({"mediaItems": ITEMS, "type": "STORY"}, [
            (["mediaItems"], "mediaItems.type"), (["channels", CHANNEL], "type.unsupported"),
        ]),
        ({"mediaItems": ITEMS, "type": "REEL"}, [(["mediaItems"], "mediaItems.type")]),
        ({"mediaItems": [{"url": ONE}, {"url": TWO, "mediaType": "VIDEO", "altText": "x"}]}, [
            (["mediaItems", 1, "altText"], "altText.unsupported"), (["channels", CHANNEL], "mediaItems.video"),
        ]),
        ({"mediaItems": [{"url": ONE, "altText": "a\x07"}, {"url": TWO, "altText": "\u200b"}]}, [
            (["mediaItems", 0, "altText"], "altText.control"), (["mediaItems", 1, "altText"], "altText.invisible"),
        ]),
        ({"media": "https://example.com/menu.html", "altText": "x"}, [(["altText"], "altText.unsupported")]),
        ({"media": "https://example.com/a.mp4", "altText": "x"}, [(["altText"], "altText.unsupported")]),
    ],
)  # fmt: skip
def test_publish_validation_names_the_item(
    api: SignedClient, facebook: Channel, changes: dict[str, Any], expected: list[Any]
) -> None:
    base = {name: DRAFT[name] for name in ("channels",)}
    body = {**base, "scheduledFor": "2031-07-01T13:00:00Z", "status": "WAITING_FOR_APPROVAL", **changes}
    assert codes(api.post("/scheduled-posts", body)) == (400, expected)


@pytest.mark.django_db
def test_alt_text_beside_items_is_refused_for_publishing(api: SignedClient, facebook: Channel, carousel: str) -> None:
    answer = api.patch(f"/scheduled-posts/{carousel}", {"altText": "x", "channels": DRAFT["channels"]})
    assert (answer.status_code, answer.json()["altText"]) == (200, "x")
    api.patch(f"/scheduled-posts/{carousel}", {"scheduledFor": "2031-07-01T13:00:00Z"})
    assert codes(api.post(f"/scheduled-posts/{carousel}/submit-for-approval")) == (
        400,
        [(["altText"], "altText.items")],
    )
    assert codes(api.patch(f"/scheduled-posts/{carousel}", {"mediaType": "VIDEO"})) == (
        400,
        [(["mediaType"], "mediaType.items")],
    )
