"""Which actions a page offers to a user. The domain checks again when an action runs."""

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

from accounts.admin.base import has_role
from accounts.domain import mfa
from accounts.domain.identities import same_person
from accounts.domain.reviewers import can_review_channels
from accounts.models import Membership, Role, User
from scheduling.domain import media_inspection, review, stored_media, two_person_approval
from scheduling.domain.authors import authored_by
from scheduling.lifecycle import EDITABLE, Status
from scheduling.models import Approval, DeliveryState, ScheduledPost

INSPECTION_PENDING = "The media check is still running. The post can be approved when it has finished."
NOT_A_REVIEWER = "You do not have permission to approve posts."
MFA_REQUIRED = "This organization requires two-factor authentication for reviewers. Set it up first."


class PostPermissions(NamedTuple):
    """Actions that the user can run on a post now.

    why_not          why the post cannot be approved; blank if it can, or if its status does not allow it
    correct          whether the user can correct the captions together with the approval
    publish_now      whether "Publish now" is offered; not with two approvals, which have to agree on a time
    mfa_required     whether the user has to set up two-factor authentication first
    inspection_pending  whether approval waits for a worker to inspect the media
    """

    approve: bool
    correct: bool
    reject: bool
    revert: bool
    submit: bool
    edit: bool
    delete: bool
    resolve: bool
    why_not: str
    publish_now: bool
    mfa_required: bool
    inspection_pending: bool


class PermissionContext(NamedTuple):
    """Data for the permissions of one user on many posts.

    authored         ids of the posts of which the user is an author
    people           by organization, the ids of the users who count as the same person as the user
    first_approvals  by post id, the pending first of two approvals of its current content
    has_mfa          whether the user has set up two-factor authentication; read only if an organization requires it
    """

    authored: Collection[UUID]
    people: Mapping[UUID, Collection[int]]
    first_approvals: Mapping[UUID, Approval]
    has_mfa: bool


def load_permission_context(user: User, posts: Sequence[ScheduledPost]) -> PermissionContext:
    """Return the data for `permissions_for`, in at most six queries. Needs the posts loaded as it does."""
    mfa_needed = any(post.organization.require_mfa for post in posts)
    return PermissionContext(
        authored=authored_by(user, posts),
        people=same_person(user, {post.organization_id for post in posts if post.organization.second_approver}),
        first_approvals=two_person_approval.firsts_of(posts),
        has_mfa=mfa_needed and mfa.get_mfa(user) is not None,
    )


def permissions_for(
    membership: Membership | None, post: ScheduledPost, *, context: PermissionContext
) -> PostPermissions:
    """Return the user's permissions; for a waiting post without a query.

    Needs the post with its organization, keys and deliveries loaded.
    """
    allowed = post.allowed_actions()
    is_editor = has_role(membership, Role.EDITOR)
    is_reviewer = membership is not None and can_review_channels(membership, _channel_ids(post))
    approvable = post.can("approve") or post.can("retry")
    why_not = _why_not(membership, post, context) if approvable else ""
    return PostPermissions(
        approve=approvable and not why_not,
        correct=post.can("approve") and not why_not and post.organization.reviewers_may_correct,
        publish_now=approvable and not post.organization.second_approver,
        mfa_required=why_not == MFA_REQUIRED,
        inspection_pending=why_not == INSPECTION_PENDING,
        reject=post.can("reject") and is_reviewer,
        revert=("revert" in allowed or post.can("redraft")) and (is_editor or is_reviewer),
        submit=post.can("submit") and is_editor,
        edit=post.status in EDITABLE and is_editor,
        delete="delete" in allowed and is_editor,
        resolve=bool(post.status == Status.FAILED and membership is not None and membership.may_review),
        why_not=why_not,
    )


def approval_blocker(membership: Membership | None, post: ScheduledPost, *, authored: Collection[UUID]) -> str:
    """Return why this user cannot approve this post in any status; blank if they can."""
    if membership is None or not membership.may_review:
        return "Reviewers approve posts." if has_role(membership, Role.EDITOR) else NOT_A_REVIEWER
    if not can_review_channels(membership, _channel_ids(post)):
        return "This post goes to a channel that you do not review. Another reviewer must approve it."
    if not post.organization.allow_self_approval and post.pk in authored:
        return f"{review.SELF_APPROVAL_FORBIDDEN}."
    return ""


def _why_not(membership: Membership | None, post: ScheduledPost, context: PermissionContext) -> str:
    if blocker := approval_blocker(membership, post, authored=context.authored):
        return blocker
    first = context.first_approvals.get(post.pk)
    if first is not None and first.reviewer_id in context.people[post.organization_id]:
        return "You gave the first of two approvals: another reviewer must approve the same content."
    if media_inspection.awaiting_inspection(post) or stored_media.lacks_stored_copy(post):
        return INSPECTION_PENDING if post.media_checked_at is None else f"{stored_media.NOT_STORED}."
    if post.organization.require_mfa and not context.has_mfa:
        return MFA_REQUIRED
    unknown = any(delivery.state == DeliveryState.UNKNOWN for delivery in post.deliveries.all())
    if post.status == Status.FAILED and unknown:
        return "First mark each channel with an unknown outcome. A retry could publish the post twice."
    return ""


def _channel_ids(post: ScheduledPost) -> list[str]:
    return [delivery.channel.public_id for delivery in post.deliveries.all()]
