"""Verification of webhooks: what Dynamo sends is accepted, what was changed or recorded is refused."""

import base64
import hashlib
import hmac
from typing import Any

import pytest
import time_machine

from accounts.domain.actors import user_actor
from accounts.models import Organization, User
from dynamo_client.webhooks import InvalidWebhook, event_from_webhook, verify_webhook
from scheduling.domain.notifications import webhooks
from scheduling.models import NoticeKind
from tests.scheduling.notification_helpers import send_due
from tests.services.webhook_receiver import receiving

# The example of the Standard Webhooks specification.
STANDARD_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
STANDARD_BODY = b'{"test": 2432232314}'
STANDARD_HEADERS = {
    "Webhook-Id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
    "Webhook-Timestamp": "1614265330",
    "Webhook-Signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
}
# The known answer of docs/webhooks.md.
DYNAMO_BODY = '{"id":"5ca5ad05-0100-4000-8000-00000000000a","kind":"TEST","texto":"olá"}'.encode()
DYNAMO_HEADERS = {
    "X-Dynamo-Timestamp": "1780146000",
    "X-Dynamo-Signature": "50f375f3b64fdfdf7dad0cdce814190517c97c5feda23309622b59f4ea541c9e",
}
CASES = [
    pytest.param(STANDARD_SECRET, STANDARD_HEADERS, STANDARD_BODY, 1614265330, id="standard"),
    pytest.param("test-secret", DYNAMO_HEADERS, DYNAMO_BODY, 1780146000, id="dynamo"),
]


@pytest.mark.parametrize(("secret", "headers", "body", "at"), CASES)
def test_known_answer_is_accepted(secret: str, headers: dict[str, str], body: bytes, at: int) -> None:
    with time_machine.travel(at + 299, tick=False):
        assert verify_webhook(secret, headers, body)


@pytest.mark.parametrize(("secret", "headers", "body", "at"), CASES)
def test_changed_body_wrong_secret_or_missing_headers_are_refused(
    secret: str, headers: dict[str, str], body: bytes, at: int
) -> None:
    with time_machine.travel(at, tick=False):
        for changed in [("another", headers, body), (secret, headers, body + b" "), (secret, {}, body)]:
            with pytest.raises(InvalidWebhook):
                verify_webhook(*changed)


@pytest.mark.parametrize("seconds", [301, -301])
@pytest.mark.parametrize(("secret", "headers", "body", "at"), CASES)
def test_recorded_webhook_is_refused_later(
    secret: str, headers: dict[str, str], body: bytes, at: int, seconds: int
) -> None:
    with time_machine.travel(at + seconds, tick=False), pytest.raises(InvalidWebhook, match="timestamp"):
        verify_webhook(secret, headers, body)


@pytest.mark.parametrize(("secret", "headers", "body", "at"), CASES)
def test_one_valid_signature_of_two_is_enough(secret: str, headers: dict[str, str], body: bytes, at: int) -> None:
    name = next(name for name in headers if name.lower().endswith("signature"))
    other = "v1,AAAA " if "Webhook" in name else "aaaa,"
    with time_machine.travel(at, tick=False):
        assert verify_webhook(secret, {**headers, name: other + headers[name]}, body)


def test_webhook_of_the_server_is_accepted(admin_member: User, organization: Organization, sandbox: Any) -> None:
    """During a rotation both secrets are valid."""
    actor = user_actor(admin_member)
    with receiving() as receiver:
        hook, first = webhooks.add(actor, organization=organization, url=receiver.url, kinds=[NoticeKind.FAILED])
        second = webhooks.rotate(actor, hook)
        webhooks.send_test(actor, hook)
        send_due()
        [(_, headers, body)] = receiver.calls
    for secret in (first, second):
        assert verify_webhook(secret, headers, body)["id"]
    with pytest.raises(InvalidWebhook):
        verify_webhook("another", headers, body)


def test_event_of_a_standard_webhook_is_decoded() -> None:
    """The form that the contract gives to events and webhooks."""
    body = (
        b'{"id":"e1","type":"post.rejected","occurredAt":"2026-05-30T13:00:00.000Z","organizationId":"o1",'
        b'"actor":{"kind":"USER","id":"7","name":"Maria"},"channel":null,'
        b'"post":{"id":"p1","status":"REJECTED","version":2,"notes":"Shorter"},'
        b'"review":{"decision":"REJECTED","notes":"Shorter","version":2}}'
    )
    key = base64.b64decode(STANDARD_SECRET.removeprefix("whsec_"))
    signature = base64.b64encode(hmac.digest(key, b"e1.1780146000." + body, hashlib.sha256)).decode()
    headers = {"webhook-id": "e1", "webhook-timestamp": "1780146000", "webhook-signature": f"v1,{signature}"}
    with time_machine.travel(1780146000, tick=False):
        event = event_from_webhook(verify_webhook(STANDARD_SECRET, headers, body))
    assert event.post is not None
    assert event.review is not None
    assert (event.type, event.post.status, event.review.notes) == ("post.rejected", "REJECTED", "Shorter")
