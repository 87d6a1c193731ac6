"""Meta's callbacks and webhooks over HTTP, sent by the sandbox where it plays the platform."""

import base64
import hashlib
import hmac
import json
import logging
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client

from accounts import clock
from accounts.encryption import encrypt
from accounts.models import AuditEvent, User
from posts.domain import meta_callbacks
from posts.models import Channel, ChannelState, DataDeletion, FacebookLogin
from scheduling.models import Notification
from tests.conftest import connect
from tests.services.sandbox import FACEBOOK

pytestmark = pytest.mark.django_db
SECRET = "the-secret-of-the-meta-app"
USER = "10001234567890123"


@pytest.fixture(autouse=True)
def _app(settings: Any) -> None:
    settings.GRAPH_APP_SECRET = SECRET
    settings.GRAPH_WEBHOOK_VERIFY_TOKEN = "chosen-by-the-operator"
    settings.PUBLIC_URL = "https://dynamo.example.com"


@pytest.fixture
def owned(facebook: Channel) -> Channel:
    """A channel that the Facebook user USER connected."""
    Channel.objects.filter(pk=facebook.pk).update(connected_by_meta_user=USER)
    return facebook


def encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def signed(secret: str = SECRET, **changes: Any) -> str:
    payload = {"algorithm": "HMAC-SHA256", "issued_at": int(clock.now().timestamp()), "user_id": USER, **changes}
    encoded = encode(json.dumps(payload).encode())
    return f"{encode(hmac.new(secret.encode(), encoded.encode(), hashlib.sha256).digest())}.{encoded}"


def post(path: str, text: str) -> Any:
    return Client(enforce_csrf_checks=True).post(f"/meta/{path}", {"signed_request": text})


def state(channel: Channel) -> str:
    return Channel.objects.get(pk=channel.pk).state


def test_deauthorize_disconnects_the_users_channels_and_notifies_r16(
    owned: Channel, instagram: Channel, other_organization: Any
) -> None:
    elsewhere = connect(other_organization, FACEBOOK)  # the same Page, connected by the same user for another team
    Channel.objects.filter(pk=elsewhere.pk).update(connected_by_meta_user=USER)
    assert post("deauthorize", signed()).status_code == 200
    assert [state(channel) for channel in (owned, elsewhere, instagram)] == [
        "DISCONNECTED",
        "DISCONNECTED",
        "CONNECTED",
    ]
    event = AuditEvent.objects.filter(verb="channel.deauthorize", organization_id=owned.organization_id).get()
    assert (event.actor_name, USER in str(event.details)) == ("Meta", False)
    assert Notification.objects.filter(kind="DEAUTHORIZED").count() == 2
    assert Channel.objects.get(pk=owned.pk).token == owned.token  # what is under way can still be looked up


def test_repeated_deauthorize_leaves_a_channel_that_was_connected_again(owned: Channel) -> None:
    text = signed()
    post("deauthorize", text)
    later = {"state": ChannelState.CONNECTED, "connected_at": clock.now() + timedelta(hours=1)}
    Channel.objects.filter(pk=owned.pk).update(**later)
    assert post("deauthorize", text).status_code == 200
    assert state(owned) == "CONNECTED"
    assert AuditEvent.objects.filter(verb="channel.deauthorize").count() == 1


def test_data_deletion_deletes_token_and_user_and_answers_a_status_page_r16(owned: Channel) -> None:
    text = signed()
    answers = [post("data-deletion", text).json() for _ in range(2)]
    assert answers[0] == answers[1]
    code = answers[0]["confirmation_code"]
    assert answers[0]["url"] == f"https://dynamo.example.com/meta/data-deletion/{code}"
    row = Channel.objects.get(pk=owned.pk)
    assert (row.state, row.token_encrypted, row.connected_by_meta_user) == ("DISCONNECTED", "", None)
    assert {event.verb for event in AuditEvent.objects.all()} == {"channel.deauthorize", "channel.delete_token"}
    assert USER not in str(list(AuditEvent.objects.values())) + str(list(DataDeletion.objects.values()))
    page = Client().get(f"/meta/data-deletion/{code}")
    assert (page.status_code, code in page.content.decode()) == (200, True)
    assert not any(text in page.content.decode() for text in (USER, owned.name, owned.platform_id))
    assert Client().get(f"/meta/data-deletion/{code[:-1]}x").status_code == 404


@pytest.mark.parametrize("path", ["deauthorize", "data-deletion"])
def test_answer_in_facebook_login_of_the_user_alone_is_deleted(owned: Channel, admin_member: User, path: str) -> None:
    answers = {
        user_id: FacebookLogin.objects.create(
            organization=owned.organization,
            user=admin_member,
            nonce=user_id,
            answer_encrypted=encrypt(json.dumps({"user_id": user_id, "permissions": {}, "pages": []})),
        )
        for user_id in (USER, "42")
    }
    assert post(path, signed()).status_code == 200
    kept = FacebookLogin.objects.exclude(answer_encrypted="")
    assert [row.pk for row in kept] == [answers["42"].pk]


def test_data_deletion_of_an_unknown_user_is_answered(facebook: Channel) -> None:
    assert post("data-deletion", signed(user_id="42")).status_code == 200
    assert (state(facebook), DataDeletion.objects.count()) == ("CONNECTED", 1)


FORGED = {
    "nothing": "",
    "no signature": f".{encode(b'{}')}",
    "another secret": signed("another-secret"),
    "an empty secret": signed(""),
    "no payload": signed().partition(".")[0],
    "a changed payload": f"{signed().partition('.')[0]}.{encode(json.dumps({'user_id': USER}).encode())}",
    "another algorithm": signed(algorithm="none"),
    "no user": signed(user_id=None),
    "a user that is a list": signed(user_id=[USER]),
    "a user that is true": signed(user_id=True),
    "too long": signed(user_id="1", extra="x" * 9000),
    "not ASCII": "ção." + encode(b"{}"),
}


@pytest.mark.parametrize("path", ["deauthorize", "data-deletion"])
@pytest.mark.parametrize("text", FORGED.values(), ids=FORGED.keys())
def test_signed_request_that_is_not_metas_is_refused(owned: Channel, path: str, text: str) -> None:
    assert post(path, text).status_code == 403
    assert (state(owned), DataDeletion.objects.count()) == ("CONNECTED", 0)


def test_nothing_is_genuine_without_an_app_secret(owned: Channel, settings: Any) -> None:
    settings.GRAPH_APP_SECRET = ""
    assert post("deauthorize", signed("")).status_code == 403
    body = b"{}"
    signature = "sha256=" + hmac.new(b"", body, hashlib.sha256).hexdigest()
    headers = {"X-Hub-Signature-256": signature}
    answer = Client().post("/meta/webhook", body, content_type="application/json", headers=headers)
    assert (answer.status_code, state(owned)) == (403, "CONNECTED")


def test_wrong_signatures_are_limited_and_no_secret_is_logged(
    owned: Channel, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.SIGNATURE_FAILURES_PER_MINUTE = 3
    caplog.set_level(logging.DEBUG)
    text = signed("another-secret")
    with time_machine.travel(clock.now(), tick=False):
        assert [post("deauthorize", text).status_code for _ in range(5)] == [403, 403, 403, 429, 429]
        assert post("deauthorize", signed()).status_code == 200  # Meta's own are not counted
    assert text not in caplog.text
    assert SECRET not in caplog.text


def test_large_bodies_are_refused(settings: Any) -> None:
    form = Client().post("/meta/deauthorize", {"signed_request": "x" * 20_000})
    webhook = Client().post("/meta/webhook", b"x" * (1024 * 1024 + 1), content_type="application/json")
    assert (form.status_code, webhook.status_code) == (413, 413)


@pytest.mark.parametrize("issued_at", [None, "soon", True, -1, 10**30, 1.5])
def test_time_of_a_signed_request_may_be_anything(owned: Channel, issued_at: Any) -> None:
    parsed = meta_callbacks.parse_signed_request(signed(issued_at=issued_at))
    assert abs(parsed.issued_at - clock.now()) < timedelta(minutes=1)


QUESTION = {"hub.mode": "subscribe", "hub.verify_token": "chosen-by-the-operator", "hub.challenge": "1158201444"}


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({}, 200),
        ({"hub.mode": "unsubscribe"}, 403),
        ({"hub.verify_token": "guessed"}, 403),
        ({"hub.verify_token": ""}, 403),
        ({"hub.challenge": "<script>"}, 403),
        ({"hub.challenge": ""}, 403),
    ],
)
def test_webhook_address_is_verified_by_the_challenge(changes: dict[str, str], status: int) -> None:
    answer = Client().get("/meta/webhook", {**QUESTION, **changes})
    assert answer.status_code == status
    if status == 200:
        assert (answer.content, answer["Content-Type"]) == (b"1158201444", "text/plain")


def test_webhook_address_without_a_verify_token_is_not_verified(settings: Any) -> None:
    settings.GRAPH_WEBHOOK_VERIFY_TOKEN = ""
    assert Client().get("/meta/webhook", {**QUESTION, "hub.verify_token": ""}).status_code == 403
