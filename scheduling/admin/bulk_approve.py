"""Approving several posts at once. Each is a decision of its own: own digest, own transaction, own answer."""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from django.db import DatabaseError
from django.http import HttpRequest

from accounts import formatting
from accounts.admin.base import current_user
from accounts.domain.reviewers import Reviewer, get_reviewer
from accounts.exceptions import DomainError
from scheduling.admin.actions import PageState, parse_revision
from scheduling.admin.review_context import title_of
from scheduling.domain import review
from scheduling.domain.preflight.checks import run_checks
from scheduling.domain.review import StaleApproval
from scheduling.lifecycle import StateConflict, Status
from scheduling.models import ScheduledPost

MOST = 100


@dataclass(frozen=True)
class BulkResult:
    """What came of one post. `words` say when it goes out, or why it was refused."""

    post: ScheduledPost
    title: str
    approved: bool
    words: str


def selected_posts(request: HttpRequest) -> dict[UUID, PageState]:
    """Return what the page showed of the posts that were chosen on it, MOST at the utmost."""
    ids = []
    for text in request.POST.getlist("post")[:MOST]:
        try:
            ids.append(UUID(text))
        except ValueError:
            continue
    given = request.POST
    return {
        pk: {"digest": given.get(f"digest-{pk}", ""), "revision": parse_revision(given.get(f"revision-{pk}", ""))}
        for pk in ids
    }


def approve(request: HttpRequest, posts: Iterable[ScheduledPost], pages: dict[UUID, PageState]) -> list[BulkResult]:
    """Approve the posts one by one, soonest first, and say of each what came of it. A refusal stops none of the others.

    Needs the posts loaded as the review page's are.
    """
    posts = list(posts)
    shown = run_checks(posts, formatting.user_timezone(current_user(request)))
    seats: dict[UUID, Reviewer] = {}
    answers = []
    for post in posts:
        title = title_of(post)
        try:
            if post.organization_id not in seats:
                seats[post.organization_id] = get_reviewer(request, post.organization)
            reviewer = seats[post.organization_id]
            approval = review.approve(reviewer, post, **pages[post.pk], checks=shown[post.pk])
        except DomainError as refusal:
            answers.append(BulkResult(post, title, approved=False, words=_why(refusal)))
        except DatabaseError:
            answers.append(BulkResult(post, title, approved=False, words="It could not be stored. Try this one again."))
        else:
            answers.append(BulkResult(post, title, approved=True, words=_what_next(reviewer, approval.post)))
    return answers


def _what_next(reviewer: Reviewer, post: ScheduledPost) -> str:
    if post.status != Status.SCHEDULED:
        return "Yours is the first of two: another reviewer has to approve the same."
    due = post.scheduled_for
    return (
        f"Goes out on {formatting.format_long(due, formatting.user_timezone(reviewer.user))}."
        if due
        else "Goes out soon."
    )


def _why(refusal: DomainError) -> str:
    if isinstance(refusal, StaleApproval):
        if refusal.difference:
            return "It has changed since your page was loaded: look at it again."
        return "It was changed, decided on or handed in again since your page was loaded: look at it again."
    if isinstance(refusal, StateConflict):
        if refusal.status is None:
            return "It has been deleted in the meantime."
        return f"It is “{Status(refusal.status).label}” by now: somebody was faster."
    return refusal.message if refusal.message.endswith(".") else f"{refusal.message}."
