"""Rescheduling a post: the options a user has and the actions of the confirmation page."""

from datetime import datetime
from typing import NamedTuple

from django.http import HttpRequest

from accounts import formatting
from accounts.admin.base import current_user, has_role
from accounts.domain.actors import user_actor
from accounts.domain.reviewers import get_reviewer
from accounts.exceptions import DomainError, StaleVersion
from accounts.models import Membership, Role, User
from scheduling.admin import actions, post_history
from scheduling.admin.permissions import approval_blocker, load_permission_context, permissions_for
from scheduling.admin.review_context import title_of
from scheduling.domain import drafts, reschedule
from scheduling.domain.preflight.checks import Check, run_checks
from scheduling.lifecycle import StateConflict, Status
from scheduling.models import DeliveryState, ScheduledPost

WAITING = ". It is waiting for approval and is not published without one."


class RescheduleOptions(NamedTuple):
    """How this user can reschedule this post. `why_not`: why not at all, or why not with an approval of their own.

    edit        the status stays, only the scheduled time changes
    approve     a waiting or failed post: approve it for the new time
    reapprove   a scheduled post: approve it again for the new time
    resubmit    a scheduled post: submit it for approval with the new time
    """

    edit: bool = False
    approve: bool = False
    reapprove: bool = False
    resubmit: bool = False
    why_not: str = ""

    @property
    def any(self) -> bool:
        return self.edit or self.approve or self.reapprove or self.resubmit


def reschedule_options(user: User, membership: Membership | None, post: ScheduledPost) -> RescheduleOptions:
    """Return the options. Needs the post with its organization, keys and deliveries loaded."""
    context = load_permission_context(user, [post])
    if post.status != Status.SCHEDULED:
        permissions = permissions_for(membership, post, context=context)
        why_not = permissions.why_not
        if not (permissions.edit or permissions.approve or why_not):
            why_not = f"You cannot reschedule a post in status “{post.get_status_display()}”."
        return RescheduleOptions(edit=permissions.edit, approve=permissions.approve, why_not=why_not)
    if any(delivery.state in {DeliveryState.PUBLISHED, DeliveryState.UNKNOWN} for delivery in post.deliveries.all()):
        return RescheduleOptions(
            why_not="This post is published on one of its channels, or may be, so it cannot be rescheduled."
        )
    is_editor, is_reviewer = has_role(membership, Role.EDITOR), membership is not None and membership.may_review
    blocker = approval_blocker(membership, post, authored=context.authored)
    why_not = "" if is_editor or is_reviewer else "You do not have permission to reschedule posts."
    if is_reviewer and blocker:
        why_not = blocker
    return RescheduleOptions(reapprove=not blocker, resubmit=is_editor, why_not=why_not)


def edit(request: HttpRequest, post: ScheduledPost) -> str:
    """Change the scheduled time of a draft, rejected or waiting post. Needs the editor role."""
    scheduled_for = actions.submitted_time(request, post)
    actions.require_editor(request, post, "reschedule")
    actor, version = user_actor(current_user(request)), actions.submitted_number(request, "version")
    edited = drafts.edit(actor, post, changes={"scheduled_for": scheduled_for}, expected_version=version)
    return _edited_message(request, edited, scheduled_for)


def reapprove(request: HttpRequest, post: ScheduledPost) -> str:
    reviewer, scheduled_for = get_reviewer(request, post.organization), actions.submitted_time(request, post)
    approval = reschedule.reapprove(
        reviewer,
        post,
        **actions.submitted_state(request),
        scheduled_for=scheduled_for,
        expected_version=actions.submitted_number(request, "version"),
        checks=proposed_checks(post, scheduled_for, reviewer.user),
    )
    message = _rescheduled_message(request, post, scheduled_for)
    # With two-person approval, one approval leaves the post waiting.
    return f"{message}{WAITING}" if approval.post.status == Status.WAITING_FOR_APPROVAL else f"{message} and approved."


def resubmit(request: HttpRequest, post: ScheduledPost) -> str:
    """Revoke the approval of the scheduled post and submit it with another time. Needs the editor role."""
    scheduled_for = actions.submitted_time(request, post)
    actions.require_editor(request, post, "reschedule")
    actor, version = user_actor(current_user(request)), actions.submitted_number(request, "version")
    reschedule.resubmit(actor, post, scheduled_for=scheduled_for, expected_version=version)
    return f"{_rescheduled_message(request, post, scheduled_for)}{WAITING}"


RESCHEDULE_ACTIONS: dict[str, actions.Action] = {
    "edit": edit,
    "approve": actions.approve,
    "reapprove": reapprove,
    "resubmit": resubmit,
}


def repeated_message(request: HttpRequest, post: ScheduledPost, way: str) -> str:
    """Return the message for a reschedule that the same user has sent before, with this result; blank if not.

    `post` is the present post.
    """
    scheduled_for = actions.submitted_time(request, post)
    if scheduled_for != post.scheduled_for:
        return ""
    if way in {"approve", "reapprove"}:
        return actions.repeated_message(request, post, "approve")
    verb = "edit" if way == "edit" else "submit"
    if post_history.last_event_of(current_user(request), post, {verb}) is None:
        return ""
    if way == "edit":
        return _edited_message(request, post, scheduled_for)
    return f"{_rescheduled_message(request, post, scheduled_for)}{WAITING}"


def proposed_checks(post: ScheduledPost, scheduled_for: datetime | None, reader: User) -> list[Check]:
    """Return the checks that the post would have at that time, with times in the reader's zone."""
    before = post.scheduled_for
    post.scheduled_for = scheduled_for or before
    try:
        return run_checks([post], formatting.user_timezone(reader))[post.pk]
    finally:
        post.scheduled_for = before


def error_message(error: DomainError, post: ScheduledPost) -> str:
    """Return the message for a failed reschedule. Nothing was saved."""
    if isinstance(error, StateConflict):
        return actions.edit_conflict_message(post, error)
    if isinstance(error, StaleVersion):
        return "Not saved: another user changed this post since you opened this page. Check it and try again."
    return error.message


def parse_time(text: str, post: ScheduledPost, reader: User) -> datetime | None:
    """Return the time that the field's value stands for in the reader's zone; None if blank or nonexistent."""
    try:
        return formatting.from_input(text, formatting.user_timezone(reader), shown=post.scheduled_for)
    except formatting.InvalidLocalTime:
        return None


def _edited_message(request: HttpRequest, post: ScheduledPost, scheduled_for: datetime) -> str:
    waiting = " It is still waiting for approval." if post.status == Status.WAITING_FOR_APPROVAL else ""
    return f"{_rescheduled_message(request, post, scheduled_for)}.{waiting}"


def _rescheduled_message(request: HttpRequest, post: ScheduledPost, scheduled_for: datetime) -> str:
    local_time = formatting.format_long(scheduled_for, formatting.user_timezone(current_user(request)))
    return f"“{title_of(post)}” was rescheduled to {local_time}"
