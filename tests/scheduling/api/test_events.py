"""GET /events: what happened, with the post as it was then."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine

from accounts import clock
from accounts.domain import actors
from accounts.models import Organization, User
from posts.domain import channels
from posts.models import Channel
from scheduling.domain import event_feed, retention
from scheduling.domain.notifications import events, recipients
from scheduling.domain.publishing.gate import MISSED
from scheduling.domain.publishing.lease import fail_unclaimed
from scheduling.models import Event
from tests.helpers import SignedClient, approve, fresh

pytestmark = pytest.mark.embedded

URL, POSTS = "/events", "/scheduled-posts"


def read(api: SignedClient, **query: Any) -> Any:
    event_feed.number()
    answer = api.get(URL, query=query)
    assert answer.status_code == 200, answer.content
    return answer.json()


def types(api: SignedClient, **query: Any) -> list[str]:
    return [item["type"] for item in read(api, **query)["items"]]


def test_events_carry_the_post_as_it_was_then_i11(api: SignedClient, make_waiting: Callable[..., Any]) -> None:
    post = make_waiting()
    rejected = api.post(f"{POSTS}/{post.pk}/reject", {"notes": "Shorter"}).json()
    api.post(f"{POSTS}/{post.pk}/submit-for-approval")
    items = read(api)["items"]
    assert [item["type"] for item in items] == ["post.created", "post.submitted", "post.rejected", "post.submitted"]
    assert [item["post"]["status"] for item in items][1:] == [
        "WAITING_FOR_APPROVAL",
        "REJECTED",
        "WAITING_FOR_APPROVAL",
    ]
    assert items[2]["post"] == {**rejected, "checks": None}
    assert items[2]["review"] == rejected["review"]
    assert items[2]["actor"] == {"kind": "API_KEY", "id": api.key.pk, "name": "agent"}
    assert "review" not in items[1]


def test_deleted_post_is_in_its_event(api: SignedClient) -> None:
    post = api.post(POSTS, {"externalId": "menu"}).json()
    api.delete(f"{POSTS}/{post['id']}")
    [item] = read(api, types="post.deleted")["items"]
    assert item["post"] == {**post, "checks": None}


def test_decisions_of_people_are_events(
    api: SignedClient, make_waiting: Callable[..., Any], seat: Any, reviewer: User, organization: Organization
) -> None:
    post = make_waiting()
    approve(seat(reviewer, organization), post)
    api.post(f"{POSTS}/{post.pk}/revert")
    approved, reverted = read(api, types=["post.approved", "post.reverted"])["items"]
    assert (approved["actor"]["kind"], approved["review"]["decision"]) == ("USER", "APPROVED")
    assert (approved["post"]["status"], reverted["post"]["status"]) == ("SCHEDULED", "DRAFT")


def test_missed_post_is_late(
    api: SignedClient, make_waiting: Callable[..., Any], seat: Any, reviewer: User, organization: Organization
) -> None:
    post = make_waiting()
    approve(seat(reviewer, organization), post)
    assert fail_unclaimed(fresh(post), *MISSED)
    [item] = read(api, types="post.late")["items"]
    outcomes = {medium["outcome"]["error"]["code"] for medium in item["post"]["mediumsData"].values()}
    assert (item["post"]["status"], outcomes, item["actor"]["kind"]) == ("FAILED", {"MISSED"}, "WORKER")


def test_channel_and_reminder_are_events(
    api: SignedClient, make_waiting: Callable[..., Any], facebook: Channel
) -> None:
    post = make_waiting(channels=[facebook])
    channels.block(actors.WORKER, facebook, reason="spam")
    with time_machine.travel(post.scheduled_for - timedelta(minutes=1)):
        events.remind()
        recipients.fan_out()
        recipients.fan_out()
        items = read(api, types="channel.blocked,post.unapproved")["items"]
    assert [item["type"] for item in items] == ["channel.blocked", "post.unapproved"]
    assert items[0]["channel"] == {"id": facebook.public_id, "type": "FB_PAGE", "name": facebook.name}
    assert (items[0]["post"], items[1]["post"]["id"]) == (None, str(post.pk))


def test_cursor_continues_without_gap_or_repetition(api: SignedClient) -> None:
    seen, cursor = [], {}
    for number in range(5):
        api.post(POSTS, {"externalId": str(number)})
        page = read(api, limit="2", **cursor)
        seen += [item["post"]["externalId"] for item in page["items"]]
        cursor = {"after": page["nextCursor"]}
    assert seen == ["0", "1", "2", "3", "4"]
    assert read(api, **cursor) == {"items": [], "nextCursor": cursor["after"]}


def test_event_is_not_returned_before_it_has_a_position(api: SignedClient) -> None:
    api.post(POSTS, {})
    assert api.get(URL).json()["items"] == []
    assert types(api) == ["post.created"]


def test_cursor_of_another_organization_is_refused(api: SignedClient, other_api: SignedClient) -> None:
    api.post(POSTS, {})
    cursor = read(api)["nextCursor"]
    assert other_api.get(URL, query={"after": cursor}).status_code == 422
    assert types(other_api) == []


def test_key_that_is_limited_to_channels_sees_their_events(
    api: SignedClient,
    facebook: Channel,
    instagram: Channel,
    organization: Organization,
    author: User,
    make_key: Callable[..., Any],
) -> None:
    limited = SignedClient(make_key(organization, author, channels=[facebook.public_id]))
    for chosen in ([facebook], [facebook, instagram], [instagram]):
        texts = {channel.public_id: {"mediumType": channel.type, "caption": "Hello"} for channel in chosen}
        api.post(POSTS, {"channels": texts})
    channels.block(actors.WORKER, instagram, reason="spam")
    [item] = read(limited)["items"]
    assert set(item["post"]["mediumsData"]) == {facebook.public_id}


@pytest.mark.parametrize("query", [{"types": "post.live"}, {"types": ","}, {"after": "x"}, {"limit": "501"}])
def test_wrong_query_is_refused(api: SignedClient, query: dict[str, str]) -> None:
    assert api.get(URL, query=query).status_code == 422


def test_events_older_than_thirty_days_are_gone(api: SignedClient) -> None:
    for _ in range(2):
        api.post(POSTS, {})
    cursor = read(api)["nextCursor"]
    with time_machine.travel(clock.now() + event_feed.KEPT + timedelta(minutes=1)):
        assert types(api) == []
        assert retention.delete_old() == 1
        api.post(POSTS, {})
        assert types(api, after=cursor) == ["post.created"]
    assert Event.objects.count() == 2
