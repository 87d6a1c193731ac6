"""Webhooks of the platform: which posts they refresh, how often, and the subscription of a channel."""

import hashlib
import hmac
import json
from collections.abc import Iterator
from typing import Any

import pytest
import time_machine
from django.core.cache import cache
from django.test import Client

from accounts import clock
from dynamo.celery import app
from posts.domain import post_refresh, webhook_subscription
from posts.models import Channel, PublishedPost
from tests.conftest import connect
from tests.dynamo.sandbox.calls import Caller
from tests.services.processes import eventually
from tests.services.sandbox import FACEBOOK, INSTAGRAM, SandboxControl

SECRET = "the-secret-of-the-meta-app"
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _app(settings: Any, sandbox: SandboxControl) -> None:
    settings.GRAPH_APP_SECRET = SECRET
    settings.GRAPH_WEBHOOK_VERIFY_TOKEN = "chosen-by-the-operator"
    sandbox.settings(app_secret=SECRET)


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    """The tasks that were sent to the broker, with their arguments."""
    tasks: list[Any] = []
    monkeypatch.setattr(app, "send_task", lambda name, args=(), **_: tasks.append((name, *args)))
    return tasks


def imported(channel: Channel, sandbox: SandboxControl, **item: Any) -> PublishedPost:
    """Make a post on the platform and store it without counts."""
    item = {"kind": "photo", "message": "Olá", **item}
    post_id = sandbox.call("POST", "/__posts", {"account": channel.platform_id, "items": [item]})["ids"][0]
    return PublishedPost.objects.create(
        organization=channel.organization, channel=channel, platform_id=post_id, published_at=clock.now()
    )


def change(post: PublishedPost) -> dict[str, Any]:
    if post.channel.type == "FB_PAGE":
        value: dict[str, Any] = {"item": "comment", "verb": "add", "post_id": post.platform_id, "message": "Olá"}
        return {"field": "feed", "value": value}
    return {"field": "comments", "value": {"id": "1", "text": "Olá", "media": {"id": post.platform_id}}}


def document(*posts: PublishedPost) -> dict[str, Any]:
    entries = [{"id": post.channel.platform_id, "time": 1, "changes": [change(post)]} for post in posts]
    return {"object": "page" if posts[0].channel.type == "FB_PAGE" else "instagram", "entry": entries}


def deliver(content: Any, *, body: bytes | None = None, signature: str = "") -> int:
    body = json.dumps(content).replace("/", "\\/").encode() if body is None else body
    signature = signature or "sha256=" + hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    client = Client(enforce_csrf_checks=True)
    headers = {"X-Hub-Signature-256": signature}
    return client.post("/meta/webhook", body, content_type="application/json", headers=headers).status_code


@pytest.mark.parametrize("network", ["facebook", "instagram"])
def test_webhook_refreshes_the_counts_of_the_post(
    network: str, request: Any, sandbox: SandboxControl, sent: list[Any]
) -> None:
    post = imported(request.getfixturevalue(network), sandbox, likes=7, comments=3)
    assert deliver(document(post)) == 200
    assert sent == [("posts.refresh_post", post.pk)]
    assert post_refresh.refresh(post.pk) == "refreshed"
    post.refresh_from_db()
    assert (post.comments, post.caption) == (3, "Olá")


def test_webhooks_of_one_post_cause_one_read(facebook: Channel, sandbox: SandboxControl, sent: list[Any]) -> None:
    first, second = imported(facebook, sandbox), imported(facebook, sandbox)
    for _ in range(5):
        assert deliver(document(first, first, second)) == 200
    assert sorted(sent) == [("posts.refresh_post", first.pk), ("posts.refresh_post", second.pk)]
    post_refresh.refresh(first.pk)
    deliver(document(first))
    assert len(sent) == 3


def test_flood_is_limited_to_the_budget_of_the_channel(
    facebook: Channel, instagram: Channel, sandbox: SandboxControl, sent: list[Any]
) -> None:
    posts = [imported(facebook, sandbox) for _ in range(post_refresh.MAX_REFRESHES + 10)]
    other = imported(instagram, sandbox)
    with time_machine.travel(clock.now(), tick=False):
        deliver(document(*posts))
        assert len(sent) == post_refresh.MAX_REFRESHES
        deliver(document(other))
    assert sent[-1] == ("posts.refresh_post", other.pk)


def test_shared_page_is_refreshed_in_both_organizations(
    facebook: Channel, other_organization: Any, sandbox: SandboxControl, sent: list[Any]
) -> None:
    post = imported(facebook, sandbox)
    elsewhere = connect(other_organization, FACEBOOK)
    copy = PublishedPost.objects.create(
        organization=other_organization, channel=elsewhere, platform_id=post.platform_id, published_at=clock.now()
    )
    deliver(document(post))
    assert {pk for _, pk in sent} == {post.pk, copy.pk}


def test_disconnected_channel_and_spent_rate_limit_are_left_alone(
    facebook: Channel, sandbox: SandboxControl, sent: list[Any]
) -> None:
    post = imported(facebook, sandbox)
    cache.set(f"graph-usage:level:FB_PAGE:{FACEBOOK.id}", 80)
    assert post_refresh.refresh(post.pk) == "rate limit"
    Channel.objects.update(state="DISCONNECTED")
    deliver(document(post))
    assert (sent, post_refresh.refresh(post.pk)) == ([], "not connected")


@pytest.mark.parametrize("change_of", ["GET .*", "unknown"])
def test_post_that_cannot_be_read_stays_as_it_is(facebook: Channel, sandbox: SandboxControl, change_of: str) -> None:
    post = imported(facebook, sandbox)
    if change_of == "unknown":
        PublishedPost.objects.update(platform_id=f"{FACEBOOK.id}_1")
    else:
        sandbox.fault(change_of, "flicker", times=None)
    assert post_refresh.refresh(post.pk) == "failed"
    post.refresh_from_db()
    assert (post.comments, post.missing_since, post.deleted_at) == (None, None, None)


ODD = [
    [], "page", None, 1, {}, {"object": ["page"]}, {"object": "page"}, {"object": "page", "entry": {"id": "1"}},
    {"object": "user", "entry": [{"id": "1", "changes": [{"field": "feed", "value": {"post_id": "1_2"}}]}]},
    {"object": "page", "entry": [None, 1, {"id": {}, "changes": [{"field": "feed", "value": {"post_id": "1_2"}}]}]},
    {"object": "page", "entry": [{"id": FACEBOOK.id, "changes": [{"field": "feed", "value": [{"post_id": []}]}, "x"]}]},
    {"object": "instagram", "entry": [{"id": INSTAGRAM.id, "changes": [{"field": "comments", "value": {"media": 1}}]}]},
    {"object": "page", "entry": [{"id": FACEBOOK.id, "changes": [{"field": "feed", "value": {"post_id": "\x00"}}]}]},
]  # fmt: skip


@pytest.mark.parametrize("content", ODD, ids=range(len(ODD)))
def test_unknown_objects_are_ignored(content: Any, sent: list[Any]) -> None:
    assert (deliver(content), sent) == (200, [])


@pytest.mark.parametrize("body", [b"", b"\xff", b"{", b"[" * 100_000])
def test_body_that_is_not_json_is_refused(body: bytes, sent: list[Any]) -> None:
    assert (deliver(None, body=body), sent) == (400, [])


@pytest.mark.parametrize("signature", ["sha256=", "sha256=" + "0" * 64, "sha1=" + "0" * 40, "é", "sha256=é"])
def test_wrong_signature_is_refused(
    signature: str, facebook: Channel, sandbox: SandboxControl, sent: list[Any]
) -> None:
    assert (deliver(document(imported(facebook, sandbox)), signature=signature), sent) == (403, [])


@pytest.mark.parametrize("network", ["facebook", "instagram"])
def test_subscription_is_stored_and_the_refusal_too(network: str, request: Any, sandbox: SandboxControl) -> None:
    channel = request.getfixturevalue(network)
    account = FACEBOOK if network == "facebook" else INSTAGRAM
    assert webhook_subscription.subscribe_all() == 1
    channel.refresh_from_db()
    assert (channel.webhooks_at is not None, channel.webhooks_problem) == (True, "")
    fields = Caller(sandbox, account).list("subscribed_apps")
    assert fields == {"data": [{"subscribed_fields": ["feed" if network == "facebook" else "comments"]}]}
    sandbox.register(account, scopes=["pages_read_engagement"])
    assert "permission" in webhook_subscription.subscribe(channel.pk)
    channel.refresh_from_db()
    assert (channel.webhooks_at, bool(channel.webhooks_problem)) == (None, True)
    assert channel.token not in channel.webhooks_problem


def test_nothing_is_subscribed_without_the_settings(facebook: Channel, sandbox: SandboxControl, settings: Any) -> None:
    settings.GRAPH_WEBHOOK_VERIFY_TOKEN = ""
    assert (webhook_subscription.subscribe(facebook.pk), webhook_subscription.subscribe_all()) == ("not configured", 0)


@pytest.mark.django_db(transaction=True)
def test_comment_in_the_sandbox_arrives_as_a_webhook(
    facebook: Channel, instagram: Channel, sandbox: SandboxControl, live_server: Any, sent: list[Any]
) -> None:
    """The sandbox verifies the address, signs the raw bytes and sends nothing for accounts without a subscription."""
    webhook = {"url": f"{live_server.url}/meta/webhook", "verify_token": "chosen-by-the-operator"}
    assert sandbox.call("POST", "/__webhook", webhook) == {"url": webhook["url"]}
    post = imported(facebook, sandbox)
    silent = imported(instagram, sandbox)
    webhook_subscription.subscribe(facebook.pk)
    for row in (silent, post):
        sandbox.call("POST", "/__comments", {"post": row.platform_id, "items": [{"text": "Olá / é 🌞"}]})
    deliveries = eventually(lambda: sandbox.call("GET", "/__webhook")["deliveries"], what="the delivery")
    assert [item["status"] for item in deliveries] == [200]
    assert sent == [("posts.refresh_post", post.pk)]
