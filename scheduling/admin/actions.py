"""What the buttons do: each translates a POST into one verb of the domain, and tells what came of it."""

from collections.abc import Callable
from typing import NamedTuple, TypedDict

from django.http import HttpRequest

from accounts import formatting
from accounts.admin.base import current_user, has_role, membership_for
from accounts.domain.actors import user_actor
from accounts.domain.reviewers import can_review_channels, get_reviewer
from accounts.exceptions import Forbidden, Invalid
from accounts.models import Role
from scheduling.admin.review_context import title_of
from scheduling.domain import channel_checks, drafts, manual_resolution, review
from scheduling.domain.preflight.checks import run_checks
from scheduling.lifecycle import Status
from scheduling.models import Delivery, ScheduledPost


class Action(NamedTuple):
    """`run` returns a sentence for the person and raises Refusal; `onward` goes to the next waiting post."""

    run: Callable[[HttpRequest, ScheduledPost], str]
    onward: bool = False


def approve(request: HttpRequest, post: ScheduledPost) -> str:
    """Approve what the page showed; an instant in `when` moves the post."""
    reviewer = get_reviewer(request, post.organization)
    instant = None
    if "when" in request.POST:
        zone = formatting.user_timezone(reviewer.user)
        try:
            instant = formatting.from_input(request.POST["when"], zone, shown=post.scheduled_for)
        except formatting.InvalidLocalTime as error:
            raise Invalid(str(error)) from None
        if instant is None:
            raise Invalid("Choose when it goes out, or publish it now.")
    shown = run_checks([post], formatting.user_timezone(reviewer.user))[post.pk]
    approval = review.approve(reviewer, post, **submitted_page_state(request), scheduled_for=instant, checks=shown)
    if approval.post.status != Status.SCHEDULED:
        return f"You approved “{title_of(post)}” as the first of two: another reviewer has to approve the same."
    due = approval.post.scheduled_for
    when = formatting.format_long(due, formatting.user_timezone(reviewer.user)) if due else "soon"
    return f"Approved: “{title_of(post)}” goes out on {when}."


def publish(request: HttpRequest, post: ScheduledPost) -> str:
    """Approve what the page showed, for this moment."""
    reviewer = get_reviewer(request, post.organization)
    shown = run_checks([post], formatting.user_timezone(reviewer.user))[post.pk]
    review.approve(reviewer, post, **submitted_page_state(request), now=True, checks=shown)
    return f"Approved: “{title_of(post)}” is going out now."


def reject(request: HttpRequest, post: ScheduledPost) -> str:
    """Send it back with notes for its author."""
    reviewer = get_reviewer(request, post.organization)
    notes = request.POST.get("notes", "").replace("\r\n", "\n").replace("\x00", "").strip()
    if not notes:
        raise Invalid("Say in the notes what should change: the author sees nothing else.")
    review.reject(reviewer, post, notes=notes)
    return f"Rejected: “{title_of(post)}” is back with its author."


def mark_published(request: HttpRequest, post: ScheduledPost) -> str:
    """Take a person's word that a channel has it, with the platform's id."""
    reviewer, delivery = get_reviewer(request, post.organization), _named(request, post)
    manual_resolution.mark_live(
        reviewer, delivery, request.POST.get("post_id", ""), revision=parse_revision(request.POST.get("revision", ""))
    )
    return f"“{title_of(post)}” is live on {delivery.channel.name}."


def mark_not_published(request: HttpRequest, post: ScheduledPost) -> str:
    """Take a person's word that a channel does not have it."""
    reviewer, delivery = get_reviewer(request, post.organization), _named(request, post)
    manual_resolution.mark_not_published(reviewer, delivery, revision=parse_revision(request.POST.get("revision", "")))
    return f"Noted: it is not on {delivery.channel.name}. Another try can be approved."


def revert(request: HttpRequest, post: ScheduledPost) -> str:
    """Take a scheduled, failed or rejected post back to draft."""
    membership = membership_for(request, post.organization_id)
    channels = [delivery.channel.public_id for delivery in post.deliveries.all()]
    if not (has_role(membership, Role.EDITOR) or (membership and can_review_channels(membership, channels))):
        raise Forbidden("Your membership lets you look, not revert.")
    verb = review.redraft if post.status == Status.REJECTED else review.revert
    verb(user_actor(current_user(request)), post)
    return f"“{title_of(post)}” is a draft again; it will not go out."


def submit(request: HttpRequest, post: ScheduledPost) -> str:
    """Hand a draft to the reviewers."""
    _must_write(request, post)
    review.submit(user_actor(current_user(request)), post)
    return f"“{title_of(post)}” waits for approval now."


def delete(request: HttpRequest, post: ScheduledPost) -> str:
    """Remove the post; what was scheduled is cancelled with it."""
    _must_write(request, post)
    title = title_of(post)
    drafts.delete(user_actor(current_user(request)), post)
    return f"“{title}” is deleted."


def recheck(request: HttpRequest, post: ScheduledPost) -> str:
    """Have workers look at the media and ask the channels again."""
    membership = membership_for(request, post.organization_id)
    if not (has_role(membership, Role.EDITOR) or (membership and membership.may_review)):
        raise Forbidden("Your membership lets you look, not have it checked again.")
    channel_checks.request_recheck(post)
    return "A worker looks at the media and asks the channels again. Reload this page in a few seconds."


class PageState(TypedDict):
    """What a form says of the page that it stood on."""

    digest: str
    revision: int


def submitted_page_state(request: HttpRequest) -> PageState:
    """Return what the page showed, as its form says; what fits no post where the form says nothing."""
    return {"digest": request.POST.get("digest", ""), "revision": parse_revision(request.POST.get("revision", ""))}


def parse_revision(text: str) -> int:
    """Return the revision that a form named, one that no post ever has where it is none."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else -1


def _named(request: HttpRequest, post: ScheduledPost) -> Delivery:
    for delivery in post.deliveries.all():
        if str(delivery.pk) == request.POST.get("delivery"):
            return delivery
    raise Invalid("This post is not meant for that channel any more.")


def _must_write(request: HttpRequest, post: ScheduledPost) -> None:
    if not has_role(membership_for(request, post.organization_id), Role.EDITOR):
        raise Forbidden("Your membership lets you look, not write.")


ACTIONS = {
    "approve": Action(approve, onward=True),
    "publish": Action(publish, onward=True),
    "reject": Action(reject, onward=True),
    "live": Action(mark_published),
    "absent": Action(mark_not_published),
    "revert": Action(revert),
    "submit": Action(submit),
    "delete": Action(delete),
    "recheck": Action(recheck),
}
