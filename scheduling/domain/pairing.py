"""Two approvers: the first one's approval is kept, and stands until the content changes or somebody decides otherwise.

Both approve one digest, so both have seen one instant: who moves it has approved something new, as its first. The row
of the post is locked meanwhile: of two first approvals at once, the later one is the second.
"""

from django.db.models import Exists, OuterRef, Q, QuerySet

from accounts import clock
from accounts.domain.reviewers import Reviewer
from accounts.errors import Conflict
from accounts.models import User
from scheduling.domain import gate
from scheduling.domain.digest import current
from scheduling.domain.history import remember
from scheduling.lifecycle import Status
from scheduling.models import Approval, Attempt, ScheduledPost

DECIDABLE = (Status.WAITING_FOR_APPROVAL, Status.FAILED)


def first_for(reviewer: Reviewer, post: ScheduledPost, digest: str, *, now: bool) -> Approval | None:
    """Return the approval that the reviewer's completes, None when theirs is the first. The post is locked.

    Raises Conflict when it is their own, or when they would publish at once: the other could not agree to that instant.
    """
    if now:
        raise Conflict("Two people approve here, and both see the same instant: choose one that leaves time for it")
    first = _standing(post, digest)
    if first is not None and first.reviewer_id == reviewer.user.pk:
        raise Conflict("You approved this already, as the first of two: another reviewer has to approve the same")
    return first


def keep_first(reviewer: Reviewer, post: ScheduledPost, approval: Approval, *, only_if: Q, shown: int) -> None:
    """Keep the first approval: the post stays in its state, at the instant that was approved.

    `post` carries that instant already; `shown` is the version that was looked at. Raises StateConflict when the row
    has moved on.
    """
    mine = ScheduledPost.objects.filter(only_if, pk=post.pk, status=post.status, version=shown)
    post.version, post.updated_at = approval.version, clock.now()
    if not mine.update(scheduled_for=post.scheduled_for, version=post.version, updated_at=post.updated_at):
        raise post.conflict("approve")
    _unfinished(post).exclude(pk=approval.pk).update(revoked_at=clock.now())
    remember(reviewer.actor, "approve_first", post, str(post.status), approval=approval.pk)


def first_of(post: ScheduledPost) -> Approval | None:
    """Return the first approval of what the post says now, while it waits for the second."""
    if not post.organization.second_approver or post.status not in DECIDABLE:
        return None
    return _standing(post, current(post)[1])


def approved_by(user: User, post: ScheduledPost) -> bool:
    """Whether that person has given the first approval of what the post says now."""
    first = first_of(post)
    return first is not None and first.reviewer_id == user.pk


def lacks_second(post: ScheduledPost) -> bool:
    """Whether a scheduled post will be refused at its instant because one person alone approved it."""
    wanted = post.organization.second_approver and post.status == Status.SCHEDULED
    return bool(wanted and post.approval is not None and not gate.paired(post.approval))


def void(post: ScheduledPost) -> None:
    """Take back every first approval of the post, and those that a second one completed: what they saw is no more."""
    rows = Approval.objects.filter(post=post, revoked_at=None).filter(~_spent())
    if post.approval_id is not None:
        rows = rows.exclude(pk=post.approval_id)
    rows.update(revoked_at=clock.now())


def _standing(post: ScheduledPost, digest: str) -> Approval | None:
    rows = _unfinished(post).filter(digest=digest).select_related("reviewer", "membership").order_by("-id")
    return next((one for one in rows if gate.still_reviewer(one)), None)


def _unfinished(post: ScheduledPost) -> QuerySet[Approval]:
    """Return the approvals of the post that wait for a second: not void, not spent, and part of no pair."""
    rows = Approval.objects.filter(post=post, revoked_at=None, first=None).filter(~_spent())
    completed = Exists(Approval.objects.filter(first=OuterRef("pk")))
    rows = rows.filter(~completed)
    return rows if post.approval_id is None else rows.exclude(pk=post.approval_id)


def _spent() -> Exists:
    return Exists(Attempt.objects.filter(approval=OuterRef("pk")))
