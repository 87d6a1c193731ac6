"""The check before the publishing call: nothing is sent without a valid approval of exactly that content."""

from datetime import UTC, datetime, timedelta

from django.conf import settings

from accounts import clock
from accounts.domain.audit_log import canonical_sha256
from accounts.domain.reviewers import can_review_channels
from posts.models import ChannelState
from scheduling.domain import approval_events, stored_media
from scheduling.domain.content import Content, approved_content
from scheduling.models import Approval, Delivery, ScheduledPost

MISSED = "MISSED", "The scheduled time passed more than the late limit ago; a reviewer decides whether to publish it."

CHANNEL_CLOSED = {
    ChannelState.DISCONNECTED: "{} was disconnected.",
    ChannelState.NEEDS_RECONNECT: "{} needs to be connected again.",
    ChannelState.BLOCKED: "The platform blocked {}; a person has to resume it.",
}


class GateClosed(Exception):
    """Nothing may be sent. `code` is for programs, `message` is a sentence for a person."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


def authorize(post: ScheduledPost, deliveries: list[Delivery]) -> Content:
    """Return the content that may be sent now, recomputed from the rows. Payloads are built from it, not from the rows.

    Needs the post loaded by `lease.load_post`, with its approval and what belongs to it.
    The organization's policy is the present one: two approvals or MFA are required also of posts that were scheduled
    before the policy changed. The row of an approval authorizes nothing without the event that the audit log has of
    it. Raises GateClosed.
    """
    approval = post.approval
    if approval is None or approval.revoked_at is not None or approval.post_id != post.pk:
        raise GateClosed("NOT_APPROVED", "This post has no valid approval.")
    covered = [delivery for delivery in deliveries if delivery.channel.public_id in approval.content["channels"]]
    content = approved_content(post, covered)
    if canonical_sha256(content) != approval.digest:
        raise GateClosed("CHANGED", "The content is no longer what was approved; it was not sent.")
    if not stored_media.is_stored(post, content):
        raise GateClosed("MEDIA_NOT_STORED", f"{stored_media.NOT_STORED}; it was not sent.")
    if not post.organization.active:
        raise GateClosed("ORGANIZATION_INACTIVE", "The organization was deactivated before the scheduled time.")
    if refusal := approver_refusal(post, approval):
        raise refusal
    if forgery := approval_events.find_forgery(post, approval):
        raise GateClosed("NOT_IN_AUDIT_LOG", f"{forgery}; it was not sent.")
    return content


def approver_refusal(post: ScheduledPost, approval: Approval) -> GateClosed | None:
    """Return why the approval does not count: its approver's present rights, the organization's present policy."""
    if not still_reviewer(approval):
        return GateClosed("REVIEWER_GONE", "The person who approved this may no longer review it.")
    if post.organization.second_approver and not has_second_approval(approval):
        return GateClosed("ONE_APPROVER", "This organization requires two approvals; only one is valid.")
    approvals = [approval, approval.first_approval] if approval.first_approval else [approval]
    if post.organization.require_mfa and not all(item.mfa_verified for item in approvals):
        return GateClosed(
            "NO_SECOND_FACTOR",
            "This organization requires two-factor authentication of its reviewers; this was approved without it.",
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
    """Whether another person, who may still review, approved the same digest before."""
    first = approval.first_approval
    if first is None or first.revoked_at is not None or not still_reviewer(first):
        return False
    same = first.post_id == approval.post_id and first.digest == approval.digest
    return same and first.reviewer_id != approval.reviewer_id


def ensure_channel_connected(delivery: Delivery) -> None:
    """Raise GateClosed when the delivery's channel cannot be published to; the message says what to do."""
    channel = delivery.channel
    if channel.state == ChannelState.CONNECTED:
        return
    reason = CHANNEL_CLOSED[ChannelState(channel.state)].format(channel.name)
    raise GateClosed(f"CHANNEL_{channel.state}", f"{reason} {channel.state_reason}".strip())


def missed(paused: str) -> tuple[str, str]:
    """Return code and message of a missed post; `paused` is a sentence that names the pause, or empty."""
    code, message = MISSED
    return code, f"{message} {paused}".strip()


def is_past_late_limit(post: ScheduledPost) -> bool:
    """Whether the late limit has passed, after which nothing is sent and a person decides."""
    return clock.now() > publish_deadline(post)


def publish_deadline(post: ScheduledPost) -> datetime:
    """Return the time after which nothing of the post is sent."""
    if post.scheduled_for is None:
        return datetime.min.replace(tzinfo=UTC)
    return post.scheduled_for + timedelta(seconds=settings.MAX_LATENESS_SECONDS)
