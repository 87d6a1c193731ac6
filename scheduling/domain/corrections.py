"""Corrections of captions by a reviewer, together with the approval of the corrected content.

Only where the organization's policy `reviewers_may_correct` is on. The reviewer does not become an author.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import F

from accounts import clock
from accounts.domain.reviewers import Reviewer
from accounts.exceptions import Forbidden, Invalid
from accounts.models import AuditEvent
from scheduling.domain import review, two_person_approval
from scheduling.domain.audit import record_post_event
from scheduling.domain.authors import edited_by, former_editor
from scheduling.domain.content import caption_hash, current_content, deliveries
from scheduling.domain.correction_events import CORRECT
from scheduling.domain.preflight.checks import Check
from scheduling.lifecycle import Status
from scheduling.models import Approval, Delivery, ScheduledPost

NOT_PERMITTED = "This organization does not permit reviewers to correct captions"


def correct_and_approve(
    reviewer: Reviewer,
    post: ScheduledPost,
    *,
    captions: Mapping[str, str],
    digest: str,
    revision: int,
    scheduled_for: datetime | None = None,
    checks: Sequence[Check] = (),
) -> Approval:
    """Store the captions, by public id of the channel, and approve the corrected content, in one transaction.

    `digest` and `revision` are those of the uncorrected post that the reviewer's page showed, `checks` those of the
    corrected one; see `review.approve` for these, `scheduled_for`, and two approvals. Voids an earlier first approval.
    Locks the post. Raises Forbidden when the policy is off, Invalid when no caption differs or the corrected post is
    not publishable, and what `review.approve` raises.
    """
    with transaction.atomic():
        locked = ScheduledPost.objects.select_related("organization").select_for_update(of=("self",))
        fresh = locked.filter(pk=post.pk).first()
        if fresh is None:
            raise post.conflict("correct")
        review.ensure_may_review(reviewer, fresh)
        if not fresh.organization.reviewers_may_correct:
            raise Forbidden(NOT_PERMITTED)
        if fresh.status != Status.WAITING_FOR_APPROVAL:
            raise fresh.conflict("correct")
        review.ensure_shown(fresh, digest, revision)
        changed = apply_captions(deliveries(fresh), captions)
        if not changed:
            raise Invalid("No caption was changed")
        difference = {row.channel.public_id: {"caption": [was, row.caption]} for row, was in changed}
        former = former_editor(fresh)
        _store(fresh, {row.pk: row.caption for row, _ in changed}, reviewer)
        two_person_approval.revoke_pending_approvals(fresh)
        changed_json = {"channels": difference}
        record_post_event(reviewer.actor, CORRECT, fresh, str(fresh.status), changed=changed_json, **former)
        corrected_digest = current_content(fresh)[1]
        return review.approve(
            reviewer,
            fresh,
            digest=corrected_digest,
            revision=fresh.revision,
            scheduled_for=scheduled_for,
            checks=checks,
        )


def apply_captions(rows: Sequence[Delivery], captions: Mapping[str, str]) -> list[tuple[Delivery, str]]:
    """Set the captions on the rows, unsaved; return those that changed, each with its caption before.

    Raises Invalid for a channel that is not among the rows.
    """
    if not captions.keys() <= {row.channel.public_id for row in rows}:
        raise Invalid("The post is no longer assigned to that channel")
    changed = []
    for row in rows:
        was, caption = row.caption, captions.get(row.channel.public_id, row.caption)
        if caption != was:
            row.caption = caption
            changed.append((row, was))
    return changed


def find_correction(approval_event: AuditEvent) -> AuditEvent | None:
    """Return the event of the correction that the approval came with: the one directly before, of one transaction."""
    earlier = AuditEvent.objects.filter(subject=approval_event.subject, pk__lt=approval_event.pk)
    event = earlier.order_by("-pk").first()
    return event if event is not None and event.verb == CORRECT else None


def restore_captions(post: ScheduledPost, correction: AuditEvent) -> None:
    """Store the captions from before the correction. The caller has locked the post and increments its version."""
    changes = correction.details["changed"]["channels"]
    rows = {row.channel.public_id: row.pk for row in deliveries(post)}
    _store_captions({rows[key]: change["caption"][0] for key, change in changes.items() if key in rows})


def _store(post: ScheduledPost, captions: Mapping[int, str], reviewer: Reviewer) -> None:
    """Store the captions by delivery, as a new version and revision of the post, which the reviewer edited last."""
    now = clock.now()
    editor = {**edited_by(reviewer.actor), "updated_at": now}
    unchanged = ScheduledPost.objects.filter(pk=post.pk, status=post.status, version=post.version)
    if not unchanged.update(version=F("version") + 1, revision=F("revision") + 1, **editor):
        raise post.conflict("correct")
    post.version, post.revision = post.version + 1, post.revision + 1
    for name, value in editor.items():
        setattr(post, name, value)
    _store_captions(captions)


def _store_captions(captions: Mapping[int, str]) -> None:
    for pk, caption in captions.items():
        Delivery.objects.filter(pk=pk).update(caption=caption, caption_hash=caption_hash(caption))
