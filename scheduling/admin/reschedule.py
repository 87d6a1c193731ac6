"""Moving a post to another instant: a page that asks, and what its buttons do. Dragging only leads to the page."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from django.http import HttpRequest

from accounts import formatting
from accounts.admin.base import current_user, has_role, membership_for
from accounts.domain.actors import user_actor
from accounts.domain.reviewers import get_reviewer
from accounts.exceptions import DomainError, Forbidden, Invalid, StaleVersion
from accounts.models import Membership, Role, User
from scheduling.admin import actions
from scheduling.admin.permissions import approval_blocker, permissions_for
from scheduling.admin.review_context import title_of
from scheduling.domain import drafts, reschedule
from scheduling.domain.preflight.checks import Check, run_checks
from scheduling.lifecycle import StateConflict, Status
from scheduling.models import DeliveryState, ScheduledPost


@dataclass(frozen=True)
class RescheduleOptions:
    """How this person may move this post. `why_not` says why it cannot be moved, or not by an approval of theirs.

    edit        it stays what it is, only its instant changes
    approve     it waits, or failed: approving it for the new instant moves it
    reapprove   it is scheduled: a new approval, of the new instant
    resubmit    it is scheduled: back to the reviewers with the new instant
    """

    edit: bool = False
    approve: bool = False
    reapprove: bool = False
    resubmit: bool = False
    why_not: str = ""

    @property
    def any(self) -> bool:
        """Whether there is a way at all."""
        return self.edit or self.approve or self.reapprove or self.resubmit


def reschedule_options(user: User, membership: Membership | None, post: ScheduledPost) -> RescheduleOptions:
    """Return the ways. Needs the post with its organization, keys and deliveries loaded."""
    may = permissions_for(user, membership, post)
    if post.status != Status.SCHEDULED:
        why_not = may.why_not
        if not (may.edit or may.approve or why_not):
            why_not = f"A post that is “{post.get_status_display().lower()}” cannot be moved by you."
        return RescheduleOptions(edit=may.edit, approve=may.approve, why_not=why_not)
    if any(delivery.state in {DeliveryState.PUBLISHED, DeliveryState.UNKNOWN} for delivery in post.deliveries.all()):
        return RescheduleOptions(
            why_not="Part of this post is live, or may be: the rest goes out as approved, and is not moved."
        )
    writes, reviews = has_role(membership, Role.EDITOR), membership is not None and membership.may_review
    barred = approval_blocker(user, membership, post)
    why_not = "" if writes or reviews else "Your membership lets you look, not move posts."
    if reviews and barred:
        why_not = barred
    return RescheduleOptions(reapprove=not barred, resubmit=writes, why_not=why_not)


def edit(request: HttpRequest, post: ScheduledPost) -> str:
    """Change the instant of a draft, of a rejected or of a waiting post."""
    instant = _instant(request, post)
    if not has_role(membership_for(request, post.organization_id), Role.EDITOR):
        raise Forbidden("Your membership lets you look, not move posts.")
    changes: drafts.Changes = {"scheduled_for": instant}
    moved = drafts.edit(user_actor(current_user(request)), post, changes=changes, expected_version=_version(request))
    waits = moved.status == Status.WAITING_FOR_APPROVAL
    return f"{_moved(request, post, instant)}{'; it still waits for approval' if waits else ''}."


def reapprove(request: HttpRequest, post: ScheduledPost) -> str:
    """Approve the scheduled post for another instant."""
    reviewer, instant = get_reviewer(request, post.organization), _instant(request, post)
    reschedule.reapprove(
        reviewer,
        post,
        **actions.submitted_page_state(request),
        scheduled_for=instant,
        expected_version=_version(request),
        checks=proposed_checks(post, instant, reviewer.user),
    )
    return _told(request, post, instant)


def resubmit(request: HttpRequest, post: ScheduledPost) -> str:
    """Take the scheduled post back and hand it to the reviewers with another instant."""
    instant = _instant(request, post)
    if not has_role(membership_for(request, post.organization_id), Role.EDITOR):
        raise Forbidden("Your membership lets you look, not move posts.")
    reschedule.resubmit(
        user_actor(current_user(request)), post, scheduled_for=instant, expected_version=_version(request)
    )
    return _told(request, post, instant)


WAYS: dict[str, Callable[[HttpRequest, ScheduledPost], str]] = {
    "edit": edit,
    "approve": actions.approve,
    "reapprove": reapprove,
    "resubmit": resubmit,
}


def proposed_checks(post: ScheduledPost, instant: datetime | None, reader: User) -> list[Check]:
    """Return the checks that the post would have at `instant`, for `reader`."""
    before = post.scheduled_for
    post.scheduled_for = instant or before
    try:
        return run_checks([post], formatting.user_timezone(reader))[post.pk]
    finally:
        post.scheduled_for = before


def in_words(refusal: DomainError, post: ScheduledPost) -> str:
    """Return what to tell the person; nothing has changed."""
    if isinstance(refusal, StateConflict):
        return f"That did not happen: this post is “{post.get_status_display()}” by now. Somebody was faster."
    if isinstance(refusal, StaleVersion):
        return "Somebody changed this post since you opened this page. Nothing was moved: look at it again."
    return refusal.message


def proposed(typed: str, post: ScheduledPost, reader: User) -> datetime | None:
    """Return the instant that a time field's value means, None when it means none."""
    try:
        return formatting.from_input(typed, formatting.user_timezone(reader), shown=post.scheduled_for)
    except formatting.InvalidLocalTime:
        return None


def _instant(request: HttpRequest, post: ScheduledPost) -> datetime:
    zone = formatting.user_timezone(current_user(request))
    try:
        instant = formatting.from_input(request.POST.get("when", ""), zone, shown=post.scheduled_for)
    except formatting.InvalidLocalTime as error:
        raise Invalid(str(error)) from None
    if instant is None:
        raise Invalid("Choose when it goes out.")
    return instant


def _version(request: HttpRequest) -> int:
    text = request.POST.get("version", "")
    return int(text) if text.isdecimal() else -1  # a version that no post ever has


def _told(request: HttpRequest, post: ScheduledPost, instant: datetime) -> str:
    """Return what has become of a scheduled post; where two people have to approve, one approval leaves it waiting."""
    now = ScheduledPost.objects.filter(pk=post.pk).values_list("status", flat=True).first()
    said = _moved(request, post, instant)
    if now != Status.WAITING_FOR_APPROVAL:
        return f"{said}, approved for that instant."
    return f"{said}, and waits for approval: it does not go out before somebody approves."


def _moved(request: HttpRequest, post: ScheduledPost, instant: datetime) -> str:
    scheduled_time = formatting.format_long(instant, formatting.user_timezone(current_user(request)))
    return f"“{title_of(post)}” is moved to {scheduled_time}"
