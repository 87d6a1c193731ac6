"""Which actions a page offers to a user. The domain checks again when an action runs."""

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
    """Actions that the user can run on a post now.

    why_not          why the post cannot be approved; blank if it can, or if its status does not allow it
    publish_now      whether "Publish now" is offered; not with two approvals, which have to agree on a time
    mfa_required     whether the user has to set up two-factor authentication first
    inspection_pending  whether approval waits for a worker to inspect the media
    """

    approve: bool
    reject: bool
    revert: bool
    submit: bool
    edit: bool
    delete: bool
    resolve: bool = False
    why_not: str = ""
    publish_now: bool = False
    mfa_required: bool = False
    inspection_pending: bool = False

    @property
    def any(self) -> bool:
        """Whether any action is available."""
        return any((self.approve, self.reject, self.revert, self.submit, self.edit, self.delete, self.resolve))


@dataclass(frozen=True)
class PermissionContext:
    """Data for the permissions of one user on many posts.

    rotated_keys     ids of the posts' API keys that the user has rotated
    first_approvals  by post id, the pending first of two approvals of its current content
    has_mfa          whether the user has set up two-factor authentication
    """

    rotated_keys: Collection[str]
    first_approvals: Mapping[UUID, Approval]
    has_mfa: bool


def load_permission_context(user: User, posts: Sequence[ScheduledPost]) -> PermissionContext:
    """Return the data for `permissions_for`, in at most three queries. Needs the posts loaded as it does."""
    mfa_needed = any(post.organization.require_mfa for post in posts)
    return PermissionContext(
        rotated_keys=rotated_key_ids(user, posts),
        first_approvals=two_person_approval.firsts_of(posts),
        has_mfa=mfa_needed and mfa.get_mfa(user) is not None,
    )


def permissions_for(
    user: User, membership: Membership | None, post: ScheduledPost, *, context: PermissionContext | None = None
) -> PostPermissions:
    """Return the user's permissions. Needs the post with its organization, keys and deliveries loaded.

    With `context`, used by lists, it runs no queries.
    """
    is_editor = has_role(membership, Role.EDITOR)
    channel_ids = [delivery.channel.public_id for delivery in post.deliveries.all()]
    is_reviewer = membership is not None and can_review_channels(membership, channel_ids)
    approvable = post.can("approve") or post.can("retry")
    why_not = approval_blocker(user, membership, post, context=context) if approvable else ""
    first = None
    if approvable and not why_not:
        first = context.first_approvals.get(post.pk) if context else two_person_approval.pending_first_approval(post)
    if first is not None and first.reviewer_id == user.pk:
        why_not = "You gave the first of two approvals: another reviewer must approve the same content."
    inspection_pending = approvable and not why_not and media_inspection.awaiting_inspection(post)
    if inspection_pending:
        why_not = "The media check is still running. The post can be approved when it has finished."
    mfa_required = approvable and not why_not and _lacks_required_mfa(user, post, context)
    if mfa_required:
        why_not = "This organization requires two-factor authentication for reviewers. Set it up first."
    unknown = post.status == Status.FAILED and any(
        delivery.state == DeliveryState.UNKNOWN for delivery in post.deliveries.all()
    )
    if unknown and not why_not:
        why_not = "First mark each channel with an unknown outcome. A retry could publish the post twice."
    return PostPermissions(
        approve=approvable and not why_not,
        publish_now=approvable and not post.organization.second_approver,
        mfa_required=mfa_required,
        inspection_pending=inspection_pending,
        reject=post.can("reject") and is_reviewer,
        revert=("revert" in post.allowed_actions() or post.can("redraft")) and (is_editor or is_reviewer),
        submit=post.can("submit") and is_editor,
        edit=post.status in EDITABLE and is_editor,
        delete=post.status in DELETABLE and is_editor,
        resolve=bool(post.status == Status.FAILED and membership is not None and membership.may_review),
        why_not=why_not,
    )


def approval_blocker(
    user: User, membership: Membership | None, post: ScheduledPost, *, context: PermissionContext | None = None
) -> str:
    """Return why this user cannot approve this post in any status; blank if they can."""
    if membership is None or not can_review_channels(
        membership, [delivery.channel.public_id for delivery in post.deliveries.all()]
    ):
        if membership is not None and membership.may_review:
            return "This post goes to a channel that you do not review. Another reviewer must approve it."
        return "You do not have permission to approve posts."
    if not post.organization.allow_self_approval and review.is_author(
        user, post, rotated=context.rotated_keys if context else None
    ):
        return f"{review.SELF_APPROVAL_FORBIDDEN}."
    return ""


def _lacks_required_mfa(user: User, post: ScheduledPost, context: PermissionContext | None) -> bool:
    if not post.organization.require_mfa:
        return False
    return not context.has_mfa if context else mfa.get_mfa(user) is None
