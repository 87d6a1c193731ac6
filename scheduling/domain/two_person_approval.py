"""Two approvers: the first one's approval is kept, and stands until the content changes or somebody decides otherwise.

Both approve one digest, so both have seen one instant: who moves it has approved something new, as its first. The row
of the post is locked meanwhile: of two first approvals at once, the later one is the second.
"""

from collections.abc import Sequence
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet

from accounts import clock
from accounts.domain.reviewers import Reviewer
from accounts.exceptions import Conflict
from scheduling.domain.audit import record_post_event
from scheduling.domain.content import approved_content, canonical_sha256
from scheduling.domain.publishing import gate
from scheduling.lifecycle import Status
from scheduling.models import Approval, Attempt, DeliveryState, ScheduledPost

DECIDABLE = (Status.WAITING_FOR_APPROVAL, Status.FAILED)


def get_first_approval_for(reviewer: Reviewer, post: ScheduledPost, covered: str, *, now: bool) -> Approval | None:
    """Return the approval that the reviewer's completes, None when theirs is the first. The post is locked.

    `covered` is the digest of what they approve.

    Raises Conflict when it is their own, or when they would publish at once: the other could not agree to that instant.
    """
    if now:
        raise Conflict("Two people approve here, and both see the same instant: choose one that leaves time for it")
    first = _standing(post, covered)
    if first is not None and first.reviewer_id == reviewer.user.pk:
        raise Conflict("You approved this already, as the first of two: another reviewer has to approve the same")
    return first


def record_first_approval(
    reviewer: Reviewer, post: ScheduledPost, approval: Approval, *, only_if: Q, shown: int
) -> None:
    """Keep the first approval: the post stays in its state, at the instant that was approved.

    `post` carries that instant already; `shown` is the version that was looked at. Raises StateConflict when the row
    has moved on.
    """
    mine = ScheduledPost.objects.filter(only_if, pk=post.pk, status=post.status, version=shown)
    post.version, post.updated_at = approval.version, clock.now()
    if not mine.update(scheduled_for=post.scheduled_for, version=post.version, updated_at=post.updated_at):
        raise post.conflict("approve")
    _unfinished([post]).exclude(pk=approval.pk).update(revoked_at=clock.now())
    record_post_event(reviewer.actor, "approve_first", post, str(post.status), approval=approval.pk)


def pending_first_approval(post: ScheduledPost) -> Approval | None:
    """Return the first approval of what the post says now, while it waits for the second."""
    return firsts_of([post]).get(post.pk)


def firsts_of(posts: Sequence[ScheduledPost]) -> dict[UUID, Approval]:
    """Return the same for many posts, by post, in one query; none where two need not approve.

    Needs the posts with their organization and deliveries loaded: what counts is what they say as they were loaded.
    """
    asked = {
        post.pk: canonical_sha256(
            approved_content(post, [each for each in post.deliveries.all() if each.state != DeliveryState.PUBLISHED])
        )
        for post in posts
        if post.organization.second_approver and post.status in DECIDABLE
    }
    if not asked:
        return {}
    rows = _unfinished(posts).filter(post__in=list(asked)).select_related("reviewer", "membership").order_by("id")
    by_id = {post.pk: post for post in posts}
    return {row.post_id: row for row in rows if row.digest == asked[row.post_id] and stands(by_id[row.post_id], row)}


def stands(post: ScheduledPost, first: Approval) -> bool:
    """Whether the first approval still counts: its person may review it, and did so as the organization wants it."""
    return gate.still_reviewer(first) and (first.mfa_verified or not post.organization.require_mfa)


def revoke_pending_approvals(post: ScheduledPost) -> None:
    """Take back every first approval of the post, and those that a second one completed: what they saw is no more."""
    rows = Approval.objects.filter(post=post, revoked_at=None).filter(~_spent())
    if post.approval_id is not None:
        rows = rows.exclude(pk=post.approval_id)
    rows.update(revoked_at=clock.now())


def _standing(post: ScheduledPost, covered: str) -> Approval | None:
    rows = _unfinished([post]).filter(digest=covered).select_related("reviewer", "membership").order_by("-id")
    return next((row for row in rows if stands(post, row)), None)


def _unfinished(posts: Sequence[ScheduledPost]) -> QuerySet[Approval]:
    """Return the approvals of the posts that wait for a second: not void, not spent, and part of no pair."""
    rows = Approval.objects.filter(post__in=[post.pk for post in posts], revoked_at=None, first_approval=None)
    completed = Exists(Approval.objects.filter(first_approval=OuterRef("pk")))
    rows = rows.filter(~_spent()).filter(~completed)
    return rows.exclude(pk__in=[post.approval_id for post in posts if post.approval_id is not None])


def _spent() -> Exists:
    return Exists(Attempt.objects.filter(approval=OuterRef("pk")))
