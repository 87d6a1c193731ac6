"""Between a draft and the public: submit, reject, redraft, approve, revert."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import uuid4

from django.db import transaction
from django.db.models import Exists, OuterRef, Q

from accounts import clock
from accounts.domain.actors import Actor
from accounts.domain.api_keys import keys_rotated_by
from accounts.domain.reviewers import Reviewer, can_review_channels
from accounts.exceptions import Conflict, Forbidden, StaleVersion
from accounts.models import User
from scheduling.domain import enqueue, media_inspection, two_person_approval
from scheduling.domain.audit import content_with_digest, record_post_event
from scheduling.domain.content import current_content, deliveries, diff_content, unpublished_deliveries
from scheduling.domain.preflight.checks import Check
from scheduling.domain.reach import visible_to_key
from scheduling.domain.validation import validate_publishable
from scheduling.lifecycle import StateConflict, Status
from scheduling.models import Approval, Delivery, DeliveryState, ScheduledPost

BLANK_OUTCOME: dict[str, Any] = {
    "state": "", "staged": {}, "staged_digest": "", "staged_at": None, "attempt_count": 0, "retry_at": None,
    "absence_count": 0,
    "platform_post_id": "", "permalink": "", "published_at": None, "error_code": "", "error_message": "",
}  # fmt: skip
TRIES = 3
SELF_APPROVAL_FORBIDDEN = (
    "You wrote or last edited this post or its words, or issued or rotated the key that did: another person decides"
)


class StaleApproval(StaleVersion):
    """The reviewer's page showed something else, or the same at an earlier turn: before it was decided on, or changed.

    `difference` lists what is another than it was; `digest` is that of what stands there now.
    """

    def __init__(self, digest: str, changed: list[dict[str, Any]]) -> None:
        said = "has changed" if changed else "was changed, decided on or handed in again"
        super().__init__(f"The post {said} since you opened it; look at it again", {"difference": changed})
        self.digest, self.difference = digest, changed


def submit(actor: Actor, post: ScheduledPost) -> ScheduledPost:
    """Hand the post to the reviewers, as it stands: edited meanwhile, it is the new content that is handed in.

    Raises StateConflict, or Invalid when it is not publishable.
    """
    for _ in range(TRIES):
        try:
            return _submit_once(actor, post)
        except StateConflict:
            fresh = visible_to_key(
                ScheduledPost.objects.select_related("organization").filter(pk=post.pk), actor.key
            ).first()
            if fresh is None or not fresh.can("submit"):
                raise
            post = fresh
    raise post.conflict("submit")


def _submit_once(actor: Actor, post: ScheduledPost) -> ScheduledPost:
    with transaction.atomic():
        if post.can("submit"):
            validate_publishable(post, deliveries(post))
        left = post.apply_transition("submit")
        record_post_event(actor, "submit", post, left)
        enqueue.inspect_after_commit(post)
    return post


def reject(by: Actor | Reviewer, post: ScheduledPost, *, notes: str) -> ScheduledPost:
    """Send the post back to its author with `notes`, which the caller has made sure are not blank.

    A person does so as the Reviewer that they are. Raises Forbidden when the post goes to channels that are not theirs.
    """
    actor = by.actor if isinstance(by, Reviewer) else by
    with transaction.atomic():
        if isinstance(by, Reviewer):
            ensure_may_review(by, post)
        left = post.apply_transition("reject", notes=notes)
        two_person_approval.revoke_pending_approvals(post)
        record_post_event(actor, "reject", post, left, notes=notes)
    return post


def redraft(actor: Actor, post: ScheduledPost) -> ScheduledPost:
    """Take a rejected post back to draft."""
    with transaction.atomic():
        left = post.apply_transition("redraft")
        record_post_event(actor, "redraft", post, left)
    return post


def revert(actor: Actor, post: ScheduledPost) -> ScheduledPost:
    """Take a scheduled post back to draft, which voids its approval; or a failed one of which nothing went live.

    Clearing `task_id` in this transaction is what stops the publish: a message in flight no longer fits.
    """
    with transaction.atomic():
        task_id, approval = post.task_id, post.approval
        staged = list(post.deliveries.exclude(staged={}).values_list("channel_id", "staged"))
        live = Delivery.objects.filter(post=OuterRef("pk"), state__in=[DeliveryState.PUBLISHED, DeliveryState.UNKNOWN])
        cleared = {
            "task_id": None,
            "approval": None,
            "enqueued_at": None,
            "lease_id": None,
            "lease_expires_at": None,
        }
        left = post.apply_transition("revert", only_if=Q(~Exists(live)), failure_reason="", **cleared)
        if approval is not None:
            Approval.objects.filter(pk=approval.pk).update(revoked_at=clock.now())
        two_person_approval.revoke_pending_approvals(post)
        post.deliveries.update(**BLANK_OUTCOME)
        record_post_event(actor, "revert", post, left)
        enqueue.cancel_after_commit(task_id, staged)
    return post


def approve(
    reviewer: Reviewer,
    post: ScheduledPost,
    *,
    digest: str,
    revision: int,
    instant: datetime | None = None,
    now: bool = False,
    checks: Sequence[Check] = (),
) -> Approval:
    """Approve exactly what the reviewer's page showed, and schedule it; from FAILED, another try of what failed.

    `digest` and `revision` are the page's: a form is good for one stay with the reviewers, and for one failure.
    `instant`
    moves the post, `now` publishes at once. `checks` are those that the reviewer was shown; the approval keeps them.
    In one transaction: the approval row, the new task id, the state. Raises Forbidden (another's organization or
    channel, own work), Conflict (an outcome that is not known: `settling` first; media that nobody has looked at:
    whatever is behind the address by the instant would go out), StaleApproval, Invalid, StateConflict.

    Where the organization wants two approvers, the first one's approval is recorded and the post stays where it is;
    that of another reviewer over the same digest schedules it. See `pairing`.
    """
    for _ in range(TRIES):
        try:
            return _approve(reviewer, post, digest=digest, revision=revision, instant=instant, now=now, checks=checks)
        except StateConflict as lost:
            # A worker may have learnt what the media's bytes are at this very moment: look again, at all of it.
            if lost.status not in {Status.WAITING_FOR_APPROVAL, Status.FAILED}:
                raise
    raise post.conflict("approve")


def _approve(
    reviewer: Reviewer,
    post: ScheduledPost,
    *,
    digest: str,
    revision: int,
    instant: datetime | None,
    now: bool,
    checks: Sequence[Check],
) -> Approval:
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
        _must_be_known(deliveries)
        if media_inspection.awaiting_inspection(post):
            raise Conflict("Nobody has looked at the media yet, and a worker does within seconds: approve it then")
        shown, shown_digest = current_content(post)
        if digest != shown_digest:
            raise StaleApproval(shown_digest, diff_content(content_with_digest(post, digest), shown))
        if revision != post.revision:
            raise StaleApproval(shown_digest, [])
        when = clock.now() if now else instant or post.scheduled_for
        validate_publishable(post, deliveries, instant=when, at_once=now)
        media, version = post.media_sha256, post.version
        moved = when != post.scheduled_for
        post.scheduled_for = when
        covered, digest = current_content(post)
        first = None
        if post.organization.second_approver:
            first = two_person_approval.get_first_approval_for(reviewer, post, digest, now=now)
        approval = Approval.objects.create(
            post=post,
            first_approval=first,
            reviewer=reviewer.user,
            membership=reviewer.membership,
            session=reviewer.session,
            mfa_verified=reviewer.verified,
            version=version + moved,
            digest=digest,
            content=covered,
            checks=[check.as_record() for check in checks],
        )
        if post.organization.second_approver and first is None:
            two_person_approval.record_first_approval(
                reviewer, post, approval, only_if=Q(media_sha256=media), shown=version
            )
            return approval
        again = post.deliveries.exclude(state=DeliveryState.PUBLISHED)
        staged = list(again.exclude(staged={}).values_list("channel_id", "staged"))
        again.update(**BLANK_OUTCOME)
        left = post.apply_transition(
            step,
            only_if=Q(media_sha256=media),
            approval=approval,
            task_id=uuid4(),
            scheduled_for=when,
            version=version + moved,
            enqueued_at=None,
            failure_reason="",
        )
        pair = {"first": first.pk, "firstBy": first.reviewer_id} if first else {}
        record_post_event(reviewer.actor, step, post, left, approval=approval.pk, **pair)
        enqueue.cancel_after_commit(None, staged)
        enqueue.publish_after_commit(post)
    return approval


def ensure_may_review(reviewer: Reviewer, post: ScheduledPost) -> None:
    """Raise Forbidden unless the reviewer may decide on everything that the post goes to."""
    if reviewer.organization.pk != post.organization_id:
        raise Forbidden("You may not review posts in this organization")
    if not can_review_channels(reviewer.membership, post.deliveries.values_list("channel__public_id", flat=True)):
        raise Forbidden("This post goes to a channel that you do not review: another reviewer decides")


def _must_be_known(deliveries: list[Delivery]) -> None:
    """Raise Conflict while nobody knows whether one of them is live: it must never be sent again blindly."""
    names = [delivery.channel.name for delivery in deliveries if delivery.state == DeliveryState.UNKNOWN]
    if names:
        raise Conflict(f"Say first whether it is live on {' and on '.join(names)}: another try could publish it twice")


def is_author(user: User, post: ScheduledPost, *, rotated: Collection[str] | None = None) -> bool:
    """Whether that person wrote or last edited the post or its words, or has seen the secret of the key that did.

    Whoever issues or rotates a key is shown its secret. `rotated`, the keys that they rotated, spares a query.
    """
    keys = [
        key for key in (post.created_by_key, post.last_edited_by_key, post.content_edited_by_key) if key is not None
    ]
    people = {post.created_by_user_id, post.last_edited_by_user_id, post.content_edited_by_user_id}
    if user.pk in people | {key.issued_by_id for key in keys} or not keys:
        return user.pk in people | {key.issued_by_id for key in keys}
    ids = {key.pk for key in keys}
    return bool(ids & set(rotated) if rotated is not None else keys_rotated_by(user, ids))
