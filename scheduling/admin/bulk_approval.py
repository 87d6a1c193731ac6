"""Bulk approval: a page shows everything that the selected posts would publish; one POST approves what it showed."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from django.db import DatabaseError
from django.http import HttpRequest, QueryDict

from accounts import formatting
from accounts.admin.base import current_user, memberships
from accounts.domain.audit_log import canonical_sha256
from accounts.domain.reviewers import Reviewer, get_reviewer
from accounts.exceptions import Conflict, DomainError
from posts.domain import media_store
from scheduling.admin.actions import MAX_SELECTED, PageState, offer_undo, parse_uuid, repeated_message, submitted_state
from scheduling.admin.forms import in_words_of_the_form
from scheduling.admin.permissions import load_permission_context, permissions_for
from scheduling.admin.previews import ChannelPreview, channel_preview, load_preview_context
from scheduling.admin.review_context import (
    Summary,
    check_not_shown,
    covered_values,
    media_kind,
    open_checks,
    summary,
    thumbnail_url,
    title_of,
)
from scheduling.domain import review
from scheduling.domain.content import approved_content
from scheduling.domain.preflight.checks import Check, run_checks
from scheduling.domain.review import StaleApproval
from scheduling.lifecycle import StateConflict, Status
from scheduling.models import Approval, ScheduledPost


@dataclass(frozen=True)
class Confirmation:
    """A selected post as the confirmation page shows it. `why_not`: why it is not offered; blank if it is.

    `digest` covers the content of `cards`; `shown_checks` is the field with the open checks of the page.
    """

    post: ScheduledPost
    title: str
    digest: str
    shown_checks: str
    cards: list[ChannelPreview]
    covered: list[tuple[str, str]]
    media_kind: str
    media_url: str
    media_poster: str
    media_problem: str | None
    checks: Summary | None
    why_not: str


class BulkResult(NamedTuple):
    """Result of one post of a bulk approval. `message` is the publishing time, or why it was not approved."""

    post: ScheduledPost
    title: str
    approved: bool
    message: str
    approval: Approval | None = None


def selected_ids(data: QueryDict) -> list[UUID]:
    """Return the ids of the selected posts, of the first MAX_SELECTED at most. Malformed ones are skipped."""
    return [pk for text in data.getlist("post")[:MAX_SELECTED] if (pk := parse_uuid(text))]


def confirmations(request: HttpRequest, posts: Sequence[ScheduledPost]) -> list[Confirmation]:
    """Return the posts for the confirmation page. Needs them loaded as for the review page.

    The digests are computed from the loaded rows, which the page shows. Nothing of a waiting post is published, so that
    an approval covers all of its channels.
    """
    user = current_user(request)
    own = {membership.organization_id: membership for membership in memberships(request)}
    permission_context, known = load_permission_context(user, posts), load_preview_context(posts)
    checks = run_checks(posts, formatting.user_timezone(user))
    result = []
    for post in posts:
        content = approved_content(post, post.deliveries.all())
        may = permissions_for(own.get(post.organization_id), post, context=permission_context)
        why_not = may.why_not or _blocker(checks[post.pk])
        if post.status != Status.WAITING_FOR_APPROVAL:
            why_not = f"It is not waiting for approval: it is “{post.get_status_display()}”."
        result.append(
            Confirmation(
                post=post,
                title=title_of(post),
                digest=canonical_sha256(content),
                shown_checks=" ".join(sorted(open_checks(checks[post.pk]))),
                cards=[channel_preview(post, delivery, known) for delivery in post.deliveries.all()],
                covered=covered_values(content),
                media_kind=media_kind(post),
                media_url=media_store.admin_url(post.media_file) if post.media_file else "",
                media_poster=thumbnail_url(post),
                media_problem=post.media_metadata.get("problem"),
                checks=summary(checks[post.pk]),
                why_not=why_not,
            )
        )
    return result


def bulk_approve(request: HttpRequest, posts: Sequence[ScheduledPost]) -> list[BulkResult]:
    """Approve the posts in the given order, each as the confirmation page showed it; return a result for each.

    Each post has its own digest and its own transaction, so a failure does not affect the others. A post with a
    blocker, or with a warning that the page did not show, is not approved.
    Needs the posts loaded as for the review page.
    """
    zone = formatting.user_timezone(current_user(request))
    checks = run_checks(posts, zone)
    reviewers: dict[UUID, Reviewer] = {}
    results = []
    for post in posts:
        title = title_of(post)  # before the approval, which reloads the post
        approved, approval = False, None
        try:
            if post.organization_id not in reviewers:
                reviewers[post.organization_id] = get_reviewer(request, post.organization)
            state: PageState = submitted_state(request, f"-{post.pk}")
            _raise_if_not_shown(post, checks[post.pk], request.POST.get(f"checks-{post.pk}", ""))
            approval = review.approve(reviewers[post.organization_id], post, **state, checks=checks[post.pk])
        except DomainError as error:
            message = _error_message(in_words_of_the_form(error))
            if isinstance(error, Conflict) and (present := ScheduledPost.objects.for_wire().filter(pk=post.pk).first()):
                repeated = repeated_message(request, present, "approve")
                approved, message = bool(repeated), repeated or message
        except DatabaseError:
            message = "Database error. Try this post again."
        else:
            approved, due = True, approval.post.scheduled_for
            message = f"Will be published {f'on {formatting.format_long(due, zone)}' if due else 'soon'}."
            if approval.post.status != Status.SCHEDULED:
                message = "First of two approvals saved. Another reviewer must approve the same content."
        results.append(BulkResult(post, title, approved, message, approval))
    offer_undo(request, [result.approval for result in results if result.approval])
    return results


def _raise_if_not_shown(post: ScheduledPost, checks: Sequence[Check], shown: str) -> None:
    """Raise Conflict for a waiting post with a blocker, or with an open check that is not in `shown`."""
    if post.status != Status.WAITING_FOR_APPROVAL:
        return
    if blocker := _blocker(checks):
        raise Conflict(blocker)
    if words := check_not_shown(checks, shown):
        raise Conflict(f"The page did not show this warning: {words} Review the post again")


def _blocker(checks: Sequence[Check]) -> str:
    words = next((check.words for check in checks if check.level == "stop"), "")
    return f"It cannot be approved here: {words}" if words else ""


def _error_message(error: DomainError) -> str:
    if isinstance(error, StaleApproval):
        if error.difference:
            return "The content has changed since you loaded the page. Review it again."
        return "The post was changed, reviewed or resubmitted since you loaded the page. Review it again."
    if isinstance(error, StateConflict):
        if error.status is None:
            return "It has been deleted in the meantime."
        return f"Another user changed this post; it is now “{Status(error.status).label}”."
    return error.message if error.message.endswith(".") else f"{error.message}."
