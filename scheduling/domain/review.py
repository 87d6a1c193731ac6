"""Between a draft and the public: submit, reject, redraft, approve, revert."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import uuid4

from django.db import transaction
from django.db.models import Exists, OuterRef, Q

from accounts import clock
from accounts.domain.actors import Actor
from accounts.domain.api_keys import rotated_by
from accounts.domain.reviewers import Reviewer, reaches
from accounts.exceptions import Conflict, Forbidden, Stale
from accounts.models import User
from scheduling.domain import enqueue, media_inspection, two_person_approval
from scheduling.domain.audit import remember, seen
from scheduling.domain.content import current, deliveries, difference, outstanding
from scheduling.domain.preflight.checks import Check
from scheduling.domain.reach import within
from scheduling.domain.validation import must_be_publishable
from scheduling.lifecycle import StateConflict, Status
from scheduling.models import Approval, Delivery, DeliveryState, ScheduledPost

BLANK_OUTCOME: dict[str, Any] = {
    "state": "", "staged": {}, "staged_for": "", "staged_at": None, "tries": 0, "next_try_at": None, "absences": 0,
    "live_id": "", "permalink": "", "published_at": None, "error_code": "", "error_message": "",
}  # fmt: skip
TRIES = 3
OWN = "You wrote or last edited this post or its words, or issued or rotated the key that did: another person decides"


class StaleApproval(Stale):
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
            fresh = within(ScheduledPost.objects.select_related("organization").filter(pk=post.pk), actor.key).first()
            if fresh is None or not fresh.may("submit"):
                raise
            post = fresh
    raise post.conflict("submit")


def _submit_once(actor: Actor, post: ScheduledPost) -> ScheduledPost:
    with transaction.atomic():
        if post.may("submit"):
            must_be_publishable(post, deliveries(post))
        left = post.move("submit")
        remember(actor, "submit", post, left)
        enqueue.inspect_after_commit(post)
    return post


def reject(by: Actor | Reviewer, post: ScheduledPost, *, notes: str) -> ScheduledPost:
    """Send the post back to its author with `notes`, which the caller has made sure are not blank.

    A person does so as the Reviewer that they are. Raises Forbidden when the post goes to channels that are not theirs.
    """
    actor = by.actor if isinstance(by, Reviewer) else by
    with transaction.atomic():
        if isinstance(by, Reviewer):
            must_reach(by, post)
        left = post.move("reject", notes=notes)
        two_person_approval.void(post)
        remember(actor, "reject", post, left, notes=notes)
    return post


def redraft(actor: Actor, post: ScheduledPost) -> ScheduledPost:
    """Take a rejected post back to draft."""
    with transaction.atomic():
        left = post.move("redraft")
        remember(actor, "redraft", post, left)
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
            "handed_over_at": None,
            "lease": None,
            "lease_until": None,
        }
        left = post.move("revert", only_if=Q(~Exists(live)), failure="", **cleared)
        if approval is not None:
            Approval.objects.filter(pk=approval.pk).update(revoked_at=clock.now())
        two_person_approval.void(post)
        post.deliveries.update(**BLANK_OUTCOME)
        remember(actor, "revert", post, left)
        enqueue.cancel_after_commit(task_id, staged)
    return post


def approve(
    reviewer: Reviewer,
    post: ScheduledPost,
    *,
    digest: str,
    turn: int,
    instant: datetime | None = None,
    now: bool = False,
    checks: Sequence[Check] = (),
) -> Approval:
    """Approve exactly what the reviewer's page showed, and schedule it; from FAILED, another try of what failed.

    `digest` and `turn` are the page's: a form is good for one stay with the reviewers, and for one failure. `instant`
    moves the post, `now` publishes at once. `checks` are those that the reviewer was shown; the approval keeps them.
    In one transaction: the approval row, the new task id, the state. Raises Forbidden (another's organization or
    channel, own work), Conflict (an outcome that is not known: `settling` first; media that nobody has looked at:
    whatever is behind the address by the instant would go out), StaleApproval, Invalid, StateConflict.

    Where the organization wants two approvers, the first one's approval is recorded and the post stays where it is;
    that of another reviewer over the same digest schedules it. See `pairing`.
    """
    for _ in range(TRIES):
        try:
            return _approve(reviewer, post, digest=digest, turn=turn, instant=instant, now=now, checks=checks)
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
    turn: int,
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
        must_reach(reviewer, post)
        if wrote(reviewer.user, post) and not reviewer.organization.allow_self_approval:
            raise Forbidden(OWN)
        step = "retry" if post.status == Status.FAILED else "approve"
        if not post.may(step):
            raise post.conflict("approve")
        deliveries = outstanding(post)
        _must_be_known(deliveries)
        if media_inspection.awaited(post):
            raise Conflict("Nobody has looked at the media yet, and a worker does within seconds: approve it then")
        shown, shown_digest = current(post)
        if digest != shown_digest:
            raise StaleApproval(shown_digest, difference(seen(post, digest), shown))
        if turn != post.turn:
            raise StaleApproval(shown_digest, [])
        when = clock.now() if now else instant or post.scheduled_for
        must_be_publishable(post, deliveries, instant=when, at_once=now)
        media, version = post.media_sha256, post.version
        moved = when != post.scheduled_for
        post.scheduled_for = when
        covered, digest = current(post)
        first = None
        if post.organization.second_approver:
            first = two_person_approval.first_for(reviewer, post, digest, now=now)
        approval = Approval.objects.create(
            post=post,
            first=first,
            reviewer=reviewer.user,
            membership=reviewer.membership,
            session=reviewer.session,
            second_factor=reviewer.verified,
            version=version + moved,
            digest=digest,
            content=covered,
            checks=[one.as_record() for one in checks],
        )
        if post.organization.second_approver and first is None:
            two_person_approval.keep_first(reviewer, post, approval, only_if=Q(media_sha256=media), shown=version)
            return approval
        again = post.deliveries.exclude(state=DeliveryState.PUBLISHED)
        staged = list(again.exclude(staged={}).values_list("channel_id", "staged"))
        again.update(**BLANK_OUTCOME)
        left = post.move(
            step,
            only_if=Q(media_sha256=media),
            approval=approval,
            task_id=uuid4(),
            scheduled_for=when,
            version=version + moved,
            handed_over_at=None,
            failure="",
        )
        pair = {"first": first.pk, "firstBy": first.reviewer_id} if first else {}
        remember(reviewer.actor, step, post, left, approval=approval.pk, **pair)
        enqueue.cancel_after_commit(None, staged)
        enqueue.publish_after_commit(post)
    return approval


def must_reach(reviewer: Reviewer, post: ScheduledPost) -> None:
    """Raise Forbidden unless the reviewer may decide on everything that the post goes to."""
    if reviewer.organization.pk != post.organization_id:
        raise Forbidden("You may not review posts in this organization")
    if not reaches(reviewer.membership, post.deliveries.values_list("channel__wire_id", flat=True)):
        raise Forbidden("This post goes to a channel that you do not review: another reviewer decides")


def _must_be_known(deliveries: list[Delivery]) -> None:
    """Raise Conflict while nobody knows whether one of them is live: it must never be sent again blindly."""
    names = [one.channel.name for one in deliveries if one.state == DeliveryState.UNKNOWN]
    if names:
        raise Conflict(f"Say first whether it is live on {' and on '.join(names)}: another try could publish it twice")


def wrote(user: User, post: ScheduledPost, *, rotated: Collection[str] | None = None) -> bool:
    """Whether that person wrote or last edited the post or its words, or has seen the secret of the key that did.

    Whoever issues or rotates a key is shown its secret. `rotated`, the keys that they rotated, spares a query.
    """
    keys = [key for key in (post.created_by_key, post.edited_by_key, post.worded_by_key) if key is not None]
    people = {post.created_by_user_id, post.edited_by_user_id, post.worded_by_user_id}
    if user.pk in people | {key.issued_by_id for key in keys} or not keys:
        return user.pk in people | {key.issued_by_id for key in keys}
    ids = {key.pk for key in keys}
    return bool(ids & set(rotated) if rotated is not None else rotated_by(user, ids))
