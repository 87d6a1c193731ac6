"""API keys that are limited to some channels."""

from collections.abc import Callable
from typing import Any

import pytest

from accounts import clock
from accounts.domain import actors
from accounts.exceptions import Conflict, Invalid
from accounts.models import ApiKey
from posts.domain.published_posts import record_published
from posts.models import Channel
from scheduling.domain import drafts
from scheduling.domain.drafts import ChannelText
from scheduling.models import ScheduledPost
from tests.helpers import SignedClient
from tests.scheduling.api.vectors import invalid

pytestmark = pytest.mark.embedded


@pytest.fixture
def limited(make_key: Callable[..., ApiKey], organization: Any, author: Any, facebook: Channel) -> SignedClient:
    """The client of a key that is limited to the Page."""
    return SignedClient(make_key(organization, author, channels=[facebook.public_id]))


def live(channel: Channel, platform_id: str) -> None:
    record_published(
        channel=channel, platform_id=platform_id, type="POST", caption="Hi", media_url=None, media_type="TEXT",
        permalink=None, published_at=clock.now(), superpower=None, scheduled_post_id=None,
    )  # fmt: skip


def on(*channels: Channel) -> dict[str, Any]:
    return {"channels": {channel.public_id: {"mediumType": channel.type, "caption": "Hi"} for channel in channels}}


def test_limited_key_lists_its_channels_and_their_posts(
    limited: SignedClient, api: SignedClient, facebook: Channel, instagram: Channel
) -> None:
    live(facebook, "on-the-page")
    live(instagram, "on-instagram")
    assert [item["id"] for item in limited.get("/channels").json()] == [facebook.public_id]
    assert [item["id"] for item in limited.get("/posts").json()] == ["on-the-page"]
    assert {item["id"] for item in api.get("/posts").json()} == {"on-the-page", "on-instagram"}
    assert limited.get("/posts/on-the-page", query={"mediumId": facebook.public_id}).status_code == 200
    for path in ("", *(f"/on-instagram{part}" for part in ("", "/insights", "/comments", "/comments/export"))):
        answers = [
            limited.get(f"/posts{path}", query={"mediumId": medium}) for medium in (instagram.public_id, "FB_PAGE_1")
        ]
        assert [answer.status_code for answer in answers] == [400, 400], path
        assert answers[0].json() == answers[1].json()


def test_limited_key_cannot_draft_on_other_channels(
    limited: SignedClient, facebook: Channel, instagram: Channel
) -> None:
    refused = limited.post("/scheduled-posts", on(facebook, instagram))
    unknown = (["channels", instagram.public_id], "channel.unknown", f"Unknown channel {instagram.public_id}")
    assert (refused.status_code, refused.json()) == invalid(unknown)
    mine = limited.post("/scheduled-posts", on(facebook)).json()["id"]
    assert limited.patch(f"/scheduled-posts/{mine}", on(instagram)).json() == refused.json()
    assert ScheduledPost.objects.get().deliveries.get().channel == facebook


def test_limited_key_does_not_find_posts_with_other_channels(
    limited: SignedClient, api: SignedClient, facebook: Channel, instagram: Channel
) -> None:
    bare, mine, both = (
        api.post("/scheduled-posts", given).json()["id"] for given in ({}, on(facebook), on(facebook, instagram))
    )
    assert {item["id"] for item in limited.get("/scheduled-posts").json()} == {bare, mine}
    assert limited.get(f"/scheduled-posts/{bare}").status_code == 200
    assert limited.patch(f"/scheduled-posts/{mine}", {"brief": "Because"}).status_code == 200
    calls = [("GET", ""), ("PATCH", ""), ("DELETE", ""), ("POST", "/submit-for-approval"), ("POST", "/revert")]
    for method, step in [*calls, ("POST", "/reject")]:
        answer = limited.call(method, f"/scheduled-posts/{both}{step}", {"notes": "No"} if step == "/reject" else {})
        unknown = {"message": "Not found", "code": "not_found"}
        assert (answer.status_code, answer.json()) == (404, unknown), (method, step)
    assert ScheduledPost.objects.get(pk=both).version == 1


def test_limited_key_after_a_race_does_not_see_the_changed_post(
    limited: SignedClient, author, facebook: Channel, instagram: Channel
) -> None:
    opened = ScheduledPost.objects.get(pk=limited.post("/scheduled-posts", on(facebook)).json()["id"])
    moved = {"channels": {instagram.public_id: ChannelText(instagram.type, "Hi")}}
    drafts.edit(actors.user_actor(author), ScheduledPost.objects.get(), changes=moved)  # type: ignore[arg-type]
    with pytest.raises(Conflict):
        drafts.edit(actors.api_key_actor(limited.key), opened, changes={"media": None, "type": "REEL"})
    with pytest.raises(Invalid):
        drafts.edit(actors.api_key_actor(limited.key), opened, changes=moved)  # type: ignore[arg-type]
    assert ScheduledPost.objects.get().type == "POST"


def test_limiting_a_key_applies_to_its_next_request(api: SignedClient, facebook: Channel, instagram: Channel) -> None:
    assert len(api.get("/channels").json()) == 2
    ApiKey.objects.update(channels=[instagram.public_id])
    assert [item["id"] for item in api.get("/channels").json()] == [instagram.public_id]
