"""Undo of an approval by the reviewer who gave it, within a few seconds: the post waits for approval as before."""

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from accounts import clock
from accounts.domain.reviewers import Reviewer
from accounts.exceptions import Conflict
from accounts.models import AuditEvent
from scheduling.domain import corrections, review, two_person_approval
from scheduling.domain.audit import record_post_event
from scheduling.domain.notifications import events
from scheduling.lifecycle import Status
from scheduling.models import Approval, Attempt, ScheduledPost

UNDO_WITHIN = timedelta(seconds=10)
APPROVAL_VERBS = ("approve", "approve_first")
TOO_LATE = "The approval can no longer be undone: revert the post to draft instead"


def undo(reviewer: Reviewer, approval_id: int) -> ScheduledPost:
    """Take back the reviewer's own approval and return the post, which waits with its earlier time and captions.

    Reverts and submits in one transaction, with one audit event: the reviewer does not become an author, and nothing is
    announced. Locks the post. Raises Conflict when UNDO_WITHIN has passed, when anything is staged or claimed, for the
    approval of a retry, and for an approval that is not the reviewer's or not in force.
    """
    with transaction.atomic():
        own = Approval.objects.filter(pk=approval_id, reviewer=reviewer.user, revoked_at=None)
        approval = own.filter(post__organization=reviewer.organization).first()
        if approval is None:
            raise Conflict("This approval is no longer in force")
        locked = ScheduledPost.objects.select_related("organization").select_for_update(of=("self",))
        post = locked.filter(pk=approval.post_id).first()
        if post is None:
            raise Conflict("This post has been deleted in the meantime")
        event = AuditEvent.objects.filter(
            subject=f"post:{post.pk}", verb__in=APPROVAL_VERBS, details__approval=approval.pk
        ).first()
        if event is None or not timedelta(0) <= clock.now() - approval.created_at <= UNDO_WITHIN:
            raise Conflict(TOO_LATE)
        moved_from = event.details.get("movedFrom", "")
        columns: dict[str, Any] = {}
        if moved_from != "":
            before = datetime.fromisoformat(moved_from) if moved_from else None
            columns = {"scheduled_for": before, "version": post.version + 1}
        corrected = corrections.find_correction(event)
        if corrected is not None:
            columns["version"] = post.version + 1
        if former := (corrected or event).details.get("formerEditor"):
            columns["last_edited_by_user_id"], columns["last_edited_by_key_id"] = former
        previous = str(post.status)
        if post.approval_id == approval.pk and post.status == Status.SCHEDULED:
            _ensure_untouched(post)
            review.take_back(post, keep_first=True)
            columns["last_review"] = event.details.get("earlierReview")
            post.apply_transition("submit", **columns)
        elif post.status == Status.WAITING_FOR_APPROVAL and approval.pk == _pending_first(post):
            ScheduledPost.objects.filter(pk=post.pk).update(**columns, updated_at=clock.now())
            Approval.objects.filter(pk=approval.pk).update(revoked_at=clock.now())
            post.refresh_from_db()
        else:
            raise Conflict(TOO_LATE)
        if corrected is not None:
            corrections.restore_captions(post, corrected)
        record_post_event(reviewer.actor, events.UNDO, post, previous, approval=approval.pk)
    return post


def _pending_first(post: ScheduledPost) -> int | None:
    first = two_person_approval.pending_first_approval(post)
    return first.pk if first else None


def _ensure_untouched(post: ScheduledPost) -> None:
    """Raise Conflict when a worker has staged or sent anything for the present approval."""
    staged = post.deliveries.exclude(state="", staged={}, staged_digest="").exists()
    if staged or Attempt.objects.filter(delivery__post=post).exists():
        raise Conflict("It is being published already. Revert it to draft instead")
