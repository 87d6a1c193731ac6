"""Submit, reject, redraft, approve and revert scheduled posts."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any
from uuid import uuid4

from django.db import transaction
from django.db.models import Exists, OuterRef, Q

from accounts import clock
from accounts.datetimes import format_datetime
from accounts.domain import audit_log
from accounts.domain.actors import Actor, actor_json
from accounts.domain.reviewers import Reviewer, can_review_channels
from accounts.exceptions import Conflict, Forbidden, Invalid, StaleVersion
from accounts.models import User
from scheduling.domain import (
    discards,
    enqueue,
    media_inspection,
    public_address,
    stored_media,
    text_rules,
    two_person_approval,
)
from scheduling.domain.audit import content_with_digest, record_post_event
from scheduling.domain.authors import authored_by, edited_by, former_editor
from scheduling.domain.content import current_content, deliveries, diff_content, unpublished_deliveries
from scheduling.domain.correction_events import Correction, corrections_in_force
from scheduling.domain.preflight.checks import Check
from scheduling.domain.publishing import hold
from scheduling.domain.validation import validate_publishable
from scheduling.lifecycle import StateConflict, Status
from scheduling.models import Approval, Delivery, DeliveryState, ScheduledPost

BLANK_OUTCOME: dict[str, Any] = {
    "state": "", "staged": {}, "staged_digest": "", "staged_at": None, "attempt_count": 0, "retry_at": None,
    "absence_count": 0,
    "platform_post_id": "", "permalink": "", "published_at": None, "error_code": "", "error_message": "",
}  # fmt: skip
STORED = ("name", "level", "words", "channel")  # of a check, in Approval.checks
TRIES = 3
# Called with each state of the post from which a change is tried: raises StaleVersion for one that the caller refuses.
# The change is a compare-and-set on that state.
Precondition = Callable[[ScheduledPost], None]
SELF_APPROVAL_FORBIDDEN = (
    "You wrote or edited this post, or issued or rotated the API key that did, or count as the person who did until "
    "your identity is confirmed: another person decides"
)


class StaleApproval(StaleVersion):
    """The page showed other content, or an earlier revision. `difference` is a `diff_content`, `digest` the present."""

    def __init__(self, digest: str, changed: list[dict[str, Any]]) -> None:
        event = "has changed" if changed else "was changed, decided on or submitted again"
        super().__init__(f"The post {event} since you opened it; look at it again", {"difference": changed})
        self.digest, self.difference = digest, changed


def submit(actor: Actor, post: ScheduledPost, *, precondition: Precondition | None = None) -> ScheduledPost:
    """Submit the present content of the post, also when it was edited since, within the precondition.

    Raises StaleVersion, StateConflict, Invalid.
    """
    for _ in range(TRIES):
        if precondition is not None:
            precondition(post)
        try:
            return _submit_once(actor, post)
        except StateConflict:
            fresh = reload_post(actor, post)
            if fresh is None or not fresh.can("submit"):
                raise
            post = fresh
    raise post.conflict("submit")


def reload_post(actor: Actor, post: ScheduledPost) -> ScheduledPost | None:
    """Return the post as it is in the database; None when it was deleted or the actor's key may not see it any more."""
    visible = ScheduledPost.objects.visible_to_key(actor.key).select_related("organization")
    return visible.filter(pk=post.pk).first()


def _submit_once(actor: Actor, post: ScheduledPost) -> ScheduledPost:
    with transaction.atomic():
        if post.can("submit"):
            validate_publishable(post, deliveries(post))
        previous = post.apply_transition("submit", notes=None)
        record_post_event(actor, "submit", post, previous)
        enqueue.inspect_after_commit(post)
    return post


def reject(
    by: Actor | Reviewer,
    post: ScheduledPost,
    *,
    notes: str,
    digest: str = "",
    revision: int = -1,
    precondition: Precondition | None = None,
) -> ScheduledPost:
    """Return the post to its author with `notes`.

    A person rejects as a Reviewer, and only what the page showed: `digest` and `revision` are the page's.
    Raises Invalid when the notes have no visible character, Forbidden when the post has channels that the reviewer does
    not review, StaleApproval, StaleVersion, StateConflict.
    """
    actor = by.actor if isinstance(by, Reviewer) else by
    if not text_rules.is_visible(notes):
        raise Invalid("Say in the notes what should change: they have no visible character")
    with transaction.atomic():
        locked = ScheduledPost.objects.select_related("organization").select_for_update(of=("self",))
        fresh = locked.filter(pk=post.pk).first()
        if fresh is not None and precondition is not None:
            precondition(fresh)
        if fresh is None or not fresh.can("reject"):
            raise post.conflict("reject")
        post = fresh
        if isinstance(by, Reviewer):
            ensure_may_review(by, post)
            ensure_shown(post, digest, revision)
        decision = decision_json(actor, "REJECTED", version=post.version, notes=notes)
        approvers = taking_back_details(post)
        previous = post.apply_transition("reject", notes=notes, last_review=decision)
        two_person_approval.revoke_pending_approvals(post)
        record_post_event(actor, "reject", post, previous, notes=notes, **approvers)
    return post


def redraft(actor: Actor, post: ScheduledPost) -> ScheduledPost:
    with transaction.atomic():
        previous = post.apply_transition("redraft")
        record_post_event(actor, "redraft", post, previous)
    return post


def revert(
    actor: Actor, post: ScheduledPost, *, reason: str = "", precondition: Precondition | None = None
) -> ScheduledPost:
    """Return a scheduled or failed post of which nothing is or may be published to draft, and revoke its approval.

    Its approver is notified with the `reason`.
    Clearing `task_id` in this transaction stops the publish: a message that is under way is ignored.
    Raises StaleVersion, StateConflict.
    """
    if precondition is not None:
        precondition(post)
    with transaction.atomic():
        details = taking_back_details(post, reason)
        previous = take_back(post)
        record_post_event(actor, "revert", post, previous, **details)
    return post


def taking_back_details(post: ScheduledPost, reason: str = "") -> dict[str, Any]:
    """Return the details of the event that reverts, rejects or deletes the post: its approvers, the reason.

    Approvers are those of a SCHEDULED post, and the first of two of a waiting one. Call it before they are revoked.
    """
    details: dict[str, Any] = {"reason": reason} if reason else {}
    first = two_person_approval.pending_first_approval(post) if post.status == Status.WAITING_FOR_APPROVAL else None
    if first is not None:
        details["approvedBy"] = [first.reviewer_id]
    if post.status == Status.SCHEDULED:
        approvals = Approval.objects.filter(pk__in=[post.approval_id])
        rows = approvals.values_list("reviewer_id", "first_approval__reviewer_id")
        details["approvedBy"] = sorted({person for row in rows for person in row if person is not None})
    return details


def take_back(post: ScheduledPost, *, keep_first: bool = False) -> str:
    """Return the post to draft, revoke its approvals and cancel its task; return its status before.

    With `keep_first` the first of two approvals stays valid. Records no event. Raises StateConflict, and Conflict for
    a post that may have been published before a restore.
    """
    with transaction.atomic():
        hold.ensure_not_in_doubt(post)
        task_id, approval_id = post.task_id, post.approval_id
        staged = list(post.deliveries.exclude(staged={}))
        published = Delivery.objects.that_may_be_published().filter(post=OuterRef("pk"))
        cleared = {"task_id": None, "approval": None, "enqueued_at": None, "lease_id": None, "lease_expires_at": None}
        previous = post.apply_transition("revert", only_if=Q(~Exists(published)), failure_reason="", **cleared)
        if approval_id is not None:
            Approval.objects.filter(pk=approval_id).update(revoked_at=clock.now())
        if not keep_first:
            two_person_approval.revoke_pending_approvals(post)
        post.deliveries.update(**BLANK_OUTCOME)
        discards.add(staged)
        enqueue.cancel_after_commit(task_id)
    return previous


def approve(
    reviewer: Reviewer,
    post: ScheduledPost,
    *,
    digest: str,
    revision: int,
    scheduled_for: datetime | None = None,
    now: bool = False,
    checks: Sequence[Check] = (),
) -> Approval:
    """Approve exactly the content of the reviewer's page and schedule it; from FAILED, retry the failed channels.

    `digest` and `revision` are the page's: a form is valid until the post's status changes. `scheduled_for` reschedules
    the post, `now` publishes at once. `checks` are those on the page; the approval keeps them.
    Locks the post. Writes the approval, the new task id and the status in one transaction.

    Where the organization requires two approvals, the first one is recorded and the status does not change; the
    approval of the same digest by another reviewer schedules the post. See `two_person_approval`.

    Raises Forbidden (another organization or channel, own work), Conflict (unknown outcome: resolve it first; image or
    video without a stored copy; no public address for Instagram; publishing is held), StaleApproval, Invalid,
    StateConflict.
    """
    with transaction.atomic():
        locked = ScheduledPost.objects.select_related("organization").select_for_update(of=("self",))
        fresh = locked.filter(pk=post.pk).first()
        if fresh is None:
            raise post.conflict("approve")
        post = fresh
        ensure_may_review(reviewer, post)
        if is_author(reviewer.user, post) and not reviewer.organization.allow_self_approval:
            raise Forbidden(SELF_APPROVAL_FORBIDDEN)
        step = "retry" if post.status == Status.FAILED else "approve"
        if not post.can(step):
            raise post.conflict("approve")
        deliveries = unpublished_deliveries(post)
        if unknown := [delivery.channel.name for delivery in deliveries if delivery.state == DeliveryState.UNKNOWN]:
            names = " and ".join(unknown)
            raise Conflict(f"Enter first whether it was published on {names}: a retry could publish it twice")
        hold.ensure_not_held()
        ensure_media_is_stored(post, deliveries)
        ensure_shown(post, digest, revision)
        when = clock.now() if now else scheduled_for or post.scheduled_for
        validate_publishable(post, deliveries, scheduled_for=when, at_once=now)
        media, version, moved = post.media_sha256, post.version, _moved(post, when)
        new_version = version + 1 if moved else version
        post.scheduled_for = when
        covered, covered_digest = current_content(post)
        first = None
        if post.organization.second_approver:
            first = two_person_approval.get_first_approval_for(reviewer, post, covered_digest, now=now)
        approval = Approval.objects.create(
            post=post,
            first_approval=first,
            reviewer=reviewer.user,
            membership=reviewer.membership,
            session=reviewer.session,
            mfa_verified=reviewer.verified,
            version=new_version,
            digest=covered_digest,
            content=covered,
            checks=[{name: getattr(check, name) for name in STORED} for check in checks],
        )
        if post.organization.second_approver and first is None:
            two_person_approval.record_first_approval(
                reviewer, post, approval, only_if=Q(media_sha256=media), version=version, moved=moved
            )
            return approval
        unpublished = post.deliveries.exclude(state=DeliveryState.PUBLISHED)
        staged = list(unpublished.exclude(staged={}))
        unpublished.update(**BLANK_OUTCOME)
        earlier_review = {"earlierReview": post.last_review} if post.last_review else {}
        previous = post.apply_transition(
            step,
            only_if=Q(media_sha256=media),
            approval=approval,
            task_id=uuid4(),
            scheduled_for=when,
            version=new_version,
            last_review=decision_json(
                reviewer.actor, "APPROVED", version=new_version, corrections=corrections_in_force(post.pk)
            ),
            enqueued_at=None,
            failure_reason="",
            **(edited_by(reviewer.actor) if moved else {}),
        )
        pair = {"first": first.pk, "firstBy": first.reviewer_id} if first else {}
        details = {"mfa": approval.mfa_verified, **pair, **moved, **earlier_review}
        event = record_post_event(reviewer.actor, step, post, previous, approval=approval.pk, **details)
        discards.add(staged)
        enqueue.publish_after_commit(post)
        audit_log.seal_event(event)
    return approval


def decision_json(
    actor: Actor, decision: str, *, version: int, notes: str | None = None, corrections: Sequence[Correction] = ()
) -> dict[str, Any]:
    """Return a decision as the API returns it. `corrections` are those that the decided content contains."""
    last = corrections[-1] if corrections else None
    return {
        "decision": decision,
        "by": actor_json(actor),
        "at": format_datetime(clock.now()),
        "version": version,
        "notes": notes,
        "correctedBy": {"kind": "USER", "id": last.by_id, "name": last.by} if last else None,
    }


def ensure_media_is_stored(post: ScheduledPost, deliveries: Sequence[Delivery]) -> None:
    """Raise Conflict unless our copy of the media can be published on the channels."""
    if media_inspection.awaiting_inspection(post):
        raise Conflict("The media check is still running. Try again in a few seconds.")
    if stored_media.lacks_stored_copy(post):
        raise Conflict(f"{stored_media.NOT_STORED}.")
    if problem := public_address.find_problem(delivery.channel for delivery in deliveries):
        raise Conflict(problem)


def ensure_shown(post: ScheduledPost, digest: str, revision: int) -> None:
    """Raise StaleApproval unless the page that sent `digest` and `revision` showed the present post."""
    content, present_digest = current_content(post)
    if digest != present_digest:
        raise StaleApproval(present_digest, diff_content(content_with_digest(post, digest), content))
    if revision != post.revision:
        raise StaleApproval(present_digest, [])


def _moved(post: ScheduledPost, when: datetime | None) -> dict[str, Any]:
    """Return the details of the audit event about an approval for another time than the planned one."""
    planned = post.scheduled_for
    return {} if planned == when else {"movedFrom": planned.isoformat() if planned else None, **former_editor(post)}


def ensure_may_review(reviewer: Reviewer, post: ScheduledPost) -> None:
    """Raise Forbidden unless the reviewer may review every channel of the post."""
    if reviewer.organization.pk != post.organization_id:
        raise Forbidden("You may not review posts in this organization")
    if not can_review_channels(reviewer.membership, post.deliveries.values_list("channel__public_id", flat=True)):
        raise Forbidden("This post has a channel that you do not review: another reviewer has to decide")


def is_author(user: User, post: ScheduledPost) -> bool:
    """Whether `user` wrote any content of the post since it was created. See `authors.authored_by`."""
    return post.pk in authored_by(user, [post])
