"""Sends webhooks. docs/webhooks.md specifies the body, the headers and the signature."""

import base64
import hashlib
import hmac
import json
from typing import Any

from accounts import clock, encryption
from posts.graph.safe_http import FetchError, WebhookRejected, post_json
from scheduling.domain.event_feed import OF_KINDS, document_of
from scheduling.domain.notifications.exceptions import DeliveryFailed, NotificationObsolete
from scheduling.models import Notification, NotificationDelivery, Webhook

PREFIX = "whsec_"
GONE = 410


def send_webhook(delivery: NotificationDelivery) -> None:
    """POST the notification to its webhook. Raises DeliveryFailed, or NotificationObsolete for an inactive webhook."""
    webhook, notification = delivery.webhook, delivery.notice
    if webhook is None or not webhook.active or not notification.organization.active:
        raise NotificationObsolete("The webhook is paused, or its organization inactive.")
    try:
        signing = secrets(webhook)
    except encryption.InvalidToken:
        raise DeliveryFailed("Its secret cannot be decrypted: an encryption key is missing.", timed_out=False) from None
    document = payload(notification, webhook)
    body = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
    stamp = str(int(clock.now().timestamp()))
    headers = {
        "webhook-id": document["id"],
        "webhook-timestamp": stamp,
        "webhook-signature": " ".join(sign_standard(secret, document["id"], stamp, body) for secret in signing),
        "X-Dynamo-Event": document["id"],
        "X-Dynamo-Timestamp": stamp,
        "X-Dynamo-Signature": ",".join(sign(secret, stamp, body) for secret in signing),
    }
    try:
        post_json(webhook.url, body, headers)
    except WebhookRejected as error:
        gone = error.status == GONE
        raise DeliveryFailed(str(error), timed_out=error.silent, retry_after=error.retry_after, gone=gone) from None
    except FetchError as error:
        raise DeliveryFailed(str(error), timed_out=True) from None


def secrets(hook: Webhook) -> list[str]:
    """Return the secrets that sign now, decrypted: the current one, and during a rotation the previous one."""
    encrypted = [hook.secret_encrypted]
    if hook.previous_encrypted and hook.previous_until is not None and clock.now() < hook.previous_until:
        encrypted.append(hook.previous_encrypted)
    return [encryption.decrypt(value) for value in encrypted]


def sign(secret: str, stamp: str, body: bytes) -> str:
    """Return the signature: lowercase hex HMAC-SHA256 under `secret` over the timestamp, a full stop and the body."""
    return hmac.new(secret.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()


def sign_standard(secret: str, event_id: str, stamp: str, body: bytes) -> str:
    """Return the signature of Standard Webhooks: `v1,` and base64 HMAC-SHA256 over id, timestamp and body.

    The key is the decoded part after `whsec_`; of a secret from before it had that form, all of it.
    """
    key = base64.b64decode(secret.removeprefix(PREFIX)) if secret.startswith(PREFIX) else secret.encode()
    signed = f"{event_id}.{stamp}.".encode() + body
    return f"v1,{base64.b64encode(hmac.digest(key, signed, 'sha256')).decode()}"


def payload(notice: Notification, hook: Webhook) -> dict[str, Any]:
    """Return the body: the event as GET /events returns it, with the post as it was then.

    Of two kinds, a post that failed on one channel and is unknown on another, it names the one that the webhook
    subscribes to.
    """
    document = document_of(notice)
    wanted = [kind for kind in notice.kinds if kind in hook.kinds]
    if wanted and wanted[0] != notice.kind:
        document = {**document, "type": OF_KINDS[wanted[0]]}
    return document
