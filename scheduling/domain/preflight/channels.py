"""Checks channels: their connection and permissions, and the daily quota of posts."""

from collections.abc import Iterator

from accounts import clock
from posts.graph import error_codes
from posts.graph.errors import ActionRequired, GraphError, PermissionDenied
from posts.models import ChannelState, ChannelType, PostType
from scheduling.domain.preflight.base import Check
from scheduling.domain.preflight.context import DAY, CheckContext
from scheduling.domain.publishing.quota import REELS_PER_DAY
from scheduling.models import ChannelCheck, Delivery, ScheduledPost

QUOTA = 50  # posts in 24 hours for an unchecked account: the smaller of the two limits that Meta documents
CLOSED = {
    ChannelState.NEEDS_RECONNECT: "needs reconnecting: its access token is no longer valid",
    ChannelState.BLOCKED: "is blocked by the platform",
    ChannelState.DISCONNECTED: "is disconnected",
}


def check_channel(post: ScheduledPost, delivery: Delivery, known: CheckContext) -> Iterator[Check]:
    """Yield the state of the channel, then its remaining quota."""
    channel = delivery.channel
    checkup = known.checkups.get(channel.pk)
    if channel.state != ChannelState.CONNECTED:
        why = f" {channel.state_reason}" if channel.state_reason else ""
        problem = CLOSED[ChannelState(channel.state)]
        message = f"{channel.name} {problem}. Nothing is published there until this is fixed.{why}"
        yield Check("channel", "stop", message, channel.public_id)
        return
    yield _token(delivery, checkup, known.last_error.get(channel.pk))
    if checkup is not None and checkup.account and not checkup.is_named(channel.name):
        message = f"{channel.name} has another name on the platform: {checkup.account}, ID {channel.platform_id}."
        yield Check("channel.name", "warn", message, channel.public_id)
    if channel.type == ChannelType.INSTAGRAM_ACCOUNT:
        yield _quota(post, delivery, checkup, known)
    elif post.type == PostType.REEL:
        yield _reel_quota(post, delivery, known)


def _token(delivery: Delivery, checkup: ChannelCheck | None, last_error: str | None) -> Check:
    """Return the check of the token. Whether it may publish is known only from the last post."""
    channel = delivery.channel
    if last_error and _is_kind(last_error, ActionRequired):
        message = f"{channel.name}: the last post was refused. {_remedy(last_error)}"
        return Check("channel.action", "warn", message, channel.public_id)
    if last_error and _is_kind(last_error, PermissionDenied):
        message = f"{channel.name}: the last post was refused because the access token lacks a permission."
        return Check("channel.permission", "warn", message, channel.public_id)
    if checkup is None:
        message = f"{channel.name} is connected; its access token has not been checked recently."
        return Check("channel", "unknown", message, channel.public_id)
    if checkup.permission:
        message = f"{channel.name}: the access token lacks a permission. {checkup.problem}"
        return Check("channel.permission", "warn", message, channel.public_id)
    if checkup.problem:
        message = f"{channel.name}: the last check of the channel failed. {checkup.problem}"
        return Check("channel", "warn", message, channel.public_id)
    message = f"{channel.name} is connected, and its access token is valid."
    if last_error == "":
        message = f"{channel.name} is connected; the last post was published."
    return Check("channel", "ok", message, channel.public_id)


def _quota(post: ScheduledPost, delivery: Delivery, checkup: ChannelCheck | None, known: CheckContext) -> Check:
    """Return the check of the quota in the 24 hours before the scheduled time: published and planned posts."""
    channel, at = delivery.channel, post.scheduled_for or clock.now()
    checked = checkup is not None and checkup.quota_used is not None
    used = (checkup.quota_used or 0) if checkup and checked and at - checkup.at < DAY else 0
    total = (checkup.quota_total if checkup else None) or QUOTA
    others = [item.at for item in known.planned[channel.pk] if item.at is not None and item.post_id != post.pk]
    planned = len([other for other in others if at - DAY < other <= at])
    left = total - used - planned
    if left <= 0:
        message = f"{channel.name}: daily quota of {total} posts used up: {used} published, {planned} planned before."
        return Check("quota", "warn", message, channel.public_id)
    if not checked:
        message = f"{channel.name}: the daily quota has not been checked yet."
        return Check("quota", "unknown", message, channel.public_id)
    message = f"{channel.name}: {left} of {total} posts are left in the 24 hours before the scheduled time."
    return Check("quota", "ok", message, channel.public_id)


def _reel_quota(post: ScheduledPost, delivery: Delivery, known: CheckContext) -> Check:
    """Return the check of the Page's reels in the 24 hours before the scheduled time."""
    channel, at = delivery.channel, post.scheduled_for or clock.now()
    used = len([time for time in known.published_reels[channel.pk] if at - DAY < time <= at])
    others = [item.at for item in known.planned_reels[channel.pk] if item.at is not None and item.post_id != post.pk]
    planned = len([other for other in others if at - DAY < other <= at])
    left = REELS_PER_DAY - used - planned
    if left <= 0:
        message = (
            f"{channel.name}: a Page takes {REELS_PER_DAY} reels in 24 hours: {used} published, {planned} planned "
            "before. This one waits for a free place, and fails when there is none in time."
        )
        return Check("quota", "warn", message, channel.public_id)
    message = f"{channel.name}: {left} of {REELS_PER_DAY} reels are left in the 24 hours before the scheduled time."
    return Check("quota", "ok", message, channel.public_id)


def _is_kind(label: str, kind: type[GraphError]) -> bool:
    row = _row(label)
    return issubclass(row.kind, kind) if row else label == kind.__name__


def _row(label: str) -> error_codes.Row | None:
    code, _, subcode = label.partition("/")
    if not code.lstrip("-").isdecimal():
        return None
    return error_codes.find(int(code), int(subcode) if subcode.isdecimal() else None)


def _remedy(label: str) -> str:
    row, subcode = _row(label), label.partition("/")[2]
    remedy = error_codes.REMEDIES.get(int(subcode), "") if subcode.isdecimal() else ""
    return " ".join(part for part in (f"{row.meaning}." if row else "", remedy) if part)
