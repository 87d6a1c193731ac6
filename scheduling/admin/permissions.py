"""Which buttons a person gets. The domain decides again when one is pressed."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from accounts.admin.base import has_role
from accounts.domain import mfa
from accounts.domain.reviewers import can_review_channels
from accounts.models import Membership, Role, User
from scheduling.admin.review_queue import rotated_key_ids
from scheduling.domain import media_inspection, review, two_person_approval
from scheduling.lifecycle import DELETABLE, EDITABLE, Status
from scheduling.models import Approval, DeliveryState, ScheduledPost


@dataclass(frozen=True)
class PostPermissions:
    """What this person may do with this post now. `why_not` says why somebody who reviews cannot approve it.

    `at_once`: publishing now; two who approve need an instant to agree on. `set_up`: they need a second factor.
    `looking`: it can be approved within seconds, once a worker has looked at the media.
    """

    approve: bool
    reject: bool
    revert: bool
    submit: bool
    edit: bool
    delete: bool
    settle: bool = False
    why_not: str = ""
    at_once: bool = False
    set_up: bool = False
    looking: bool = False

    @property
    def any(self) -> bool:
        """Whether there is a button at all."""
        return any((self.approve, self.reject, self.revert, self.submit, self.edit, self.delete, self.settle))


@dataclass(frozen=True)
class PermissionContext:
    """What is to be known of a person to tell their rights on many posts.

    `rotated`: the keys among their authors that the person rotated; `firsts`: by post, the first of two approvals of
    what it says; `factor`: whether they have a second factor.
    """

    rotated: Collection[str]
    firsts: Mapping[UUID, Approval]
    factor: bool


def load_permission_context(user: User, posts: Sequence[ScheduledPost]) -> PermissionContext:
    """Return what `rights` on these posts needs, in three queries at most. Needs them loaded as `rights` does."""
    wanted = any(post.organization.require_mfa for post in posts)
    return PermissionContext(
        rotated=rotated_key_ids(user, posts),
        firsts=two_person_approval.firsts_of(posts),
        factor=wanted and mfa.get_mfa(user) is not None,
    )


def permissions_for(
    user: User, membership: Membership | None, post: ScheduledPost, *, learnt: PermissionContext | None = None
) -> PostPermissions:
    """Return the person's rights. Needs the post with its organization, keys and deliveries loaded.

    `learnt` spares the queries about the person, for lists.
    """
    writes = has_role(membership, Role.EDITOR)
    reaching = [delivery.channel.public_id for delivery in post.deliveries.all()]
    reviews = membership is not None and can_review_channels(membership, reaching)
    decidable = post.can("approve") or post.can("retry")
    why_not = approval_blocker(user, membership, post, learnt=learnt) if decidable else ""
    first = None
    if decidable and not why_not:
        first = learnt.firsts.get(post.pk) if learnt else two_person_approval.pending_first_approval(post)
    if first is not None and first.reviewer_id == user.pk:
        why_not = "You approved this, as the first of two: another reviewer has to approve the same."
    looking = decidable and not why_not and media_inspection.awaiting_inspection(post)
    if looking:
        why_not = "A worker is looking at the media: what goes out has to be known before it is approved."
    unable = bool(why_not)
    set_up = decidable and not unable and _lacks_factor(user, post, learnt)
    if set_up:
        why_not = "This organization wants a second factor of its reviewers: set one up first."
    unknown = post.status == Status.FAILED and any(
        delivery.state == DeliveryState.UNKNOWN for delivery in post.deliveries.all()
    )
    if unknown and not why_not:
        why_not = "Say first whether it is live, on each channel where that is not known. Another try could double it."
    allowed = post.allowed_actions()
    return PostPermissions(
        approve=decidable and not unable and not set_up and not unknown,
        at_once=decidable and not post.organization.second_approver,
        set_up=set_up,
        looking=looking,
        reject=post.can("reject") and reviews,
        revert=("revert" in allowed or post.can("redraft")) and (writes or reviews),
        submit=post.can("submit") and writes,
        edit=post.status in EDITABLE and writes,
        delete=post.status in DELETABLE and writes,
        settle=bool(post.status == Status.FAILED and membership is not None and membership.may_review),
        why_not=why_not,
    )


def approval_blocker(
    user: User, membership: Membership | None, post: ScheduledPost, *, learnt: PermissionContext | None = None
) -> str:
    """Return why this person is not one to approve this post, whatever its state; blank when they are."""
    if membership is None or not can_review_channels(
        membership, [delivery.channel.public_id for delivery in post.deliveries.all()]
    ):
        some = membership is not None and membership.may_review
        return (
            "It goes to a channel that you do not review: another reviewer decides."
            if some
            else "Reviewers decide on this post. Your membership lets you look."
        )
    if not post.organization.allow_self_approval and review.is_author(
        user, post, rotated=learnt.rotated if learnt else None
    ):
        return f"{review.SELF_APPROVAL_FORBIDDEN}."
    return ""


def _lacks_factor(user: User, post: ScheduledPost, learnt: PermissionContext | None) -> bool:
    if not post.organization.require_mfa:
        return False
    return not learnt.factor if learnt else mfa.get_mfa(user) is None


def waits(post: ScheduledPost) -> bool:
    """Whether a person has to decide."""
    return bool(post.status == Status.WAITING_FOR_APPROVAL)
