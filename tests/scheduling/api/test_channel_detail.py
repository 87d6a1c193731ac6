"""GET /channels/{id} and GET /workspaces: what a channel takes."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from accounts import clock
from accounts.models import Organization, User
from posts.models import Channel, PublishedPost
from scheduling.models import ChannelCheck
from tests.helpers import SignedClient, stamp


def read(api: SignedClient, channel: Channel) -> Any:
    answer = api.get(f"/channels/{channel.public_id}")
    assert answer.status_code == 200
    return answer.json()


def test_channel_has_its_state_and_the_fields_of_the_list(api: SignedClient, facebook: Channel) -> None:
    shown = read(api, facebook)
    assert [{name: shown[name] for name in ("id", "type", "name")}] == api.get("/channels").json()
    assert (shown["state"], shown["quota"]) == ("CONNECTED", None)


def test_types_are_those_that_the_platform_takes(api: SignedClient, facebook: Channel, instagram: Channel) -> None:
    page, account = (read(api, channel)["capabilities"]["types"] for channel in (facebook, instagram))
    assert (list(page), list(account)) == (["POST", "REEL"], ["POST", "REEL", "STORY"])
    assert list(page["REEL"]["media"]) == ["VIDEO"]
    assert page["POST"]["media"]["IMAGE"]["count"] == [0, 10]
    assert (page["POST"]["carousel"]["media"], account["POST"]["carousel"]["media"]) == (["IMAGE"], ["IMAGE", "VIDEO"])
    assert (page["POST"]["isAiGenerated"], account["POST"]["isAiGenerated"]) == (False, True)
    assert account["STORY"]["altText"] is None


@pytest.mark.parametrize("network", ["facebook", "instagram"])
@pytest.mark.parametrize(("limit", "word"), [("characters", "x"), ("hashtags", "#a "), ("mentions", "@a ")])
def test_limits_of_captions_are_those_of_the_validation(
    api: SignedClient, request: Any, network: str, limit: str, word: str
) -> None:
    channel = request.getfixturevalue(network)
    most = read(api, channel)["capabilities"]["types"]["POST"]["caption"][limit]
    codes = {count: submit_codes(api, channel, word * count) for count in (most or 100, (most or 100) + 1)}
    code = "caption.length" if limit == "characters" else f"caption.{limit}"
    assert [code in found for found in codes.values()] == ([False, True] if most else [False, False])


def submit_codes(api: SignedClient, channel: Channel, caption: str) -> set[str]:
    text = {"mediumType": channel.type, "caption": caption}
    answer = api.post("/scheduled-posts", {"status": "WAITING_FOR_APPROVAL", "channels": {channel.public_id: text}})
    assert answer.status_code == 400
    return {violation["code"] for violation in answer.json()["details"]}


def test_carousel_limits_are_those_of_the_request(api: SignedClient, instagram: Channel) -> None:
    least, most = read(api, instagram)["capabilities"]["types"]["POST"]["carousel"]["items"]
    statuses = [
        api.post("/scheduled-posts", {"mediaItems": [{"url": "https://example.com/a.jpg"}] * count}).status_code
        for count in (least - 1, least, most, most + 1)
    ]
    assert statuses == [422, 201, 201, 422]


def test_quota_is_that_of_the_last_check(api: SignedClient, instagram: Channel, organization: Organization) -> None:
    ChannelCheck.objects.create(channel=instagram, at=clock.now(), quota_used=3, quota_total=50)
    assert read(api, instagram)["quota"] == {"used": 3, "total": 50, "resetsAt": None}
    at = (clock.now() - timedelta(hours=5)).astimezone(UTC)
    PublishedPost.objects.create(organization=organization, channel=instagram, platform_id="1", published_at=at)
    expected = stamp(datetime.fromisoformat(at.isoformat()) + timedelta(days=1))
    assert read(api, instagram)["quota"]["resetsAt"] == expected


def test_channel_that_the_key_may_not_use_is_not_found(
    api: SignedClient,
    other_api: SignedClient,
    facebook: Channel,
    instagram: Channel,
    organization: Organization,
    author: User,
    make_key: Callable[..., Any],
) -> None:
    limited = SignedClient(make_key(organization, author, channels=[instagram.public_id]))
    Channel.objects.filter(pk=instagram.pk).update(state="DISCONNECTED")
    for client, channel in ((other_api, facebook), (limited, facebook), (api, instagram)):
        assert client.get(f"/channels/{channel.public_id}").status_code == 404
    assert api.get("/channels/%00").status_code == 404


def test_workspaces_are_none_and_each_one_is_unknown(api: SignedClient, facebook: Channel) -> None:
    for query in ({}, {"limit": "5"}):
        answer = api.get("/workspaces", query=query)
        assert (answer.status_code, answer.json()) == (200, [])
    refused = api.get("/channels?workspaceId=1")
    assert (refused.status_code, refused.json()["details"][0]["path"]) == (400, ["workspaceId"])
