"""POST /scheduled-posts/validate: what a submit would refuse, without storing anything."""

from datetime import timedelta
from io import BytesIO
from typing import Any
from uuid import uuid4

import pytest
from PIL import Image

from accounts import clock
from accounts.models import Organization
from posts.domain import media_store
from posts.models import Channel, MediaFile
from tests.helpers import SignedClient, stamp
from tests.scheduling.api.vectors import SUPERPOWER

URL = "/scheduled-posts/validate"


@pytest.fixture
def uploaded(organization: Organization, settings: Any) -> MediaFile:
    settings.PUBLIC_URL = "https://dynamo.example.com"
    picture = BytesIO()
    Image.new("RGB", (1080, 2400), "navy").save(picture, "JPEG")
    picture.seek(0)
    return media_store.store(organization, picture)


def complete(channel: Channel, **changes: Any) -> dict[str, Any]:
    return {
        "media": "https://media.example.com/sunset.jpg",
        "mediaType": "IMAGE",
        "scheduledFor": stamp(clock.now() + timedelta(days=365)),
        "channels": {channel.public_id: {"mediumType": channel.type, "caption": "Hello"}},
        **changes,
    }


def codes(answer: Any) -> set[str]:
    assert answer.status_code == 200, answer.content
    body = answer.json()
    assert body["valid"] == (not body["violations"])
    return {violation["code"] for violation in body["violations"]}


def test_complete_post_is_valid_and_its_media_is_not_fetched(
    api: SignedClient, facebook: Channel, anything_stored: Any
) -> None:
    before = anything_stored()
    answer = api.post(URL, complete(facebook))
    assert (codes(answer), answer.json()["mediaChecked"]) == (set(), False)
    assert anything_stored() == before


def test_violations_are_those_of_a_submit(api: SignedClient, facebook: Channel) -> None:
    for body in ({}, complete(facebook, scheduledFor="2020-01-01T00:00:00Z"), complete(facebook, type="STORY")):
        refused = api.post("/scheduled-posts", {**body, "status": "WAITING_FOR_APPROVAL"})
        assert refused.status_code == 400
        assert api.post(URL, body).json()["violations"] == refused.json()["details"]


def test_unknown_channel_is_a_violation(api: SignedClient, facebook: Channel, other_facebook: Channel) -> None:
    assert codes(api.post(URL, complete(other_facebook))) == {"channel.unknown"}


def test_wrong_shape_is_refused_as_by_a_create(api: SignedClient) -> None:
    assert api.post(URL, {"media": 7, "dryRun": True}).status_code == 422


def test_superpower_that_a_create_refuses_is_a_violation(api: SignedClient, facebook: Channel) -> None:
    def with_superpower(superpower: dict[str, Any]) -> dict[str, Any]:
        text = {"mediumType": "FB_PAGE", "caption": "Hello", "superpower": superpower}
        return complete(facebook, channels={facebook.public_id: text})

    assert codes(api.post(URL, with_superpower({"name": "x"}))) == {"superpower.incomplete"}
    assert codes(api.post(URL, with_superpower({"creativeTemplateId": "x"}))) == {"superpower.unknown_template"}
    assert codes(api.post(URL, with_superpower(SUPERPOWER))) == set()
    assert api.post("/scheduled-posts", with_superpower(SUPERPOWER)).status_code == 201
    assert codes(api.post(URL, with_superpower(SUPERPOWER))) == {"superpower.hashtag_in_use"}


def test_external_id_in_use_is_a_violation(api: SignedClient, facebook: Channel) -> None:
    api.post("/scheduled-posts", {"externalId": "menu"})
    assert codes(api.post(URL, complete(facebook, externalId="menu"))) == {"external_id.in_use"}


@pytest.mark.parametrize("host", ["https://dynamo.example.com", "http://other.example.com:8000"])
def test_uploaded_media_is_checked_whatever_the_host(
    api: SignedClient, instagram: Channel, uploaded: MediaFile, host: str
) -> None:
    answer = api.post(URL, complete(instagram, media=f"{host}/media-files/{uploaded.pk}"))
    assert (codes(answer), answer.json()["mediaChecked"]) == ({"media.ratio"}, True)


def test_uploaded_media_of_another_organization_is_unknown(
    other_api: SignedClient, other_facebook: Channel, uploaded: MediaFile
) -> None:
    answer = other_api.post(URL, complete(other_facebook, media=media_store.stable_url(uploaded)))
    assert (codes(answer), answer.json()["mediaChecked"]) == ({"media.unknown"}, False)


def test_type_of_an_uploaded_file_is_known_without_media_type(
    api: SignedClient, facebook: Channel, uploaded: MediaFile
) -> None:
    url = media_store.stable_url(uploaded)
    body = {**complete(facebook, media=url, altText="A terrace"), "mediaType": None}
    assert codes(api.post(URL, body)) == set()
    created = api.post("/scheduled-posts", {**body, "status": "WAITING_FOR_APPROVAL"})
    assert (created.status_code, created.json().get("mediaType")) == (201, "IMAGE"), created.content
    draft = api.post("/scheduled-posts", {"media": None}).json()["id"]
    assert api.patch(f"/scheduled-posts/{draft}", {"media": url}).json()["mediaType"] == "IMAGE"
    items = [{"url": url}, {"url": url}]
    changed = api.patch(f"/scheduled-posts/{draft}", {"media": None, "mediaItems": items})
    assert [item["mediaType"] for item in changed.json()["mediaItems"]] == ["IMAGE", "IMAGE"], changed.content


@pytest.mark.parametrize(
    ("media", "code"),
    [
        ("https://dynamo.example.com/media-files/{}", "media.unknown"),
        ("/media-files/{}", "media.relative"),
        ("//other.example.com/media-files/{}", "media.relative"),
        ("https://a:b@10.0.0.1/media-files/{}", ""),
        ("https://dynamo.example.com/media-files/{}?x=1", None),
    ],
)
def test_address_of_a_file_that_is_not_stored_is_refused_as_any_other(
    api: SignedClient, facebook: Channel, media: str, code: str | None
) -> None:
    body = complete(facebook, media=media.format(uuid4()))
    found = codes(api.post(URL, body))
    assert (found == set()) if code is None else found
    assert code != "media.unknown" or found == {code}
    status = api.post("/scheduled-posts", {**body, "status": "WAITING_FOR_APPROVAL"}).status_code
    assert status == (201 if code is None else 400)


def test_warnings_are_those_of_the_review_page(api: SignedClient, facebook: Channel) -> None:
    body = complete(facebook)
    assert api.post("/scheduled-posts", {**body, "status": "WAITING_FOR_APPROVAL"}).status_code == 201
    warnings = api.post(URL, body).json()["warnings"]
    assert {(check["severity"], check["channelId"]) for check in warnings} == {("WARNING", facebook.public_id)}


def test_repeated_validation_gets_the_first_answer_i1(api: SignedClient, facebook: Channel) -> None:
    body, headers = complete(facebook), {"Idempotency-Key": "k1"}
    first = api.post(URL, body, headers=headers)
    api.post("/scheduled-posts", {**body, "status": "WAITING_FOR_APPROVAL"})  # it would be a warning
    second = api.post(URL, body, headers=headers)
    assert (second.content, second.headers["Idempotency-Replayed"]) == (first.content, "true")
    assert api.post(URL, {**body, "brief": "x"}, headers=headers).status_code == 422
