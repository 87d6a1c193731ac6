"""Actions of the review page: each maps a POST to one domain function and returns a message."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from functools import wraps
from typing import Any, TypedDict
from uuid import UUID

from django.contrib.auth.views import redirect_to_login
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed

from accounts import clock, formatting
from accounts.admin.base import current_user, has_role, membership_for
from accounts.domain.actors import user_actor
from accounts.domain.reviewers import can_review_channels, get_reviewer
from accounts.exceptions import Conflict, DomainError, Forbidden, Invalid
from accounts.models import ActorKind, AuditEvent, Role, User
from scheduling.admin import post_history, unsent_input
from scheduling.admin.review_context import check_not_shown, title_of
from scheduling.domain import channel_checks, drafts, manual_resolution, review, two_person_approval, undo
from scheduling.domain.notifications import events
from scheduling.domain.preflight.checks import Check, run_checks
from scheduling.lifecycle import NEEDS_APPROVAL, StateConflict, Status
from scheduling.models import Approval, Delivery, ScheduledPost

MAX_SELECTED = 50  # as many as a page of the queue has
# Returns a success message or raises DomainError.
Action = Callable[[HttpRequest, ScheduledPost], str]


def approve(request: HttpRequest, post: ScheduledPost) -> str:
    """Approve the submitted content. A time in `when` reschedules the post."""
    reviewer = get_reviewer(request, post.organization)
    scheduled_for = None
    if "when" in request.POST:
        scheduled_for = submitted_time(request, post, blank="Choose a date and time, or publish it now.")
    zone = formatting.user_timezone(reviewer.user)
    checks = run_checks([post], zone)[post.pk]
    with transaction.atomic():
        approval = review.approve(
            reviewer, post, **submitted_state(request), scheduled_for=scheduled_for, checks=checks
        )
        ensure_checks_shown(request, checks)
    offer_undo(request, [approval])
    if approval.post.status != Status.SCHEDULED:
        return f"First of two approvals of “{title_of(post)}” saved. Another reviewer must approve the same content."
    due = approval.post.scheduled_for
    when = formatting.format_long(due, zone) if due else "soon"
    return f"Approved: “{title_of(post)}” will be published on {when}."


def publish(request: HttpRequest, post: ScheduledPost) -> str:
    reviewer = get_reviewer(request, post.organization)
    checks = run_checks([post], formatting.user_timezone(reviewer.user))[post.pk]
    with transaction.atomic():
        approval = review.approve(reviewer, post, **submitted_state(request), now=True, checks=checks)
        ensure_checks_shown(request, checks)
    offer_undo(request, [approval])
    return f"Approved: “{title_of(post)}” is being published now."


def reject(request: HttpRequest, post: ScheduledPost) -> str:
    """Reject the post. Raises Invalid without notes for the author."""
    reviewer = get_reviewer(request, post.organization)
    notes = _submitted_notes(request)
    if not notes:
        raise Invalid("Say in the notes what should change: the author sees nothing else.")
    review.reject(reviewer, post, **submitted_state(request), notes=notes)
    return f"Rejected: “{title_of(post)}” was returned to its author."


def _submitted_notes(request: HttpRequest) -> str:
    return request.POST.get("notes", "").replace("\r\n", "\n").replace("\x00", "").strip()


LIVE, ABSENT = "“{}” is marked as published on {}.", "Marked as not published on {}. You can approve a retry."


def mark_published(request: HttpRequest, post: ScheduledPost) -> str:
    """Record that the post is on the channel, under the platform id that the reviewer entered."""
    reviewer, delivery = get_reviewer(request, post.organization), _submitted_delivery(request, post)
    revision = submitted_number(request, "revision")
    manual_resolution.mark_live(reviewer, delivery, request.POST.get("post_id", ""), revision=revision)
    return LIVE.format(title_of(post), delivery.channel.name)


def mark_not_published(request: HttpRequest, post: ScheduledPost) -> str:
    """Record that the post is not on the channel, so that it can be retried."""
    reviewer, delivery = get_reviewer(request, post.organization), _submitted_delivery(request, post)
    manual_resolution.mark_not_published(reviewer, delivery, revision=submitted_number(request, "revision"))
    return ABSENT.format(delivery.channel.name)


def revert(request: HttpRequest, post: ScheduledPost) -> str:
    """Return a scheduled, failed or rejected post to draft. For editors, and reviewers of all its channels."""
    membership = membership_for(request, post.organization_id)
    channels = [delivery.channel.public_id for delivery in post.deliveries.all()]
    if not (has_role(membership, Role.EDITOR) or (membership and can_review_channels(membership, channels))):
        raise Forbidden("You do not have permission to revert posts.")
    transition = review.redraft if post.status == Status.REJECTED else review.revert
    transition(user_actor(current_user(request)), post)
    return f"“{title_of(post)}” is a draft again and will not be published."


def submit(request: HttpRequest, post: ScheduledPost) -> str:
    require_editor(request, post, "edit")
    review.submit(user_actor(current_user(request)), post)
    return f"“{title_of(post)}” is waiting for approval."


def delete(request: HttpRequest, post: ScheduledPost) -> str:
    """Delete the post, which also cancels its scheduled publishing task."""
    require_editor(request, post, "edit")
    title = title_of(post)
    drafts.delete(user_actor(current_user(request)), post)
    return f"“{title}” was deleted."


def recheck(request: HttpRequest, post: ScheduledPost) -> str:
    """Enqueue the media inspection and the channel checks again."""
    membership = membership_for(request, post.organization_id)
    if not (has_role(membership, Role.EDITOR) or (membership and membership.may_review)):
        raise Forbidden("You do not have permission to check this post again.")
    channel_checks.request_recheck(post)
    return "The media and the channels are being checked again. Reload this page in a few seconds."


ACTIONS: dict[str, Action] = {
    "approve": approve,
    "publish": publish,
    "reject": reject,
    "live": mark_published,
    "absent": mark_not_published,
    "revert": revert,
    "submit": submit,
    "delete": delete,
    "recheck": recheck,
}
DECISIONS = {"approve", "publish", "reject"}  # of a waiting post; lead to the next one


REPEATS: dict[str, set[str]] = {
    "reject": {"reject"},
    "revert": {"revert", "redraft"},
    "submit": {"submit"},
    "live": {"mark_live", "settle"},
    "absent": {"mark_absent"},
}


def repeated_message(request: HttpRequest, post: ScheduledPost, name: str) -> str:
    """Return the message for an action that the same user has already taken with this result; blank if not.

    A double click sends an action twice, and the second is refused. `post` is the present post.
    """
    user, title = current_user(request), title_of(post)
    if name in {"approve", "publish"}:
        return _own_approval_message(request, post, name)
    if post_history.last_event_of(user, post, REPEATS.get(name, ())) is None:
        return ""
    if name in {"live", "absent"}:
        return _repeated_result_message(request, post, name)
    if name == "reject":
        return f"Rejected: “{title}” was returned to its author." if post.notes == _submitted_notes(request) else ""
    return f"Done already: “{title}” is now “{post.get_status_display()}”."


def _repeated_result_message(request: HttpRequest, post: ScheduledPost, name: str) -> str:
    """Return the message for a channel that has the submitted result already; blank if it has another one."""
    delivery = _submitted_delivery(request, post)
    if name == "absent":
        return ABSENT.format(delivery.channel.name) if delivery.error_code == manual_resolution.NOT_THERE else ""
    same = delivery.platform_post_id == request.POST.get("post_id", "").strip() != ""
    return LIVE.format(title_of(post), delivery.channel.name) if same else ""


def _own_approval_message(request: HttpRequest, post: ScheduledPost, name: str) -> str:
    user = current_user(request)
    first = two_person_approval.pending_first_approval(post)
    own = first or (post.approval if post.status in NEEDS_APPROVAL else None)
    if own is None or own.reviewer_id != user.pk:
        return ""
    if name == "approve" and "when" in request.POST and submitted_time(request, post) != post.scheduled_for:
        return ""
    if first:
        return f"First of two approvals of “{title_of(post)}” saved. Another reviewer must approve the same content."
    if post.status != Status.SCHEDULED or post.scheduled_for is None:
        return f"You approved “{title_of(post)}” already; it is now “{post.get_status_display()}”."
    when = formatting.format_long(post.scheduled_for, formatting.user_timezone(user))
    return f"Approved already: “{title_of(post)}” will be published on {when}."


def deleted_by(user: User, post_id: UUID) -> bool:
    """Whether `user` has deleted the post."""
    events = AuditEvent.objects.filter(subject=f"post:{post_id}", verb="delete", actor_kind=ActorKind.PERSON)
    return events.filter(actor_id=str(user.pk)).exists()


UNDOABLE = "dynamo_undoable"  # session key: ids of the approvals that can be undone, and until when (Unix time)


def offer_undo(request: HttpRequest, approvals: Iterable[Approval]) -> None:
    """Remember in the session that the next pages offer to undo these approvals."""
    until = (clock.now() + undo.UNDO_WITHIN).timestamp()
    request.session[UNDOABLE] = {"approvals": [approval.pk for approval in approvals], "until": until}


def undoable(request: HttpRequest) -> list[int]:
    """Return the approvals that the page offers to undo."""
    offer = getattr(request, "session", {}).get(UNDOABLE)
    return offer["approvals"] if offer and clock.now().timestamp() < offer["until"] else []


def undo_approvals(request: HttpRequest, posts: Iterable[ScheduledPost]) -> list[tuple[bool, str]]:
    """Undo the submitted approvals of these posts; return for each whether it was undone, and a message."""
    results = []
    for post in posts:
        title = title_of(post)
        ids = set(post.approvals.values_list("pk", flat=True)) & set(_submitted_approvals(request))
        for approval_id in ids:
            undone = post_history.last_event_of(current_user(request), post, {events.UNDO})
            repeated = undone is not None and undone.details.get("approval") == approval_id
            try:
                if not repeated:
                    undo.undo(get_reviewer(request, post.organization), approval_id)
            except DomainError as error:
                results.append((False, f"“{title}” was not changed. {error.message}."))
            else:
                results.append((True, f"Undone: “{title}” is waiting for approval again."))
    request.session.pop(UNDOABLE, None)
    return results


def _submitted_approvals(request: HttpRequest) -> list[int]:
    texts = request.POST.getlist("approval")[:MAX_SELECTED]
    return [int(text) for text in texts if text.isascii() and text.isdecimal() and len(text) < 10]


def approved_posts(request: HttpRequest) -> list[UUID]:
    """Return the ids of the posts of the submitted approvals."""
    return list(Approval.objects.filter(pk__in=_submitted_approvals(request)).values_list("post_id", flat=True))


def ensure_checks_shown(request: HttpRequest, checks: Sequence[Check]) -> None:
    """Raise Conflict for a check that is open and that the submitted page did not show, if it states what it showed.

    Called after the approval and in its transaction, which is rolled back: every other refusal comes first. A time that
    has passed is the approval's own matter.
    """
    shown = request.POST.get("checks")  # None from a script that sends only the digest and the revision
    checks = [check for check in checks if not check.name.startswith("scheduledFor")]
    if shown is not None and (words := check_not_shown(checks, shown)):
        raise Conflict(f"Nothing was approved, because the page did not show this: {words} Decide again.")


class PageState(TypedDict):
    """Content and revision of the post that the submitted form was rendered with."""

    digest: str
    revision: int


def submitted_state(request: HttpRequest, suffix: str = "") -> PageState:
    """Return the state from the hidden fields; missing fields give values that match no post."""
    return {
        "digest": request.POST.get(f"digest{suffix}", ""),
        "revision": submitted_number(request, f"revision{suffix}"),
    }


def submitted_number(request: HttpRequest, field: str) -> int:
    """Return the number in a hidden field, or -1, which is no revision or version of a post."""
    text = request.POST.get(field, "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else -1


def submitted_time(request: HttpRequest, post: ScheduledPost, *, blank: str = "Choose a date and time.") -> datetime:
    """Return the time in the field `when`. Raises Invalid; with the message `blank` for an empty field."""
    zone = formatting.user_timezone(current_user(request))
    try:
        scheduled_for = formatting.from_input(request.POST.get("when", ""), zone, shown=post.scheduled_for)
    except formatting.InvalidLocalTime as error:
        raise Invalid(str(error)) from None
    if scheduled_for is None:
        raise Invalid(blank)
    return scheduled_for


def _submitted_delivery(request: HttpRequest, post: ScheduledPost) -> Delivery:
    for delivery in post.deliveries.all():
        if str(delivery.pk) == request.POST.get("delivery"):
            return delivery
    raise Invalid("This post is no longer assigned to that channel.")


def require_editor(request: HttpRequest, post: ScheduledPost, verb: str) -> None:
    if not has_role(membership_for(request, post.organization_id), Role.EDITOR):
        raise Forbidden(f"You do not have permission to {verb} posts.")


def post_only(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Decorate a model admin's view: 405 for other methods, the login page without a session.

    Not `admin_view`, whose login page leads back to the view; this one leads to the post of the action or the list.
    """

    @wraps(view)
    def wrapper(model_admin: Any, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if not model_admin.admin_site.has_permission(request):
            post_id = kwargs.get("post_id")
            page = model_admin.url("review", post_id) if post_id else model_admin.url("changelist")
            response = redirect_to_login(page, f"{model_admin.admin_site.name}:login")
            if post_id:
                unsent_input.keep(request, response, post_id, kwargs.get("name", ""))
            return response
        return view(model_admin, request, **kwargs)

    return wrapper


def parse_uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def edit_conflict_message(post: ScheduledPost, error: StateConflict) -> str:
    """Return the message for a StateConflict. Nothing was saved."""
    if error.reason:
        return f"Not saved: {error.reason}."
    return f"Not saved: another user changed this post; it is now “{post.get_status_display()}”."


def other_messages(error: DomainError, problem: str) -> list[str]:
    """Return the messages of the error's details that differ from `problem`."""
    details = error.details if isinstance(error.details, list) else []
    return [detail["message"] for detail in details if detail["message"] != problem]
