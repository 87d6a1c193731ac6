"""The page on which a reviewer corrects the captions of a waiting post and approves the corrected content.

GET shows the form. A POST with `approve` corrects and approves; any other POST stores nothing: with `preview` it shows
the difference and the button that approves, otherwise the form again with the typed captions.
"""

from functools import partial
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.urls import URLPattern, path
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect

from accounts import clock, formatting
from accounts.admin.base import BaseAdmin, current_user, membership_for, render_page
from accounts.domain.audit_log import canonical_sha256
from accounts.domain.reviewers import get_reviewer
from accounts.exceptions import DomainError, Forbidden
from scheduling.admin import actions, unsent_input
from scheduling.admin.diff import describe_changes
from scheduling.admin.forms import in_words_of_the_form
from scheduling.admin.permissions import load_permission_context, permissions_for
from scheduling.admin.previews import NETWORKS
from scheduling.admin.review_context import review_context, title_of
from scheduling.admin.review_queue import neighbours
from scheduling.domain import corrections, review
from scheduling.domain.content import approved_content, diff_content, is_from_known_content
from scheduling.domain.correction_events import CORRECT
from scheduling.domain.preflight.checks import run_checks
from scheduling.domain.review import StaleApproval
from scheduling.domain.validation import Violation, find_violations
from scheduling.lifecycle import StateConflict, Status
from scheduling.models import ScheduledPost

NO_CHANGE = "No caption was changed. To approve the post as it is, use its review page."


class CaptionsForm(forms.Form):
    """One caption for each channel of the post."""

    def __init__(self, data: Any, *, post: ScheduledPost, typed: dict[str, str] | None = None) -> None:
        super().__init__(data, initial=typed)
        self.before = {delivery.channel.public_id: delivery.caption for delivery in post.deliveries.all()}
        for delivery in post.deliveries.all():
            self.fields[f"caption-{delivery.channel.public_id}"] = forms.CharField(
                label=f"Caption on {delivery.channel.name} ({NETWORKS[delivery.channel.type]})",
                required=False,
                strip=False,
                widget=forms.Textarea({"rows": 8, "dir": "auto"}),
                initial=delivery.caption,
            )

    def captions(self) -> dict[str, str]:
        """Return the typed captions by channel. One that differs only in its line breaks is the stored one."""
        typed = {key: str(self.cleaned_data[f"caption-{key}"]).replace("\r\n", "\n") for key in self.before}
        return {key: was if was.replace("\r\n", "\n") == typed[key] else typed[key] for key, was in self.before.items()}

    def add_violations(self, violations: list[Violation]) -> None:
        for violation in violations:
            name = f"caption-{violation.path[1]}" if violation.path[-1] == "caption" else None
            self.add_error(name if name in self.fields else None, violation.message)


def urls(model_admin: BaseAdmin) -> list[URLPattern]:
    view = csrf_protect(never_cache(partial(correct_captions, model_admin)))
    return [path("<uuid:post_id>/correct/", view, name=f"{model_admin.label}_correct")]


def correct_captions(model_admin: Any, request: HttpRequest, post_id: UUID) -> HttpResponse:
    if request.method not in {"GET", "HEAD", "POST"}:
        return HttpResponseNotAllowed(["GET", "HEAD", "POST"])
    if not model_admin.admin_site.has_permission(request):
        response = redirect_to_login(request.path, f"{model_admin.admin_site.name}:login")
        if request.method == "POST":
            unsent_input.keep(request, response, post_id, CORRECT)
        return response
    post = model_admin.get_post_or_404(request, post_id)
    if request.method == "POST" and "approve" in request.POST:
        return _approve(model_admin, request, post)
    user = current_user(request)
    membership, context = membership_for(request, post.organization_id), load_permission_context(user, [post])
    may = permissions_for(membership, post, context=context)
    if not may.correct:
        refused = f"{may.why_not or corrections.NOT_PERMITTED}".rstrip(".")
        if not post.can("approve"):
            refused = f"The captions of a post in status “{post.get_status_display()}” cannot be corrected"
        return _render_review(model_admin, request, post_id, Forbidden(f"{refused}."))
    if request.method != "POST":
        typed = unsent_input.typed_before_login(request, post_id)
        restored = typed.get("restored_action") == CORRECT
        return _render(model_admin, request, post, CaptionsForm(None, post=post, typed=typed), restored=restored)
    return _preview(model_admin, request, post, asked="preview" in request.POST)


def _render_review(model_admin: Any, request: HttpRequest, post_id: UUID, error: DomainError) -> HttpResponse:
    response: HttpResponse = model_admin.render_error(request, post_id, CORRECT, error)
    return response


def _preview(model_admin: Any, request: HttpRequest, post: ScheduledPost, *, asked: bool) -> HttpResponse:
    """Show the difference; unless `asked`, or when the captions are refused, show the form."""
    form = CaptionsForm(request.POST, post=post)
    try:
        review.ensure_shown(post, **actions.submitted_state(request))
    except StaleApproval as error:
        return _render_stale(model_admin, request, post, error)
    if not asked or not form.is_valid():
        return _render(model_admin, request, post, form)
    rows = list(post.deliveries.all())
    before = approved_content(post, rows)
    changed = corrections.apply_captions(rows, form.captions())  # unsaved: for the previews and checks
    form.add_violations(find_violations(post, rows, scheduled_for=clock.now(), at_once=True))
    if not changed:
        form.add_error(None, NO_CHANGE)
    digest = canonical_sha256(before)
    if form.errors:
        return _render(model_admin, request, post, form, shown_digest=digest)
    return _render(model_admin, request, post, form, shown_digest=digest, differences=_differences(before, post))


def _approve(model_admin: Any, request: HttpRequest, post: ScheduledPost) -> HttpResponse:
    form = CaptionsForm(request.POST, post=post)
    if not form.is_valid():
        return _render(model_admin, request, post, form)
    captions = form.captions()
    try:
        message = _correct_and_approve(request, post, captions)
    except StaleApproval as error:
        message = _repeated(model_admin, request, post, captions)
        if not message:
            return _render_stale(model_admin, request, post, error)
    except (Forbidden, StateConflict) as error:
        message = "" if isinstance(error, Forbidden) else _repeated(model_admin, request, post, captions)
        if not message:
            return _render_review(model_admin, request, post.pk, error)
    except DomainError as error:
        return _render_refused(model_admin, request, post, in_words_of_the_form(error))
    unsent_input.forget(request, post.pk)
    messages.success(request, message)
    following = neighbours(current_user(request), post).next
    queue = f"{model_admin.url('changelist')}?status={Status.WAITING_FOR_APPROVAL}"
    return HttpResponseRedirect(model_admin.url("review", following.pk) if following else queue)


def _correct_and_approve(request: HttpRequest, post: ScheduledPost, captions: dict[str, str]) -> str:
    """Correct and approve, with the checks of the corrected content; return a message. A time in `when` reschedules."""
    reviewer = get_reviewer(request, post.organization)
    scheduled_for = None
    if "when" in request.POST:
        scheduled_for = actions.submitted_time(request, post)
    zone = formatting.user_timezone(reviewer.user)
    corrections.apply_captions(list(post.deliveries.all()), captions)
    checks = run_checks([post], zone)[post.pk]
    with transaction.atomic():
        approval = corrections.correct_and_approve(
            reviewer,
            post,
            captions=captions,
            **actions.submitted_state(request),
            scheduled_for=scheduled_for,
            checks=checks,
        )
        actions.ensure_checks_shown(request, checks)
    actions.offer_undo(request, [approval])
    title = title_of(post)
    if approval.post.status != Status.SCHEDULED or approval.post.scheduled_for is None:
        return f"Corrected: your approval of “{title}” is the first of two. Another reviewer must approve the same."
    when = formatting.format_long(approval.post.scheduled_for, zone)
    return f"Corrected and approved: “{title}” will be published on {when}."


def _repeated(model_admin: Any, request: HttpRequest, post: ScheduledPost, captions: dict[str, str]) -> str:
    """Return the message for the second click of a double click; blank when the request is no repetition."""
    present = model_admin.get_queryset(request).filter(pk=post.pk).first()
    if present is None or captions != {row.channel.public_id: row.caption for row in present.deliveries.all()}:
        return ""
    return actions.repeated_message(request, present, "approve")


def _differences(before: dict[str, Any], post: ScheduledPost) -> list[dict[str, Any]]:
    return diff_content(before, approved_content(post, post.deliveries.all()))


def _render_stale(model_admin: Any, request: HttpRequest, post: ScheduledPost, error: StaleApproval) -> HttpResponse:
    """Show the form with the typed captions and what has changed in the post meanwhile."""
    post = model_admin.get_post_or_404(request, post.pk)
    known = is_from_known_content(error.difference)
    return _render(
        model_admin,
        request,
        post,
        CaptionsForm(request.POST, post=post),
        problem=error.message,
        stale=error.difference if known else [],
    )


def _render_refused(model_admin: Any, request: HttpRequest, post: ScheduledPost, error: DomainError) -> HttpResponse:
    """Show the difference again with the reason; nothing was stored."""
    post = model_admin.get_post_or_404(request, post.pk)
    form = CaptionsForm(request.POST, post=post)
    form.is_valid()
    before = approved_content(post, post.deliveries.all())
    corrections.apply_captions(list(post.deliveries.all()), form.captions())
    return _render(
        model_admin,
        request,
        post,
        form,
        shown_digest=canonical_sha256(before),
        differences=_differences(before, post),
        problem=error.message,
        problems=actions.other_messages(error, error.message),
        when=request.POST.get("when", ""),
    )


def _render(
    model_admin: Any,
    request: HttpRequest,
    post: ScheduledPost,
    form: CaptionsForm,
    *,
    shown_digest: str = "",
    differences: list[dict[str, Any]] | None = None,
    stale: list[dict[str, Any]] | None = None,
    **extra: Any,
) -> HttpResponse:
    """Show the page: with `differences` the step that approves, otherwise the form.

    `shown_digest` is the digest of the stored content; it is needed when the captions of `post` are corrected.
    """
    reader, membership = current_user(request), membership_for(request, post.organization_id)
    context = review_context(post, reader=reader, membership=membership)
    zone = formatting.user_timezone(reader)
    names = {delivery.channel.public_id: delivery.channel.name for delivery in post.deliveries.all()}
    context |= {
        "opts": model_admin.opts,
        "list_url": model_admin.url("changelist"),
        "on_queue": True,
        "form": form,
        "shown_digest": shown_digest or context["digest"],
        "changes": describe_changes(differences or stale or [], names=names, zone=zone),
        "decides": bool(differences),
        **extra,
    }
    title = f"Correct {title_of(post)}"
    return render_page(request, "admin/scheduling/scheduledpost/correct.html", title, **context)
