"""Sends webhooks. docs/webhooks.md specifies the body, the headers and the signature."""

import hashlib
import hmac
import json
from typing import Any

from accounts import clock, encryption
from accounts.datetimes import format_datetime
from posts.graph.safe_http import FetchError, WebhookRejected, post_json
from scheduling.domain.notifications.exceptions import DeliveryFailed, NotificationObsolete
from scheduling.domain.representation import serialize_current
from scheduling.models import NoticeKind, Notification, NotificationDelivery, Webhook


def send_webhook(delivery: NotificationDelivery) -> None:
    """POST the notification to its webhook. Raises DeliveryFailed, or NotificationObsolete for an inactive webhook."""
    webhook, notification = delivery.webhook, delivery.notice
    if webhook is None or not webhook.active or not notification.organization.active:
        raise NotificationObsolete("The webhook is paused, or its organization inactive.")
    try:
        signing = secrets(webhook)
    except encryption.InvalidToken:
        raise DeliveryFailed("Its secret cannot be decrypted: an encryption key is missing.", timed_out=False) from None
    document = json.dumps(payload(notification, webhook), ensure_ascii=False, separators=(",", ":"))
    body = document.encode("utf-8", "replace")
    stamp = str(int(clock.now().timestamp()))
    headers = {
        "X-Dynamo-Event": str(notification.pk),
        "X-Dynamo-Timestamp": stamp,
        "X-Dynamo-Signature": ",".join(sign(secret, stamp, body) for secret in signing),
    }
    try:
        post_json(webhook.url, body, headers)
    except WebhookRejected as error:
        raise DeliveryFailed(str(error), timed_out=error.silent) from None
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


def payload(notice: Notification, hook: Webhook) -> dict[str, Any]:
    """Return the body, with the post as it is now, or as it was when it was deleted.

    Of two kinds it names the one that the webhook subscribes to.
    """
    channel = notice.channel
    wanted = [kind for kind in notice.kinds if kind in hook.kinds]
    return {
        "id": str(notice.pk),
        "kind": wanted[0] if wanted else notice.kind,
        "at": format_datetime(notice.created_at),
        "organization": {"id": str(notice.organization_id), "name": notice.organization.name},
        "post": _post(notice),
        "channel": {"id": channel.public_id, "type": channel.type, "name": channel.name} if channel else None,
    }


def _post(notice: Notification) -> dict[str, Any] | None:
    if notice.post_id is None or notice.kind == NoticeKind.DELETED:
        snapshot: dict[str, Any] | None = notice.details.get("post")
        return snapshot
    return serialize_current(notice.organization_id, notice.post_id)
