"""Calling a webhook: what is said, and how it is signed. docs/webhooks.md is the promise; this keeps it."""

import hashlib
import hmac
import json
from typing import Any

from accounts import clock, crypto
from accounts.api.wire import instant
from posts.graph.safe_http import FetchError, WebhookRejected, post_json
from scheduling.domain.arriving import Moot, NotArrived
from scheduling.domain.document import as_it_stands
from scheduling.models import Dispatch, Notice, Webhook


def call(one: Dispatch) -> None:
    """Send the notice to its webhook. Raises NotArrived, or Moot for a webhook that is not to be called."""
    hook = one.webhook
    if hook is None or not hook.active or not one.notice.organization.active:
        raise Moot("The webhook is paused, or its organization inactive.")
    try:
        known = secrets(hook)
    except crypto.InvalidToken:
        raise NotArrived("Its secret cannot be decrypted: an encryption key is missing.", silent=False) from None
    body = json.dumps(payload(one.notice, hook), ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
    stamp = str(int(clock.now().timestamp()))
    headers = {
        "X-Dynamo-Event": str(one.notice_id),
        "X-Dynamo-Timestamp": stamp,
        "X-Dynamo-Signature": ",".join(sign(secret, stamp, body) for secret in known),
    }
    try:
        post_json(hook.url, body, headers)
    except WebhookRejected as error:
        raise NotArrived(str(error), silent=error.silent) from None
    except FetchError as error:
        raise NotArrived(str(error), silent=True) from None


def secrets(hook: Webhook) -> list[str]:
    """Return the secrets that sign now, in clear: the present one, and after a rotation for a while the former one."""
    sealed = [hook.secret_encrypted]
    if hook.previous_encrypted and hook.previous_until is not None and clock.now() < hook.previous_until:
        sealed.append(hook.previous_encrypted)
    return [crypto.decrypt(one) for one in sealed]


def sign(secret: str, stamp: str, body: bytes) -> str:
    """Return the signature: lowercase hex HMAC-SHA256 under `secret` over the timestamp, a full stop and the body."""
    return hmac.new(secret.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()


def payload(notice: Notice, hook: Webhook) -> dict[str, Any]:
    """Return the body. `post` is the contract's document as it stands at this moment, null when there is none.

    News of two kinds goes by the one that the webhook wants.
    """
    channel = notice.channel
    wanted = [kind for kind in notice.kinds if kind in hook.kinds]
    return {
        "id": str(notice.pk),
        "kind": wanted[0] if wanted else notice.kind,
        "at": instant(notice.created_at),
        "organization": {"id": str(notice.organization_id), "name": notice.organization.name},
        "post": as_it_stands(notice.organization_id, notice.post_id) if notice.post_id else None,
        "channel": {"id": channel.wire_id, "type": channel.type, "name": channel.name} if channel else None,
    }
