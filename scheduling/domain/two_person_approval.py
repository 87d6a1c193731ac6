"""Two approvals: the first one is recorded and is valid until the content changes or the post is decided otherwise.

Both cover the same digest, so also the same scheduled time: a reviewer who changes it gives a new first approval. The
post's row is locked: of two concurrent first approvals, the later one becomes the second.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet

from accounts import clock
from accounts.domain import audit_log
from accounts.domain.audit_log import canonical_sha256
from accounts.domain.identities import same_person
from accounts.domain.reviewers import Reviewer
from accounts.exceptions import Conflict
from scheduling.domain.audit import record_post_event
from scheduling.domain.authors import edited_by
from scheduling.domain.content import approved_content
from scheduling.domain.publishing import gate
from scheduling.lifecycle import Status
from scheduling.models import Approval, Attempt, DeliveryState, ScheduledPost

DECIDABLE = (Status.WAITING_FOR_APPROVAL, Status.FAILED)
SPENT = Exists(Attempt.objects.filter(approval=OuterRef("pk")))


def get_first_approval_for(reviewer: Reviewer, post: ScheduledPost, covered: str, *, now: bool) -> Approval | None:
    """Return the first approval of the digest `covered`; None when the reviewer's is the first. The post is locked.

    Raises Conflict when the first is by the reviewer, or by a user who counts as the same person, and with `now`: both
    approve the same scheduled time.
    """
    if now:
        raise Conflict("Two approvals of the same scheduled time are required: choose a later time")
    rows = _unpaired([post]).filter(digest=covered).select_related("reviewer", "membership").order_by("-id")
    first = next((row for row in rows if is_valid(post, row)), None)
    people = same_person(reviewer.user, [post.organization_id])[post.organization_id]
    if first is not None and first.reviewer_id in people:
        raise Conflict("You approved this already, as the first of two: another reviewer has to approve the same")
    return first


def record_first_approval(
    reviewer: Reviewer, post: ScheduledPost, approval: Approval, *, only_if: Q, version: int, moved: dict[str, Any]
) -> None:
    """Record the first approval: the status does not change, `post.scheduled_for` and `approval.version` are stored.

    `version` is the version that the reviewer saw. `moved` goes into the audit event; unless it is empty, the reviewer
    edited the post last. Raises StateConflict when the row has changed.
    """
    unchanged = ScheduledPost.objects.filter(only_if, pk=post.pk, status=post.status, version=version)
    columns: dict[str, Any] = {"scheduled_for": post.scheduled_for, "version": approval.version}
    columns |= {"updated_at": clock.now(), **(edited_by(reviewer.actor) if moved else {})}
    if not unchanged.update(**columns):
        raise post.conflict("approve")
    for name, value in columns.items():
        setattr(post, name, value)
    _unpaired([post]).exclude(pk=approval.pk).update(revoked_at=clock.now())
    details = {"approval": approval.pk, "mfa": approval.mfa_verified, **moved}
    audit_log.seal_event(record_post_event(reviewer.actor, "approve_first", post, str(post.status), **details))


def pending_first_approval(post: ScheduledPost) -> Approval | None:
    """Return the first approval of the post's present content while the second is missing."""
    return firsts_of([post]).get(post.pk)


def firsts_of(posts: Sequence[ScheduledPost]) -> dict[UUID, Approval]:
    """Return the pending first approvals by post, in one query. Needs organizations and deliveries loaded."""
    digests: dict[UUID, str] = {}
    for post in posts:
        if post.organization.second_approver and post.status in DECIDABLE:
            unpublished = [item for item in post.deliveries.all() if item.state != DeliveryState.PUBLISHED]
            digests[post.pk] = canonical_sha256(approved_content(post, unpublished))
    if not digests:
        return {}
    rows = _unpaired(posts).filter(post__in=list(digests)).select_related("reviewer", "membership").order_by("id")
    by_id = {post.pk: post for post in posts}
    return {
        row.post_id: row for row in rows if row.digest == digests[row.post_id] and is_valid(by_id[row.post_id], row)
    }


def is_valid(post: ScheduledPost, first: Approval) -> bool:
    """Whether the first approval still counts: its person may review the post, and used MFA where it is required."""
    return gate.still_reviewer(first) and (first.mfa_verified or not post.organization.require_mfa)


def revoke_pending_approvals(post: ScheduledPost) -> None:
    """Revoke every unspent approval of the post but the present one: the content that they cover has changed."""
    rows = Approval.objects.filter(post=post, revoked_at=None).filter(~SPENT)
    if post.approval_id is not None:
        rows = rows.exclude(pk=post.approval_id)
    rows.update(revoked_at=clock.now())


def _unpaired(posts: Sequence[ScheduledPost]) -> QuerySet[Approval]:
    """Return the approvals of the posts without a valid second one: neither revoked nor spent."""
    rows = Approval.objects.filter(post__in=[post.pk for post in posts], revoked_at=None, first_approval=None)
    completed = Exists(Approval.objects.filter(first_approval=OuterRef("pk"), revoked_at=None))
    rows = rows.filter(~SPENT).filter(~completed)
    return rows.exclude(pk__in=[post.approval_id for post in posts if post.approval_id is not None])
