"""A reviewer enters the result of a delivery whose outcome is unknown or was recorded as a failure."""

import re

from django.db import transaction
from django.db.models import Exists, OuterRef, Q

from accounts import clock
from accounts.domain.reviewers import Reviewer, can_review_channels
from accounts.exceptions import Conflict, Forbidden, Invalid
from posts.models import ChannelType, PublishedPost
from scheduling.domain.audit import record_post_event
from scheduling.domain.publishing import outcomes
from scheduling.lifecycle import Status
from scheduling.models import Attempt, Delivery, DeliveryState, Outcome, ScheduledPost

NOT_THERE = "NOT_THERE"  # error code of a delivery
POST_ID = re.compile(r"[0-9]{1,40}(_[0-9]{1,40})?")


def mark_live(reviewer: Reviewer, delivery: Delivery, post_id: str, *, revision: int) -> ScheduledPost:
    """Mark an unknown or failed delivery as published under the platform's `post_id`; return the post.

    The post becomes PUBLISHED when all its deliveries are. `revision` is the page's: a result entered for one attempt
    is not taken for the next. Raises Forbidden (another organization), Invalid (not an id of this channel), Conflict
    (already resolved, retried, or the id belongs to another post).
    """
    with transaction.atomic():
        post, row = _lock_resolvable(reviewer, delivery, {DeliveryState.UNKNOWN, DeliveryState.FAILED}, revision)
        platform_post_id = _parse_post_id(row, post_id)
        attempts = list(row.attempts.select_related("approval").order_by("id"))
        if not attempts:
            raise Conflict(f"Nothing was ever sent to {row.channel.name} for this post")
        last = ([attempt for attempt in attempts if attempt.outcome in outcomes.OPEN] or attempts)[-1]
        outcomes.write_published(row, platform_post_id, last.started_at)
        _write_outcome(last, Outcome.PUBLISHED, f"{reviewer.actor.name} found it published.")
        outcomes.record_copy(row, last.approval.content, platform_post_id, last.started_at)
        details = {"channel": row.channel.public_id, "postId": platform_post_id}
        record_post_event(reviewer.actor, "mark_live", post, str(post.status), **details)
        if post.deliveries.exclude(state=DeliveryState.PUBLISHED).exists():
            _update_failure_reason(post)
        else:
            unpublished = Delivery.objects.filter(post=OuterRef("pk")).exclude(state=DeliveryState.PUBLISHED)
            previous = post.apply_transition("settle", only_if=Q(~Exists(unpublished)), failure_reason="")
            record_post_event(reviewer.actor, "settle", post, previous)
    return post


def mark_not_published(reviewer: Reviewer, delivery: Delivery, *, revision: int) -> ScheduledPost:
    """Mark an unknown delivery as failed: a reviewer may then approve a retry. Returns the post.

    `revision` is the page's: a form that is submitted again must not apply to a later attempt, which could then be
    published twice. Raises Forbidden, or Conflict when the outcome is already known.
    """
    with transaction.atomic():
        post, row = _lock_resolvable(reviewer, delivery, {DeliveryState.UNKNOWN}, revision)
        message = f"{reviewer.actor.name} checked: it was not published."
        outcomes.mark_failed(row, NOT_THERE, message)
        outcomes.update_delivery(row, lost_since=None)
        for attempt in row.attempts.filter(outcome__in=outcomes.OPEN):
            _write_outcome(attempt, Outcome.REFUSED, message)
        record_post_event(reviewer.actor, "mark_absent", post, str(post.status), channel=row.channel.public_id)
        _update_failure_reason(post)
    return post


def _lock_resolvable(
    reviewer: Reviewer, delivery: Delivery, states: set[DeliveryState], revision: int
) -> tuple[ScheduledPost, Delivery]:
    # Locked like an approval: the second of two requests sees the result of the first.
    post = ScheduledPost.objects.select_for_update().filter(pk=delivery.post_id).first()
    if post is None:
        raise Conflict("This post has been deleted in the meantime")
    if reviewer.organization.pk != post.organization_id:
        raise Forbidden("You may not review posts in this organization")
    row = post.deliveries.select_related("channel").filter(pk=delivery.pk).first()
    if row is not None and not can_review_channels(reviewer.membership, [row.channel.public_id]):
        raise Forbidden(f"You do not review {row.channel.name}: another reviewer has to resolve this")
    if row is None or post.status != Status.FAILED or post.revision != revision or row.state not in states:
        raise Conflict("This was resolved or retried in the meantime")
    return post, row


def _parse_post_id(delivery: Delivery, post_id: str) -> str:
    """Return `post_id` without white space. Raises Invalid (not an id of a post on the channel) or Conflict (used)."""
    platform_post_id, channel = post_id.strip(), delivery.channel
    page = channel.type == ChannelType.FB_PAGE
    if not POST_ID.fullmatch(platform_post_id) or ("_" in platform_post_id and not page):
        example = f"{channel.platform_id}_1234" if page else "18012345678901234"
        raise Invalid(f"This is not an id of a post on {channel.name}: it consists of digits, such as {example}")
    if "_" in platform_post_id and platform_post_id.partition("_")[0] != channel.platform_id:
        raise Invalid(f"This id belongs to another Page than {channel.name}")
    if platform_post_id == channel.platform_id:
        raise Invalid(f"This is the id of {channel.name} itself, not of a post on it")
    taken = Delivery.objects.filter(channel=channel, platform_post_id=platform_post_id).exclude(pk=delivery.pk).exists()
    copies = PublishedPost.objects.filter(
        channel=channel, platform_id=platform_post_id, scheduled_post_id__isnull=False
    )
    if taken or copies.exclude(scheduled_post_id=delivery.post_id).exists():
        raise Conflict("This id belongs to another of your posts")
    return platform_post_id


def _write_outcome(attempt: Attempt, outcome: Outcome, message: str) -> None:
    outcomes.write_outcome(attempt, outcome, error_message=f"{attempt.error_message} {message}".strip()[:500])


def _update_failure_reason(post: ScheduledPost) -> None:
    unpublished = post.deliveries.exclude(state=DeliveryState.PUBLISHED)
    rows = unpublished.select_related("channel").order_by("channel__public_id")
    post.failure_reason = "; ".join(f"{row.channel.name}: {row.error_message}" for row in rows)[:300]
    post.updated_at = clock.now()
    post.save(update_fields=["failure_reason", "updated_at"])
