"""Webhooks over the API."""

from collections.abc import Callable
from typing import Any

import pytest

from accounts import encryption
from accounts.models import ApiKey, AuditEvent, IdempotencyKey, Organization, User
from scheduling.domain import event_feed
from scheduling.domain.notifications import recipients, webhook_sender
from scheduling.domain.publishing.gate import MISSED
from scheduling.domain.publishing.lease import fail_unclaimed
from scheduling.models import Notification, NotificationDelivery, Webhook
from tests.helpers import SignedClient, approve, fresh

URL = "/webhooks"
NEW = {"url": "https://hooks.example.com/in?token=t", "types": ["post.rejected", "post.failed"]}


def test_webhook_is_created_with_a_secret_that_is_shown_once(api: SignedClient, key: ApiKey) -> None:
    answer = api.post(URL, NEW)
    assert answer.status_code == 201, answer.content
    made = answer.json()
    hook = Webhook.objects.get()
    assert answer.headers["Location"] == f"/v1/webhooks/{hook.pk}"
    assert encryption.decrypt(hook.secret_encrypted) == made["secret"]
    assert (hook.kinds, made["types"]) == (["REJECTED", "FAILED"], ["post.failed", "post.rejected"])
    shown = {name: value for name, value in made.items() if name != "secret"}
    assert (api.get(URL).json(), api.get(f"{URL}/{made['id']}").json()) == ([shown], shown)
    event = AuditEvent.objects.get(verb="webhook.add")
    assert (event.actor_id, "token" in str(event.details)) == (key.pk, False)


def test_repeated_create_gets_the_same_secret_i1(api: SignedClient) -> None:
    first, second = (api.post(URL, NEW, headers={"Idempotency-Key": "k1"}) for _ in range(2))
    assert (second.status_code, second.headers["Idempotency-Replayed"]) == (201, "true")
    assert (second.content, second.headers["Location"]) == (first.content, first.headers["Location"])
    assert Webhook.objects.count() == 1
    assert first.json()["secret"] not in str(IdempotencyKey.objects.values_list())
    path = f"{URL}/{first.json()['id']}/rotate"
    rotated = {api.post(path, headers={"Idempotency-Key": "k2"}).json()["secret"] for _ in range(2)}
    assert len(rotated) == 1


def test_webhooks_are_paged(api: SignedClient) -> None:
    ids = [api.post(URL, NEW).json()["id"] for _ in range(3)]
    first = api.get(URL, query={"limit": "2"})
    assert 'rel="next"' in first.headers["Link"]
    second = api.get(URL, query={"limit": "2", "cursor": first.headers["X-Next-Cursor"]})
    assert [hook["id"] for hook in first.json() + second.json()] == ids
    assert "X-Next-Cursor" not in second.headers


def test_test_is_sent_and_is_an_event(api: SignedClient) -> None:
    path = f"{URL}/{api.post(URL, NEW).json()['id']}"
    assert api.post(f"{path}/test").status_code == 200
    delivery = NotificationDelivery.objects.select_related("notice", "webhook").get()
    event_feed.number()
    [event] = api.get("/events", query={"types": "webhook.test"}).json()["items"]
    assert webhook_sender.payload(delivery.notice, delivery.webhook) == event
    assert (event["actor"]["id"], event["post"]) == (api.key.pk, None)
    api.patch(path, {"active": False})
    assert api.post(f"{path}/test").status_code == 409


def test_created_and_edited_posts_are_sent_to_webhooks_that_subscribe(api: SignedClient) -> None:
    api.post(URL, {**NEW, "types": ["post.created", "post.edited"]})
    path = f"/scheduled-posts/{api.post('/scheduled-posts', {}).json()['id']}"
    api.patch(path, {"brief": "x"})
    recipients.fan_out()
    sent = [
        webhook_sender.payload(delivery.notice, delivery.webhook)
        for delivery in NotificationDelivery.objects.select_related("notice", "webhook").order_by("pk")
    ]
    event_feed.number()
    assert sent == api.get("/events").json()["items"]
    assert [item["type"] for item in sent] == ["post.created", "post.edited"]


def test_created_post_makes_no_notification_without_a_subscription(api: SignedClient) -> None:
    api.post(URL, NEW)
    api.post("/scheduled-posts", {})
    assert not Notification.objects.exists()


@pytest.mark.parametrize("type_", ["post.late", "post.failed"])
def test_missed_post_is_sent_as_late(api: SignedClient, make_waiting, seat, reviewer, organization, type_: str) -> None:
    api.post(URL, {**NEW, "types": [type_]})
    post = make_waiting()
    approve(seat(reviewer, organization), post)
    assert fail_unclaimed(fresh(post), *MISSED)
    recipients.fan_out()
    delivery = NotificationDelivery.objects.select_related("notice", "webhook").get(means="WEBHOOK")
    assert webhook_sender.payload(delivery.notice, delivery.webhook)["type"] == "post.late"


def test_webhook_is_changed_rotated_and_deleted(api: SignedClient) -> None:
    made = api.post(URL, NEW).json()
    path = f"{URL}/{made['id']}"
    changed = api.patch(path, {"active": False, "types": ["channel.expiring"]}).json()
    assert (changed["active"], changed["types"], changed["url"]) == (False, ["channel.expiring"], NEW["url"])
    rotated = api.post(f"{path}/rotate").json()["secret"]
    assert rotated.startswith("whsec_")
    assert rotated != made["secret"]
    assert api.delete(path).status_code == 200
    assert api.get(path).status_code == 404


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 422),
        ({**NEW, "types": []}, 422),
        ({**NEW, "types": ["post.live"]}, 422),
        ({**NEW, "url": "https://10.0.0.1/in"}, 400),
        ({**NEW, "secret": "x"}, 422),
    ],
)
def test_wrong_webhook_is_refused(api: SignedClient, body: dict[str, Any], status: int) -> None:
    assert api.post(URL, body).status_code == status
    assert not Webhook.objects.exists()


def test_webhook_needs_the_scope_and_all_channels(
    api: SignedClient, other_api: SignedClient, organization: Organization, author: User, make_key: Callable[..., Any]
) -> None:
    path = f"{URL}/{api.post(URL, NEW).json()['id']}"
    for columns in ({"scopes": ["read", "draft", "queue"]}, {"channels": ["FB_PAGE_1"]}):
        limited = SignedClient(make_key(organization, author, **columns))
        answers = [limited.get(URL), limited.post(URL, NEW), limited.get(path), limited.delete(path)]
        assert {answer.status_code for answer in answers} == {403}
    assert (other_api.get(URL).json(), other_api.get(path).status_code) == ([], 404)
