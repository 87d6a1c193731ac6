"""The calls of the contract's extensions: events, validation, capabilities, uploads, and the error of a wrong clock."""

import json
from collections.abc import Callable, Generator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from PIL import Image

from accounts import clock
from accounts.models import ApiKey
from dynamo_client import AuthenticationFailed, Client
from dynamo_client.auth import sign
from dynamo_client.cli import main
from posts.models import Channel, MediaFile
from scheduling.domain import event_feed
from scheduling.models import ScheduledPost
from tests.client.proxy import LOSE, Answer, Proxy
from tests.services.web_server import WebServer


def test_events_are_decoded_and_give_the_next_cursor(agent: Client, make_waiting: Callable[..., Any]) -> None:
    post = make_waiting()
    agent.reject(str(post.pk), "Shorter")
    event_feed.number()
    first = agent.list_events(limit=2)
    assert [event.type for event in first.items] == ["post.created", "post.submitted"]
    page = agent.list_events(after=first.next_cursor, types=["post.rejected", "post.approved"])
    [event] = page.items
    assert event.post is not None
    assert event.review is not None
    assert (event.post.id, event.post.notes, event.review.notes) == (str(post.pk), "Shorter", "Shorter")
    assert event.occurred_at is not None
    assert abs(event.occurred_at - clock.now()) < timedelta(minutes=1)
    assert agent.list_events(after=page.next_cursor).items == []


def test_watch_without_a_post_keeps_the_cursor(
    logged_in: Path, agent: Client, capsys: pytest.CaptureFixture[str]
) -> None:
    agent.create_draft()
    event_feed.number()
    file = logged_in / "cursor"
    watch = ["watch", "--cursor-file", str(file), "--interval", "0.1", "--timeout", "0.3"]
    assert main(watch) == 4
    assert json.loads(capsys.readouterr().out)["type"] == "post.created"
    agent.create_draft(external_id="second")
    event_feed.number()
    assert main(watch) == 4
    assert json.loads(capsys.readouterr().out)["post"]["externalId"] == "second"


def test_validation_is_decoded(agent: Client, facebook: Channel) -> None:
    result = agent.validate(channels={facebook.public_id: "Olá", "FB_PAGE_1": "Olá"})
    assert (result.valid, result.media_checked) == (False, False)
    unknown = next(violation for violation in result.violations if violation.code == "channel.unknown")
    assert unknown.path == ("channels", "FB_PAGE_1")
    assert not ScheduledPost.objects.exists()


def test_channel_has_capabilities_and_quota(agent: Client, facebook: Channel, instagram: Channel) -> None:
    page, account = agent.get_channel(facebook.public_id), agent.get_channel(instagram.public_id)
    assert (page.state, page.quota) == ("CONNECTED", None)
    assert account.capabilities is not None
    assert account.capabilities["types"]["POST"]["caption"]["characters"] == 2200


def test_upload_is_repeated_with_its_key_and_used_by_a_post(
    agent_behind_proxy: Client, proxy: Proxy, tmp_path: Path, facebook: Channel
) -> None:
    file = tmp_path / "sunset.jpg"
    Image.new("RGB", (1080, 1350), "navy").save(file)
    proxy.faults = [Answer(503, headers={"Retry-After": "0"}), LOSE]
    media = agent_behind_proxy.upload_media(file)
    assert (media.media_type, media.width, media.height) == ("IMAGE", 1080, 1350)
    assert len({headers["idempotency-key"] for _, _, headers in proxy.requests}) == 1
    assert MediaFile.objects.count() == 1
    post = agent_behind_proxy.create_draft(media=media.url, channels={facebook.public_id: "Olá"})
    assert post.media == media.url


def test_upload_of_a_url(agent: Client, media: str) -> None:
    stored = agent.upload_media(media)
    assert (stored.id, stored.media_type) == (str(MediaFile.objects.get().pk), "IMAGE")


class FastClock(httpx2.Auth):
    """Signs with a clock that is 75 seconds fast."""

    def __init__(self, key: ApiKey) -> None:
        self.key = key

    def auth_flow(self, request: httpx2.Request) -> Generator[httpx2.Request, httpx2.Response, None]:
        date = (clock.now() + timedelta(seconds=75)).isoformat()
        signature = sign(self.key.secret, date)  # type: ignore[attr-defined]
        request.headers |= {"x-api-key": self.key.pk, "x-date": date, "x-signature": signature}
        yield request


def test_clock_error_has_the_servers_time(transactional_db: None, key: ApiKey, public_server: WebServer) -> None:
    with Client(public_server.url, FastClock(key)) as client, pytest.raises(AuthenticationFailed) as refusal:
        client.get_organization()
    assert refusal.value.code == "signature.expired"
    assert refusal.value.details["skewSeconds"] == pytest.approx(75, abs=5)


def test_reason_of_a_revert_is_sent(agent: Client, make_scheduled: Callable[..., Any]) -> None:
    post = make_scheduled()
    assert agent.revert(str(post.pk), reason="Closed that day").status == "DRAFT"
    agent.delete_scheduled_post(str(post.pk), reason="Not needed")
    assert not ScheduledPost.objects.exists()
