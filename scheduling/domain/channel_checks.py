"""Checks channels ahead of time, so that problems are seen, and rejected tokens replaced, before the scheduled time."""

import logging
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.cache import cache
from django.db import transaction
from django.db.models import F, Q

from accounts import clock
from accounts.domain.actors import WORKER
from accounts.encryption import InvalidToken
from accounts.models import AuditEvent
from posts.domain import channel_tokens, channels
from posts.graph import login
from posts.graph.account import Account
from posts.graph.errors import AuthFailed, GraphError, PermissionDenied
from posts.graph.publishers.instagram import check_account
from posts.models import Channel, ChannelState
from scheduling.domain import channel_health, enqueue
from scheduling.lifecycle import EDITABLE
from scheduling.models import ChannelCheck, ScheduledPost

log = logging.getLogger(__name__)
SPACING = 2  # seconds
TOKEN_INTERVAL = timedelta(hours=6)


def check_channel(channel_id: int) -> bool:
    """Check one connected channel and store the answer; return whether it answered."""
    channel = Channel.objects.filter(pk=channel_id, state=ChannelState.CONNECTED).first()
    if channel is None:
        return False
    before = ChannelCheck.objects.filter(channel=channel).first()
    result: dict[str, Any] = {"problem": "", "permission": False, "quota_used": None, "quota_total": None}
    try:
        account = check_account(Account(channel.type, channel.platform_id, channel.token))
    except InvalidToken:
        result["problem"] = "Its token cannot be decrypted: an encryption key is missing."
    except AuthFailed as error:
        result["problem"] = str(error)[:300]
        channels.mark_needs_reconnect(WORKER, channel, reason=str(error))
    except GraphError as error:
        result |= {"problem": str(error)[:300], "permission": isinstance(error, PermissionDenied)}
    else:
        # After a check that fails, the names of the one before stay.
        result |= {"platform_name": account.name, "platform_username": account.username}
        result |= {"quota_used": account.quota.used, "quota_total": account.quota.total}
    if channel.state == ChannelState.CONNECTED:
        result |= _check_token(channel, before, needed=result["permission"])
    with transaction.atomic():
        ChannelCheck.objects.update_or_create(channel=channel, defaults={**result, "at": clock.now()})
        if "missing_permissions" in result:
            channel_health.notify_of_lost_permissions(channel, before, result["missing_permissions"])
    return not result["problem"]


def _check_token(channel: Channel, before: ChannelCheck | None, *, needed: bool) -> dict[str, Any]:
    """Return the columns about the token, none when they are recent enough or the platform does not answer.

    They are read again every TOKEN_INTERVAL, after the channel was connected, and when they are `needed`.
    """
    known_at = before.token_checked_at if before and channel_health.knows_token(channel, before) else None
    is_recent = known_at is not None and known_at > clock.now() - TOKEN_INTERVAL
    if not channel_tokens.is_configured() or (is_recent and not needed):
        return {}
    try:
        info = login.debug_token(channel.token)
    except InvalidToken:
        return {}
    except GraphError as error:
        log.warning("the token of channel %s was not checked: %s", channel.pk, error.label)
        return {}
    return {
        "token_checked_at": clock.now(),
        "expires_at": info.expires_at,
        "data_access_expires_at": info.data_access_expires_at,
        "missing_permissions": [
            permission.name for permission in channel_tokens.missing_in_token(info, channel.type, channel.platform_id)
        ],
    }


def check_after_connect(*, event: AuditEvent, **_signal: Any) -> None:
    """On commit, enqueue the check of a channel that a person connected. Receives `audit_log.event_recorded`.

    A message that is lost is replaced by check_next_channel.
    """
    if event.verb == "channel.connect":
        channel_id = int(event.subject.removeprefix("channel:"))
        transaction.on_commit(lambda: enqueue.send_task("examine_channel", channel_id))


def check_next_channel() -> int:
    """Enqueue the check of the channel that was checked longest ago; return how many: 0 or 1.

    Only if that is longer than CHANNEL_CHECK_INTERVAL ago, or before the channel was connected again. The cache keeps
    SPACING between two checks.
    """
    if not settings.CHANNEL_CHECK_INTERVAL:
        return 0
    old = clock.now() - timedelta(seconds=settings.CHANNEL_CHECK_INTERVAL)
    is_due = Q(checkup=None) | Q(checkup__at__lt=old) | Q(checkup__at__lt=F("connected_at"))
    rows = Channel.objects.filter(is_due, state=ChannelState.CONNECTED)
    pk = rows.order_by(F("checkup__at").asc(nulls_first=True), "pk").values_list("pk", flat=True).first()
    if (
        pk is None
        or not cache.add(f"channel-check:{pk}", 1, timeout=60)
        or not cache.add("channel-check", 1, timeout=SPACING)
    ):
        return 0
    return int(enqueue.send_task("examine_channel", pk))


def request_recheck(post: ScheduledPost) -> None:
    """Enqueue the inspection of an editable post's media and the checks of its channels."""
    if post.status in EDITABLE and post.media:
        enqueue.send_task("inspect_media", str(post.pk), post.version)
    for delivery in post.deliveries.all():
        enqueue.send_task("examine_channel", delivery.channel_id)
