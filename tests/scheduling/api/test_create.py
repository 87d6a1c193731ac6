"""POST /scheduled-posts."""

from typing import Any

import pytest
import time_machine

from accounts.models import ApiKey, Organization
from posts.models import Channel
from scheduling.models import ScheduledPost
from tests.helpers import SignedClient
from tests.scheduling.api.vectors import CHANNEL, DRAFT, invalid

pytestmark = pytest.mark.embedded

NOON = "2026-11-23T12:00:00.123Z"


@pytest.fixture(autouse=True)
def _noon() -> Any:
    with time_machine.travel(NOON, tick=False):
        yield


def test_draft_with_a_past_date_is_stored(
    api: SignedClient, facebook: Channel, key: ApiKey, organization: Organization
) -> None:
    answer = api.post("/scheduled-posts", DRAFT)
    post = ScheduledPost.objects.get()
    assert (answer.status_code, answer.headers["Location"]) == (201, f"/v1/scheduled-posts/{post.pk}")
    assert answer.json() == {
        "id": str(post.pk),
        "orgId": str(organization.pk),
        "type": "POST",
        "status": "DRAFT",
        "media": "https://res.cloudinary.com/demo/image/upload/sample.png",
        "mediaType": "IMAGE",
        "mediaItems": None,
        "altText": None,
        "isAiGenerated": False,
        "scheduledFor": "2026-07-01T13:00:00.000Z",
        "taskId": None,
        "mediumsData": {CHANNEL: {"mediumType": "FB_PAGE", "caption": "Hello 👋", "superpower": None, "outcome": None}},
        "notes": None,
        "review": None,
        "checks": answer.json()["checks"],
        "externalId": None,
        "metadata": {},
        "brief": None,
        "createdBy": {"kind": "API_KEY", "id": key.pk, "name": "agent"},
        "updatedBy": {"kind": "API_KEY", "id": key.pk, "name": "agent"},
        "createdAt": NOON,
        "updatedAt": NOON,
        "version": 1,
    }
    assert answer.headers["content-type"] == "application/json"


def test_create_with_status_scheduled_is_refused(api: SignedClient, facebook: Channel, anything_stored) -> None:
    before = anything_stored()
    answer = api.post("/scheduled-posts", {**DRAFT, "status": "SCHEDULED"})
    valid = ["DRAFT", "WAITING_FOR_APPROVAL"]
    error = {
        "message": '"status" must be one of [DRAFT, WAITING_FOR_APPROVAL]',
        "path": ["status"],
        "type": "any.only",
        "context": {"label": "status", "key": "status", "value": "SCHEDULED", "valids": valid},
    }
    assert (answer.status_code, answer.json()) == (422, {"error": [error]})
    assert anything_stored() == before


def test_submit_with_a_past_date_is_refused(api: SignedClient, facebook: Channel, anything_stored) -> None:
    before = anything_stored()
    answer = api.post("/scheduled-posts", {**DRAFT, "status": "WAITING_FOR_APPROVAL"})
    expected = invalid((["scheduledFor"], "scheduledFor.past", "scheduledFor must be in the future"))
    assert (answer.status_code, answer.json()) == expected
    assert anything_stored() == before


def test_create_and_submit_a_complete_post(api: SignedClient, draft_fields: dict[str, Any]) -> None:
    answer = api.post("/scheduled-posts", {**draft_fields, "status": "WAITING_FOR_APPROVAL"})
    assert (answer.status_code, answer.json()["status"]) == (201, "WAITING_FOR_APPROVAL")
    assert ScheduledPost.objects.get().status == "WAITING_FOR_APPROVAL"


def test_everything_is_optional_on_a_draft(api: SignedClient) -> None:
    answer = api.post("/scheduled-posts", {})
    assert answer.status_code == 201
    assert (answer.json()["type"], answer.json()["status"], answer.json()["mediumsData"]) == ("POST", "DRAFT", {})
    assert {answer.json()[name] for name in ("media", "mediaType", "scheduledFor")} == {None}


@pytest.mark.parametrize(
    "fields",
    [
        {"media": "not a url"},
        {"media": ""},
        {"media": None, "mediaType": None, "scheduledFor": None},
        {"media": "http://10.0.0.1/" + "a" * 2032},
        {"channels": {}},
        {"channels": {CHANNEL: {"mediumType": "FB_PAGE"}}},
        {"channels": {CHANNEL: {"mediumType": "FB_PAGE", "caption": "", "superpower": None}}},
        {"channels": {CHANNEL: {"mediumType": "FB_PAGE", "caption": "x" * 70_000}}},
        {"scheduledFor": "2999-12-31T23:59:59.999Z"},
        {"type": "STORY", "mediaType": "VIDEO"},
    ],
)
def test_a_draft_is_permissive(api: SignedClient, facebook: Channel, fields: dict[str, Any]) -> None:
    answer = api.post("/scheduled-posts", fields)
    assert answer.status_code == 201, answer.json()
    body = answer.json()
    kept = {name: body[name] for name in fields if name != "channels"}
    assert kept == {name: value for name, value in fields.items() if name != "channels"}
    for public_id, given in fields.get("channels", {}).items():
        assert body["mediumsData"][public_id]["caption"] == given.get("caption", "")


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("2026-12-24T18:00:00Z", "2026-12-24T18:00:00.000Z"),
        ("2026-12-24T18:00:00.5+02:00", "2026-12-24T16:00:00.500Z"),
        ("2026-12-24T18:00-0330", "2026-12-24T21:30:00.000Z"),
    ],
)
def test_scheduled_time_is_returned_in_utc_with_milliseconds(api: SignedClient, given: str, shown: str) -> None:
    answer = api.post("/scheduled-posts", {"scheduledFor": given})
    assert (answer.status_code, answer.json()["scheduledFor"]) == (201, shown)


def test_captions_are_stored_unchanged(api: SignedClient, facebook: Channel) -> None:
    caption = "  Olá\r\n\t👩‍👩‍👧‍👦 \u202eright\u202c <b>&amp;</b> \u0007 "
    answer = api.post("/scheduled-posts", {"channels": {CHANNEL: {"mediumType": "FB_PAGE", "caption": caption}}})
    assert answer.json()["mediumsData"][CHANNEL]["caption"] == caption


@pytest.mark.parametrize("status", ["DRAFT", "WAITING_FOR_APPROVAL"])
def test_unknown_channels_are_refused_all_of_them_drafts_too(
    api: SignedClient, facebook: Channel, other_facebook: Channel, status: str, anything_stored
) -> None:
    before = anything_stored()
    foreign = other_facebook.public_id
    channels = {
        foreign: {"mediumType": "FB_PAGE", "caption": "Mine now"},
        CHANNEL: {"mediumType": "INSTAGRAM_ACCOUNT", "caption": "Hello"},
        "": {"mediumType": "FB_PAGE", "caption": "Hello"},
    }
    answer = api.post("/scheduled-posts", {"status": status, "channels": channels})
    wrong_type = "Casa do Sol is of type FB_PAGE, not INSTAGRAM_ACCOUNT"
    assert (answer.status_code, answer.json()) == invalid(
        (["channels", foreign], "channel.unknown", f"Unknown channel {foreign}"),
        (["channels", CHANNEL, "mediumType"], "channel.type", wrong_type),
        (["channels", ""], "channel.unknown", "Unknown channel "),
    )
    assert anything_stored() == before


def test_a_disconnected_channel_is_unknown(api: SignedClient, facebook: Channel) -> None:
    Channel.objects.update(state="DISCONNECTED")
    answer = api.post("/scheduled-posts", DRAFT)
    assert (answer.status_code, answer.json()["message"]) == (400, f"Unknown channel {CHANNEL}")


def test_every_violation_is_reported_and_the_channel_is_named(
    api: SignedClient, facebook: Channel, instagram: Channel
) -> None:
    channels = {
        CHANNEL: {"mediumType": "FB_PAGE", "caption": "x" * 63_207},
        instagram.public_id: {"mediumType": "INSTAGRAM_ACCOUNT", "caption": "#a " * 31 + "@b " * 21 + "x" * 2200},
    }
    body = {"status": "WAITING_FOR_APPROVAL", "scheduledFor": "2026-12-01T10:00:00Z", "channels": channels}
    answer = api.post("/scheduled-posts", {**body, "media": "https://media.example.com/menu.html"})
    first = "Casa do Sol: the caption has 63,207 characters, the limit is 63,206"
    assert (answer.status_code, answer.json()["message"]) == (400, first)
    assert [(detail["path"], detail["code"]) for detail in answer.json()["details"]] == [
        (["channels", CHANNEL, "caption"], "caption.length"),
        (["channels", instagram.public_id, "caption"], "caption.length"),
        (["channels", instagram.public_id, "caption"], "caption.hashtags"),
        (["channels", instagram.public_id, "caption"], "caption.mentions"),
        (["channels", instagram.public_id], "mediaType.missing"),
    ]


def test_shape_comes_before_channels_and_channels_before_hashtags(api: SignedClient, facebook: Channel) -> None:
    power = {"name": "x"}
    wrong = {"channels": {"FB_PAGE_9": {"mediumType": "FB_PAGE", "superpower": power}}, "type": 1}
    assert api.post("/scheduled-posts", wrong).status_code == 422
    wrong.pop("type")
    assert api.post("/scheduled-posts", wrong).json()["message"] == "Unknown channel FB_PAGE_9"
    wrong["channels"] = {CHANNEL: {"mediumType": "FB_PAGE", "superpower": power}}
    incomplete = api.post("/scheduled-posts", {**wrong, "status": "WAITING_FOR_APPROVAL"})
    assert incomplete.status_code == 422
    assert incomplete.json()["message"].endswith(": templateType, hashtag is missing")
