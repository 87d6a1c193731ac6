"""Scheduled posts in the admin: list, review queue, form, review page and its action buttons."""

from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import UUID

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect, QueryDict
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect

from accounts import formatting
from accounts.admin.base import (
    BaseAdmin,
    current_user,
    membership_for,
    memberships,
    render_page,
    roles_by_organization,
)
from accounts.exceptions import Conflict, DomainError, Forbidden
from accounts.models import Role
from scheduling.admin import actions, bulk_approval, calendar, correction, unsent_input
from scheduling.admin.filters import (
    AuthorFilter,
    ChecksFilter,
    DeliveryChannelFilter,
    OrganizationFilter,
    StatusFilter,
)
from scheduling.admin.forms import PostForm, in_words_of_the_form
from scheduling.admin.permissions import PostPermissions, load_permission_context, permissions_for
from scheduling.admin.results import ChannelResult, channel_results
from scheduling.admin.review_context import Summary, review_context, summary
from scheduling.admin.review_queue import LATEST, SOONEST, neighbours
from scheduling.domain import saved_views, search
from scheduling.domain.correction_events import CORRECT
from scheduling.domain.preflight.checks import run_checks
from scheduling.domain.review import StaleApproval
from scheduling.lifecycle import StateConflict, Status
from scheduling.models import ScheduledPost

UPCOMING = {Status.DRAFT, Status.WAITING_FOR_APPROVAL, Status.SCHEDULED, Status.PUBLISHING}
RELATED = (
    "organization",
    "created_by_user",
    "created_by_key",
    "last_edited_by_user",
    "last_edited_by_key",
    "media_file",
)


class PostRow(NamedTuple):
    """A post in the list. The row does not show all of the post, so that it only leads to the pages that approve."""

    post: ScheduledPost
    checks: Summary | None = None
    permissions: PostPermissions | None = None
    results: Sequence[ChannelResult] = ()

    @property
    def pickable(self) -> bool:
        """Whether the list offers the post for bulk approval. A post with a blocker needs the review page."""
        return bool(self.permissions and self.permissions.approve and not (self.checks and self.checks.blocked))


def list_rows(request: HttpRequest, posts: Sequence[ScheduledPost]) -> list[PostRow]:
    """Return the rows of these posts. Needs them loaded by `for_wire` and with RELATED."""
    waiting = [post for post in posts if post.status == Status.WAITING_FOR_APPROVAL]
    user = current_user(request)
    own = {membership.organization_id: membership for membership in memberships(request)} if waiting else {}
    permission_context = load_permission_context(user, waiting)
    checks, results = run_checks(waiting, formatting.user_timezone(user)), channel_results(posts)
    return [
        PostRow(
            post,
            checks=summary(checks[post.pk]),
            permissions=permissions_for(own.get(post.organization_id), post, context=permission_context),
        )
        if post.pk in checks
        else PostRow(post, results=results.get(post.pk, []))
        for post in posts
    ]


@admin.register(ScheduledPost)
class ScheduledPostAdmin(BaseAdmin):
    """No GET changes a row; no form has a field for the status."""

    edit_role = Role.EDITOR
    form_class = PostForm
    form_template = "admin/scheduling/scheduledpost/change_form.html"
    add_title = "New post"
    list_filter = (StatusFilter, DeliveryChannelFilter, AuthorFilter, ChecksFilter, OrganizationFilter)
    search_fields = ("deliveries__caption",)
    search_help_text = "Search in captions"

    def get_urls(self) -> list[URLPattern]:
        list_actions = {
            "approve/": ("several", self.bulk_approval_view),
            "undo/": ("undo", self.undo_view),
            "views/keep/": ("keep", self.save_filter_view),
            "views/<int:view_id>/forget/": ("forget", self.delete_filter_view),
        }
        review = self.admin_site.admin_view(self.review_view)
        return [
            path("<uuid:post_id>/review/", review, name=f"{self.label}_review"),
            *calendar.urls(self),
            *correction.urls(self),
            *(
                path(route, csrf_protect(never_cache(view)), name=f"{self.label}_{name}")
                for route, (name, view) in list_actions.items()
            ),
            *self.action_urls("<uuid:post_id>", actions.ACTIONS, self.action_view),
            *super().get_urls(),
        ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[ScheduledPost]:
        """Return the posts of the user's organizations, prefetched for a constant number of queries."""
        posts = ScheduledPost.objects.filter(organization__in=list(roles_by_organization(request)))
        return posts.for_wire().select_related(*RELATED)

    def get_ordering(self, request: HttpRequest) -> tuple[Any, ...]:
        return SOONEST if request.GET.get("status") in UPCOMING else LATEST

    def get_search_results(
        self,
        request: HttpRequest,  # noqa: ARG002  Django's signature
        queryset: QuerySet[Any],
        search_term: str,
    ) -> tuple[QuerySet[Any], bool]:
        """Search the captions. No duplicates, hence False."""
        return search.search_captions(queryset, search_term), False

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        status = request.GET.get("status")
        on_queue = status == Status.WAITING_FOR_APPROVAL
        context = {
            "title": "To approve" if on_queue else "Posts",
            "status": status,
            "on_queue": on_queue,
            "here": saved_views.filters(request.META.get("QUERY_STRING", "")),
            "many_organizations": len(roles_by_organization(request)) > 1,
            "saved_views": saved_views.saved_views(current_user(request)),
        }
        response = super().changelist_view(request, {**context, **(extra_context or {})})
        if isinstance(response, TemplateResponse) and response.context_data and "cl" in response.context_data:
            rows = list_rows(request, list(response.context_data["cl"].result_list))
            response.context_data |= {"rows": rows, "pickable": on_queue and any(row.pickable for row in rows)}
        return response

    def bulk_approval_view(self, request: HttpRequest) -> HttpResponse:
        if request.method in {"GET", "HEAD"}:
            return self.admin_site.admin_view(self.confirm_bulk_approval_view)(request)
        return self.bulk_approve_view(request)

    def confirm_bulk_approval_view(self, request: HttpRequest) -> HttpResponse:
        """Show everything that the selected posts would publish, with the form that approves it."""
        posts = self._selected_posts(request, request.GET)
        rows = bulk_approval.confirmations(request, posts)
        return self._render_bulk_approval(
            request,
            "bulk_confirm",
            offered=[row for row in rows if not row.why_not],
            others=[row for row in rows if row.why_not],
            many_organizations=len(roles_by_organization(request)) > 1,
        )

    @actions.post_only
    def bulk_approve_view(self, request: HttpRequest) -> HttpResponse:
        """Approve the selected posts, each as the confirmation page showed it, and list the result of each."""
        posts = self._selected_posts(request, request.POST)
        results = bulk_approval.bulk_approve(request, posts)
        return self._render_bulk_approval(
            request,
            "bulk_approve",
            approved=[result for result in results if result.approved],
            refused=[result for result in results if not result.approved],
            deleted=len(set(bulk_approval.selected_ids(request.POST))) - len(results),
        )

    def _selected_posts(self, request: HttpRequest, data: QueryDict) -> list[ScheduledPost]:
        selected = bulk_approval.selected_ids(data)
        return list(self.get_queryset(request).filter(pk__in=selected).order_by(*SOONEST)) if selected else []

    def _render_bulk_approval(self, request: HttpRequest, template: str, **context: Any) -> HttpResponse:
        context |= {"opts": self.opts, "on_queue": True}
        context["queue_url"] = f"{self.url('changelist')}?status={Status.WAITING_FOR_APPROVAL}"
        template = f"admin/scheduling/scheduledpost/{template}.html"
        return render_page(request, template, "Bulk approval", **context)

    @actions.post_only
    def undo_view(self, request: HttpRequest) -> HttpResponse:
        """Undo the submitted approvals; of one that still exists lead to its review page, otherwise to the queue."""
        posts = list(self.get_queryset(request).filter(pk__in=actions.approved_posts(request)))
        results = actions.undo_approvals(request, posts)
        for done, message in results:
            (messages.success if done else messages.warning)(request, message)
        if len(results) == 1 and ScheduledPost.objects.filter(pk=posts[0].pk).exists():
            return HttpResponseRedirect(self.url("review", posts[0].pk))
        return HttpResponseRedirect(f"{self.url('changelist')}?status={Status.WAITING_FOR_APPROVAL}")

    @actions.post_only
    def save_filter_view(self, request: HttpRequest) -> HttpResponse:
        query = saved_views.filters(request.POST.get("query", ""))
        try:
            view = saved_views.save_view(current_user(request), request.POST.get("name", ""), query)
        except DomainError as error:
            messages.error(request, error.message)
        else:
            messages.success(request, f"Filter saved as “{view.name}”.")
        return HttpResponseRedirect(f"{self.url('changelist')}?{query}")

    @actions.post_only
    def delete_filter_view(self, request: HttpRequest, view_id: int) -> HttpResponse:
        saved_views.delete_view(current_user(request), view_id)
        return HttpResponseRedirect(f"{self.url('changelist')}?{saved_views.filters(request.POST.get('query', ''))}")

    def get_post_or_404(self, request: HttpRequest, post_id: UUID) -> ScheduledPost:
        """Return the post loaded for the review page. Raises Http404 for users outside its organization."""
        return get_object_or_404(self.get_queryset(request).select_related("approval__reviewer"), pk=post_id)

    def review_view(self, request: HttpRequest, post_id: UUID) -> HttpResponse:
        if request.method not in {"GET", "HEAD"}:
            return HttpResponseNotAllowed(["GET", "HEAD"])
        post = self.get_post_or_404(request, post_id)
        restored: dict[str, Any] = unsent_input.typed_before_login(request, post_id)
        if restored.get("restored_action") == CORRECT:  # restored by the page that corrects captions
            restored = {}
        return self._render_review(request, post, **restored)

    @actions.post_only
    def action_view(self, request: HttpRequest, post_id: UUID, name: str) -> HttpResponse:
        """Run an action; on a DomainError show the page again with the reason and the submitted values."""
        if name == "delete" and self._deleted_before(request, post_id):
            messages.success(request, "The post was deleted.")
            return HttpResponseRedirect(self.url("changelist"))
        post = self.get_post_or_404(request, post_id)
        was_waiting = post.status == Status.WAITING_FOR_APPROVAL  # the action may reload the post
        try:
            message = actions.ACTIONS[name](request, post)
        except DomainError as error:
            present = self.get_queryset(request).filter(pk=post_id).first() if isinstance(error, Conflict) else None
            message = actions.repeated_message(request, present, name) if present else ""
            if not message:
                return self.render_error(request, post_id, name, in_words_of_the_form(error))
        unsent_input.forget(request, post_id)
        messages.success(request, message)
        if name == "delete":
            return HttpResponseRedirect(self.url("changelist"))
        following: ScheduledPost | None = post
        if name in actions.DECISIONS and was_waiting:
            following = neighbours(current_user(request), post).next
        queue_url = f"{self.url('changelist')}?status={Status.WAITING_FOR_APPROVAL}"
        return HttpResponseRedirect(self.url("review", following.pk) if following else queue_url)

    def _deleted_before(self, request: HttpRequest, post_id: UUID) -> bool:
        """Whether the user has deleted the post already, by the first of two clicks."""
        return not self.get_queryset(request).filter(pk=post_id).exists() and actions.deleted_by(
            current_user(request), post_id
        )

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Take the scheduled time from the query string: the days of the calendar link to this form."""
        return {"scheduled_for": request.GET.get("scheduled_for", "")[:40]}

    def success_url(self, row: Any) -> str:
        """Return the review page, which previews the saved draft."""
        return self.url("review", row.pk)

    def render_error(self, request: HttpRequest, post_id: UUID, name: str, error: DomainError) -> HttpResponse:
        if isinstance(error, StateConflict) and error.status is None:
            messages.error(request, "This post has been deleted in the meantime.")
            return HttpResponseRedirect(self.url("changelist"))
        post = self.get_post_or_404(request, post_id)
        problem = actions.edit_conflict_message(post, error) if isinstance(error, StateConflict) else error.message
        stale = error if isinstance(error, StaleApproval) else None
        extra: dict[str, Any] = {"problem": problem, "failed_action": name}
        extra["problems"] = actions.other_messages(error, problem)
        kept = ("notes",) if stale else ("when", "notes")  # a stale page's time may no longer be the author's
        extra |= {field: request.POST[field] for field in kept if request.POST.get(field)}
        if name == "live":
            extra["submitted_id"] = request.POST.get("post_id", "")
            extra["submitted_delivery"] = request.POST.get("delivery", "")
        return self._render_review(request, post, stale, status=403 if isinstance(error, Forbidden) else 200, **extra)

    def _render_review(
        self,
        request: HttpRequest,
        post: ScheduledPost,
        stale: StaleApproval | None = None,
        *,
        status: int = 200,
        **extra: Any,
    ) -> HttpResponse:
        reader, membership = current_user(request), membership_for(request, post.organization_id)
        context = review_context(post, reader=reader, membership=membership, stale=stale)
        context |= {"opts": self.opts, "stale": stale, "list_url": self.url("changelist")} | extra
        if post.status == Status.WAITING_FOR_APPROVAL:
            context |= {"on_queue": True, **neighbours(reader, post)._asdict()}
        template, title = "admin/scheduling/scheduledpost/review.html", context["heading"]
        return render_page(request, template, title, status=status, **context)
