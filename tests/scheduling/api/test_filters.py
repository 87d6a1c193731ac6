"""Filters of GET /scheduled-posts."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from accounts import clock
from accounts.models import Organization, User
from posts.models import Channel
from scheduling.models import ScheduledPost
from tests.helpers import SignedClient, stamp

pytestmark = pytest.mark.embedded

URL = "/scheduled-posts"


def found(api: SignedClient, **query: str | list[str]) -> set[str]:
    answer = api.get(URL, query=query)
    assert answer.status_code == 200, answer.content
    return {post["id"] for post in answer.json()}


def test_channel_id_selects_the_posts_on_the_channel(
    api: SignedClient, make_draft: Callable[..., Any], facebook: Channel, instagram: Channel
) -> None:
    both, one = make_draft(channels=[facebook, instagram]), make_draft(channels=[facebook])
    assert found(api, channelId=facebook.public_id) == {str(both.pk), str(one.pk)}
    assert found(api, channelId=instagram.public_id) == {str(both.pk)}


def test_unknown_or_foreign_channel_id_is_refused(
    api: SignedClient,
    other_facebook: Channel,
    facebook: Channel,
    instagram: Channel,
    organization: Organization,
    author: User,
    make_key: Callable[..., Any],
) -> None:
    limited = SignedClient(make_key(organization, author, channels=[instagram.public_id]))
    for client, channel in ((api, other_facebook), (limited, facebook)):
        answer = client.get(URL, query={"channelId": channel.public_id})
        assert (answer.status_code, answer.json()["details"][0]["path"]) == (400, ["channelId"])


def test_from_and_to_are_inclusive_and_a_day_is_the_whole_day(api: SignedClient) -> None:
    times = [datetime(2031, 7, day, hour, tzinfo=UTC) for day, hour in ((1, 0), (1, 23), (2, 0))]
    first, late, next_day = (api.post(URL, {"scheduledFor": stamp(time)}).json()["id"] for time in times)
    api.post(URL, {})
    assert found(api, **{"from": "2031-07-01", "to": "2031-07-01"}) == {first, late}
    assert found(api, **{"from": stamp(times[1])}) == {late, next_day}
    assert found(api, to=stamp(times[1])) == {first, late}


def test_updated_since_selects_what_was_changed_later(api: SignedClient) -> None:
    old, new = (api.post(URL, {}).json()["id"] for _ in range(2))
    ScheduledPost.objects.filter(pk=old).update(updated_at=clock.now() - timedelta(hours=1))
    assert found(api, updatedSince=stamp(clock.now() - timedelta(minutes=5))) == {new}


def test_external_id_selects_the_post(api: SignedClient, other_api: SignedClient) -> None:
    post = api.post(URL, {"externalId": "menu"}).json()["id"]
    api.post(URL, {})
    assert (found(api, externalId="menu"), found(other_api, externalId="menu")) == ({post}, set())


def test_q_searches_captions(api: SignedClient, facebook: Channel) -> None:
    terrace, _ = (
        api.post(URL, {"channels": {facebook.public_id: {"mediumType": "FB_PAGE", "caption": caption}}}).json()["id"]
        for caption in ("The terrace is open", "Closed on Monday")
    )
    assert found(api, q="terr") == {terrace}


def test_repeated_status_selects_each(api: SignedClient, make_draft: Callable[..., Any]) -> None:
    post = make_draft()
    assert found(api, status=["WAITING_FOR_APPROVAL", "DRAFT"]) == {str(post.pk)}
    assert found(api, status=["WAITING_FOR_APPROVAL", "FAILED"]) == set()
    assert api.get(URL, query={"status": ["DRAFT", "LIVE"]}).status_code == 422


def test_cursor_of_another_filter_is_refused(api: SignedClient) -> None:
    for number in range(2):
        api.post(URL, {"externalId": str(number)})
    link = api.get(URL, query={"limit": "1", "updatedSince": "2020-01-01T00:00:00Z"}).headers["Link"]
    assert api.get(link[1 : link.index(">")].partition("/v1")[2]).status_code == 200
    cursor = link.partition("cursor=")[2].partition(">")[0]
    assert api.get(f"{URL}?limit=1&cursor={cursor}").status_code == 422
