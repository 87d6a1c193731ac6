"""Asking the channels ahead of time, so that a person knows before deciding what the platform would say at the instant.

The answer is kept for people to see. A token that the platform does not take marks the channel, as it would in staging:
nothing could go out there anyway, and somebody can still mend it in time.
"""

from datetime import timedelta

from django.conf import settings
from django.core.cache import cache
from django.db.models import F, Q

from accounts import clock
from accounts.domain.actors import WORKER
from accounts.encryption import InvalidToken
from posts.domain import channels
from posts.graph.account import Account
from posts.graph.errors import AuthFailed, GraphError, PermissionDenied
from posts.graph.publishers.quota import check_account as ask
from posts.models import Channel, ChannelState
from scheduling.domain import enqueue
from scheduling.lifecycle import EDITABLE
from scheduling.models import ChannelCheck, ScheduledPost

SPACING = 2  # seconds


def check_channel(channel_id: int) -> bool:
    """Ask one connected channel and keep what it said; return whether it answered."""
    channel = Channel.objects.filter(pk=channel_id, state=ChannelState.CONNECTED).first()
    if channel is None:
        return False
    found = {"problem": "", "permission": False, "quota_used": None, "quota_total": None}
    try:
        quota = ask(Account(channel.type, channel.platform_id, channel.token))
    except InvalidToken:
        found["problem"] = "Its token cannot be decrypted: an encryption key is missing."
    except AuthFailed as error:
        found["problem"] = str(error)[:300]
        channels.mark_needs_reconnect(WORKER, channel, reason=str(error))
    except GraphError as error:
        found |= {"problem": str(error)[:300], "permission": isinstance(error, PermissionDenied)}
    else:
        found |= {"quota_used": quota.used, "quota_total": quota.total}
    ChannelCheck.objects.update_or_create(channel=channel, defaults={**found, "at": clock.now()})
    return not found["problem"]


def check_next_channel() -> int:
    """Have the channel asked whose last answer is oldest, if that is old; return how many: one at a time.

    The cache keeps a second one from being asked before the first has had its time.
    """
    if not settings.CHANNEL_CHECK_INTERVAL:
        return 0
    old = clock.now() - timedelta(seconds=settings.CHANNEL_CHECK_INTERVAL)
    rows = Channel.objects.filter(Q(checkup=None) | Q(checkup__at__lt=old), state=ChannelState.CONNECTED)
    pk = rows.order_by(F("checkup__at").asc(nulls_first=True), "pk").values_list("pk", flat=True).first()
    if pk is None or not cache.add(f"examine:{pk}", 1, timeout=60) or not cache.add("examining", 1, timeout=SPACING):
        return 0
    return int(enqueue.send_task("examine_channel", pk))


def request_recheck(post: ScheduledPost) -> None:
    """Have workers look at the media of an editable post, and ask its channels, now. Changes no row itself."""
    if post.status in EDITABLE and post.media:
        enqueue.send_task("inspect_media", str(post.pk), post.version)
    for delivery in post.deliveries.all():
        enqueue.send_task("examine_channel", delivery.channel_id)
