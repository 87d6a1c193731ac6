"""Channels: whether they can be published to, and whether the platform takes another post there that day."""

from collections.abc import Iterator

from accounts import clock
from posts.graph import error_codes
from posts.graph.errors import PermissionDenied
from posts.models import ChannelState, ChannelType
from scheduling.domain.preflight.base import Check
from scheduling.domain.preflight.context import DAY, CheckContext
from scheduling.models import ChannelCheck, Delivery, ScheduledPost

QUOTA = 50  # posts in 24 hours where the account has not been asked: the smaller of the two that Meta names now
CLOSED = {
    ChannelState.NEEDS_RECONNECT: "needs reconnecting: its access token is no longer taken",
    ChannelState.BLOCKED: "is blocked by the platform",
    ChannelState.DISCONNECTED: "is disconnected",
}


def look(post: ScheduledPost, delivery: Delivery, known: CheckContext) -> Iterator[Check]:
    """Yield the state of the channel, then what its quota leaves."""
    channel = delivery.channel
    checkup = known.checkups.get(channel.pk)
    if channel.state != ChannelState.CONNECTED:
        why = f" {channel.state_reason}" if channel.state_reason else ""
        said = (
            f"{channel.name} {CLOSED[ChannelState(channel.state)]}. Nothing goes out there until that is mended.{why}"
        )
        yield Check("channel", "stop", said, channel.public_id)
        return
    yield _token(delivery, checkup, known.last_error.get(channel.pk))
    if channel.type == ChannelType.INSTAGRAM_ACCOUNT:
        yield _quota(post, delivery, checkup, known)


def _token(delivery: Delivery, checkup: ChannelCheck | None, last_error: str | None) -> Check:
    """Say what is known of the token. A permission to publish shows only in publishing: the last post there tells."""
    channel = delivery.channel
    if last_error and _is_permission(last_error):
        said = f"{channel.name}: the last post was refused because the access token lacks a permission."
        return Check("channel.permission", "warn", said, channel.public_id)
    if checkup is None:
        said = f"{channel.name} is connected; its access token has not been tried lately."
        return Check("channel", "unknown", said, channel.public_id)
    if checkup.permission:
        said = f"{channel.name}: the access token lacks a permission. {checkup.problem}"
        return Check("channel.permission", "warn", said, channel.public_id)
    if checkup.problem:
        said = f"{channel.name}: the platform did not answer when it was last asked. {checkup.problem}"
        return Check("channel", "warn", said, channel.public_id)
    said = f"{channel.name} is connected, and the platform takes its access token."
    if last_error == "":
        said = f"{channel.name} is connected, and took the last post."
    return Check("channel", "ok", said, channel.public_id)


def _quota(post: ScheduledPost, delivery: Delivery, checkup: ChannelCheck | None, known: CheckContext) -> Check:
    """Count the 24 hours before the instant: what the platform has counted that still matters, and what is planned."""
    channel, at = delivery.channel, post.scheduled_for or clock.now()
    asked = checkup is not None and checkup.quota_used is not None
    used = (checkup.quota_used or 0) if checkup and asked and at - checkup.at < DAY else 0
    total = (checkup.quota_total if checkup else None) or QUOTA
    planned = sum(
        1
        for item in known.planned[channel.pk]
        if item.post_id != post.pk and item.at is not None and at - DAY < item.at <= at
    )
    left = total - used - planned
    if left <= 0:
        said = f"{channel.name}: its {total} posts of the day are used up: {used} live, {planned} more before this one."
        return Check("quota", "warn", said, channel.public_id)
    if not asked:
        said = f"{channel.name}: how many of its posts of the day are used up has not been asked yet."
        return Check("quota", "unknown", said, channel.public_id)
    said = f"{channel.name}: {left} of {total} posts are left in the 24 hours before it goes out."
    return Check("quota", "ok", said, channel.public_id)


def _is_permission(label: str) -> bool:
    code, _, subcode = label.partition("/")
    if not code.lstrip("-").isdecimal():
        return label == PermissionDenied.__name__
    row = error_codes.find(int(code), int(subcode) if subcode.isdecimal() else None)
    return row is not None and issubclass(row.kind, PermissionDenied)
