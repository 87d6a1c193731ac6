"""Verification of webhooks, in a receiver: by the headers of Standard Webhooks, else by Dynamo's own.

docs/webhooks.md in the server's repository defines the headers.
"""

import base64
import binascii
import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from typing import Any

from dynamo_client.exceptions import DynamoError
from dynamo_client.models import Event, decode

TOLERANCE = 300.0  # seconds that the sender's clock may differ


class InvalidWebhook(DynamoError):
    """The request is not a genuine and recent webhook: respond with 400 and ignore it."""


def verify_webhook(
    secret: str, headers: Mapping[str, str], body: bytes, *, tolerance: float = TOLERANCE
) -> dict[str, Any]:
    """Return the JSON object in `body`, the bytes as received, after checking signature and timestamp.

    Deliveries are repeated: remember the `id` of the object, and ignore one that was processed. Raises InvalidWebhook.
    """
    given = {name.lower(): value for name, value in headers.items()}
    if "webhook-signature" in given:
        timestamp = given.get("webhook-timestamp", "")
        message = f"{given.get('webhook-id', '')}.{timestamp}.".encode() + body
        digest = hmac.digest(_standard_key(secret), message, hashlib.sha256)
        expected = base64.b64encode(digest).decode()
        signatures = [text.removeprefix("v1,") for text in given["webhook-signature"].split() if text.startswith("v1,")]
    else:
        timestamp = given.get("x-dynamo-timestamp", "")
        expected = hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()
        signatures = given.get("x-dynamo-signature", "").split(",")
    # Each signature is compared: during a rotation of the secret there are two.
    matches = [hmac.compare_digest(expected.encode(), signature.encode()) for signature in signatures]
    if not any(matches):
        raise InvalidWebhook("The signature is missing or wrong")
    if not timestamp.isdecimal() or abs(time.time() - int(timestamp)) > tolerance:
        raise InvalidWebhook("The timestamp is too far from this clock")
    try:
        payload = json.loads(body)
    except ValueError:
        payload = None
    if not isinstance(payload, dict):
        raise InvalidWebhook("The body is not a JSON object")
    return payload


def event_from_webhook(payload: dict[str, Any]) -> Event:
    """Return the object of a webhook as the Event that `list_events` returns too. Raises UnexpectedResponse."""
    event: Event = decode(Event, payload)
    return event


def _standard_key(secret: str) -> bytes:
    """Return the key of Standard Webhooks: `whsec_` and base64; other secrets are used as they are."""
    if not secret.startswith("whsec_"):
        return secret.encode()
    try:
        return base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except binascii.Error:
        raise InvalidWebhook("The secret is not whsec_ and base64") from None
