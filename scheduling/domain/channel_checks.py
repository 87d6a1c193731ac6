"""Checks channels ahead of time, so that problems are seen, and rejected tokens replaced, before the scheduled time."""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.cache import cache
from django.db.models import F, Q

from accounts import clock
from accounts.domain.actors import WORKER
from accounts.encryption import InvalidToken
from posts.domain import channels
from posts.graph.account import Account
from posts.graph.errors import AuthFailed, GraphError, PermissionDenied
from posts.graph.publishers.instagram import check_account
from posts.models import Channel, ChannelState
from scheduling.domain import enqueue
from scheduling.lifecycle import EDITABLE
from scheduling.models import ChannelCheck, ScheduledPost

SPACING = 2  # seconds


def check_channel(channel_id: int) -> bool:
    """Check one connected channel and store the answer; return whether it answered."""
    channel = Channel.objects.filter(pk=channel_id, state=ChannelState.CONNECTED).first()
    if channel is None:
        return False
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
    ChannelCheck.objects.update_or_create(channel=channel, defaults={**result, "at": clock.now()})
    return not result["problem"]


def check_next_channel() -> int:
    """Enqueue the check of the channel that was checked longest ago; return how many: 0 or 1.

    Only if that is longer than CHANNEL_CHECK_INTERVAL ago. The cache keeps SPACING between two checks.
    """
    if not settings.CHANNEL_CHECK_INTERVAL:
        return 0
    old = clock.now() - timedelta(seconds=settings.CHANNEL_CHECK_INTERVAL)
    rows = Channel.objects.filter(Q(checkup=None) | Q(checkup__at__lt=old), state=ChannelState.CONNECTED)
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
