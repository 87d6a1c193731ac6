"""The gate at the publish call: nothing is sent unless a live approval carries the digest of exactly that."""

from datetime import UTC, datetime, timedelta

from django.conf import settings

from accounts import clock
from accounts.domain.reviewers import can_review_channels
from posts.models import ChannelState
from scheduling.domain.content import Content, approved_content, canonical_sha256
from scheduling.models import Approval, Delivery, ScheduledPost


class GateClosed(Exception):
    """Nothing may be sent. `code` is for programs, the message is a sentence for a person."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


def authorize(post: ScheduledPost, deliveries: list[Delivery]) -> Content:
    """Return the content that may be sent now, recomputed from the rows; build the payload from it, not from the rows.

    Needs the post with its approval (reviewer, membership, and the same of its first) and organization loaded. Raises
    GateClosed. What the organization wants is asked now: that two have to approve, or that a second factor stands
    behind an approval, also holds for what was scheduled before that was switched on.
    """
    approval = post.approval
    if approval is None or approval.revoked_at is not None or approval.post_id != post.pk:
        raise GateClosed("NOT_APPROVED", "No live approval stands behind this post.")
    covered = [delivery for delivery in deliveries if delivery.channel.public_id in approval.content["channels"]]
    found = approved_content(post, covered)
    if canonical_sha256(found) != approval.digest:
        raise GateClosed("CHANGED", "The content is no longer what was approved; it was not sent.")
    if not post.organization.active:
        raise GateClosed("ORGANIZATION_INACTIVE", "The organization was deactivated before the post's instant.")
    if not still_reviewer(approval):
        raise GateClosed("REVIEWER_GONE", "The person who approved this may no longer review; approve it again.")
    if lacking := policy_violation(post, approval):
        raise lacking
    return found


def policy_violation(post: ScheduledPost, approval: Approval) -> GateClosed | None:
    """Return what the organization's rules want by now and the approval does not have; None when nothing."""
    if post.organization.second_approver and not has_second_approval(approval):
        return GateClosed(
            "ONE_APPROVER", "Two people have to approve in this organization, and only one stands for this."
        )
    pair = [approval, approval.first_approval] if approval.first_approval else [approval]
    if post.organization.require_mfa and not all(item.mfa_verified for item in pair):
        return GateClosed(
            "NO_SECOND_FACTOR",
            "This organization wants a second factor of its reviewers, and this was approved without one.",
        )
    return None


def still_reviewer(approval: Approval) -> bool:
    """Whether the approver is still an active person with the right to review what the approval covers."""
    membership = approval.membership
    return (
        membership is not None
        and approval.reviewer.is_active
        and can_review_channels(membership, approval.content["channels"])
    )


def has_second_approval(approval: Approval) -> bool:
    """Whether another person, who still may, approved the very same before."""
    first = approval.first_approval
    if first is None or first.revoked_at is not None or not still_reviewer(first):
        return False
    same = first.post_id == approval.post_id and first.digest == approval.digest
    return same and first.reviewer_id != approval.reviewer_id


def ensure_channel_connected(delivery: Delivery) -> None:
    """Raise GateClosed when the delivery's channel cannot be published to, in words that say what to do."""
    channel = delivery.channel
    if channel.state == ChannelState.CONNECTED:
        return
    wording = {
        ChannelState.DISCONNECTED: ("CHANNEL_DISCONNECTED", f"{channel.name} was disconnected."),
        ChannelState.NEEDS_RECONNECT: (
            "CHANNEL_NEEDS_RECONNECT",
            f"{channel.name} needs to be connected again.",
        ),
        ChannelState.BLOCKED: (
            "CHANNEL_BLOCKED",
            f"The platform blocked {channel.name}; a person has to resume it.",
        ),
    }
    code, message = wording[ChannelState(channel.state)]
    raise GateClosed(code, f"{message} {channel.state_reason}".strip())


def is_past_late_limit(post: ScheduledPost) -> bool:
    """Whether the late limit has passed, after which nothing is sent any more and a person decides."""
    return clock.now() > publish_deadline(post)


def publish_deadline(post: ScheduledPost) -> datetime:
    """Return the instant after which nothing of the post is sent any more."""
    if post.scheduled_for is None:
        return datetime.min.replace(tzinfo=UTC)
    return post.scheduled_for + timedelta(seconds=settings.MAX_LATENESS_SECONDS)
