"""Scheduled posts in the admin: list, review queue, form, review page and its action buttons."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.views import redirect_to_login
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect

from accounts import formatting
from accounts.admin.base import BaseAdmin, current_user, membership_for, memberships, roles_by_organization
from accounts.exceptions import DomainError, Forbidden
from accounts.models import Role
from scheduling.admin import actions, calendar
from scheduling.admin.actions import ACTIONS, Action
from scheduling.admin.filters import (
    AuthorFilter,
    ChecksFilter,
    DeliveryChannelFilter,
    OrganizationFilter,
    StatusFilter,
)
from scheduling.admin.forms import PostForm
from scheduling.admin.permissions import PostPermissions, load_permission_context, permissions_for
from scheduling.admin.results import ChannelResult, channel_results
from scheduling.admin.review_context import Summary, review_context, summary
from scheduling.admin.review_queue import LATEST, SOONEST, neighbours, next_for_review
from scheduling.domain import saved_views, search
from scheduling.domain.content import approved_content, canonical_sha256
from scheduling.domain.preflight.checks import run_checks
from scheduling.domain.review import StaleApproval
from scheduling.lifecycle import StateConflict, Status
from scheduling.models import DeliveryState, ScheduledPost

UPCOMING = {Status.DRAFT, Status.WAITING_FOR_APPROVAL, Status.SCHEDULED, Status.PUBLISHING}
RELATED = (
    "organization",
    "created_by_user",
    "created_by_key",
    "last_edited_by_user",
    "last_edited_by_key",
    "content_edited_by_key",
)


@dataclass(frozen=True)
class PostRow:
    """A post in the list. `digest` covers the content that the row shows and is submitted with a bulk approval."""

    post: ScheduledPost
    digest: str = ""
    checks: Summary | None = None
    permissions: PostPermissions | None = None
    results: list[ChannelResult] = field(default_factory=list)

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
            digest=displayed_digest(post),
            checks=summary(checks[post.pk]),
            permissions=permissions_for(user, own.get(post.organization_id), post, context=permission_context),
        )
        if post.pk in checks
        else PostRow(post, results=results.get(post.pk, []))
        for post in posts
    ]


def displayed_digest(post: ScheduledPost) -> str:
    """Return the digest of the content that the row shows, computed from the loaded rows without reading again."""
    return canonical_sha256(
        approved_content(
            post, [delivery for delivery in post.deliveries.all() if delivery.state != DeliveryState.PUBLISHED]
        )
    )


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
        """Add the review page, the calendar, and one URL per action of a post and of the list."""
        review = path(
            "<uuid:post_id>/review/", self.admin_site.admin_view(self.review_view), name=f"{self.label}_review"
        )
        list_actions: list[tuple[str, str, Callable[..., HttpResponse]]] = [
            ("approve/", "several", self.bulk_approve_view),
            ("views/keep/", "keep", self.save_view_view),
            ("views/<int:view_id>/forget/", "forget", self.delete_view_view),
        ]
        list_urls = [
            path(route, csrf_protect(never_cache(self._post_only(view))), name=f"{self.label}_{name}")
            for route, name, view in list_actions
        ]
        post_urls = self.action_urls("<uuid:post_id>", ACTIONS, self.action_view)
        return [review, *calendar.urls(self), *list_urls, *post_urls, *super().get_urls()]

    def get_queryset(self, request: HttpRequest) -> QuerySet[ScheduledPost]:
        """Return the posts of the user's organizations, prefetched for a constant number of queries."""
        return ScheduledPost.objects.filter(organization__in=list(roles_by_organization(request))).for_wire()

    def get_ordering(self, request: HttpRequest) -> tuple[Any, ...]:
        """Upcoming posts are listed soonest first, all others latest first."""
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
        """Show the list or, filtered by the waiting status, the review queue."""
        status = request.GET.get("status")
        context = {
            "title": "To approve" if status == Status.WAITING_FOR_APPROVAL else "Posts",
            "status": status,
            "here": saved_views.filters(request.META.get("QUERY_STRING", "")),
            "many_organizations": len(roles_by_organization(request)) > 1,
            "saved_views": saved_views.saved_views(current_user(request)),
        }
        response = super().changelist_view(request, {**context, **(extra_context or {})})
        if isinstance(response, TemplateResponse) and response.context_data and "cl" in response.context_data:
            result = response.context_data["cl"].result_list
            posts = list(result.select_related(*RELATED) if isinstance(result, QuerySet) else result)
            rows = list_rows(request, posts)
            queued = status == Status.WAITING_FOR_APPROVAL
            response.context_data |= {"rows": rows, "pickable": queued and any(row.pickable for row in rows)}
        return response

    def bulk_approve_view(self, request: HttpRequest) -> HttpResponse:
        """Approve the selected posts, each as the page showed it, and list the result of each."""
        selected = actions.selected_posts(request)
        if not selected:
            messages.warning(request, "Select a post first.")
            return HttpResponseRedirect(f"{self.url('changelist')}?status={Status.WAITING_FOR_APPROVAL}")
        posts = self.get_queryset(request).select_related(*RELATED).filter(pk__in=list(selected)).order_by(*SOONEST)
        results = actions.bulk_approve(request, posts, selected)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": "Bulk approval",
            "status": Status.WAITING_FOR_APPROVAL,
            "approved": [result for result in results if result.approved],
            "refused": [result for result in results if not result.approved],
            "deleted": len(selected) - len(results),
            "queue_url": f"{self.url('changelist')}?status={Status.WAITING_FOR_APPROVAL}",
        }
        return TemplateResponse(request, "admin/scheduling/scheduledpost/bulk_approve.html", context)

    def save_view_view(self, request: HttpRequest) -> HttpResponse:
        """Save the filters of the list under a name."""
        query = saved_views.filters(request.POST.get("query", ""))
        try:
            view = saved_views.save_view(current_user(request), request.POST.get("name", ""), query)
        except DomainError as error:
            messages.error(request, error.message)
        else:
            messages.success(request, f"Filter saved as “{view.name}”.")
        return HttpResponseRedirect(f"{self.url('changelist')}?{query}")

    def delete_view_view(self, request: HttpRequest, view_id: int) -> HttpResponse:
        """Delete one of the user's saved filters."""
        saved_views.delete_view(current_user(request), view_id)
        return HttpResponseRedirect(f"{self.url('changelist')}?{saved_views.filters(request.POST.get('query', ''))}")

    def get_post_or_404(self, request: HttpRequest, post_id: Any) -> ScheduledPost:
        """Return the post loaded for the review page. Raises Http404 for users outside its organization."""
        post = self.get_queryset(request).select_related(*RELATED, "approval__reviewer").filter(pk=post_id).first()
        if not isinstance(post, ScheduledPost):
            raise Http404
        return post

    def review_view(self, request: HttpRequest, post_id: Any) -> HttpResponse:
        """Show a preview of the post on each channel and the actions available to this user."""
        if request.method not in {"GET", "HEAD"}:
            return HttpResponseNotAllowed(["GET", "HEAD"])
        return self._render_review(request, self.get_post_or_404(request, post_id))

    def action_view(self, request: HttpRequest, post_id: Any, name: str) -> HttpResponse:
        """Run an action; on a DomainError show the page again with the reason and the submitted values."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if not self.admin_site.has_permission(request):
            return redirect_to_login(self.url("review", post_id), self.admin_site.name + ":login")
        post, action = self.get_post_or_404(request, post_id), ACTIONS[name]
        try:
            message = action.run(request, post)
        except DomainError as error:
            return self._render_error(request, post_id, name, error)
        messages.success(request, message)
        return HttpResponseRedirect(self._next_url(request, post, name, action))

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Take the scheduled time from the query string: the days of the calendar link to this form."""
        return {"scheduled_for": request.GET.get("scheduled_for", "")[:40]}

    def success_url(self, row: Any) -> str:
        """Return the review page, which previews the saved draft."""
        return self.url("review", row.pk)

    def _next_url(self, request: HttpRequest, post: ScheduledPost, name: str, action: Action) -> str:
        queue = f"{self.url('changelist')}?status={Status.WAITING_FOR_APPROVAL}"
        if action.advances:
            following = next_for_review(current_user(request), post)
            return self.url("review", following.pk) if following else queue
        return self.url("changelist") if name == "delete" else self.url("review", post.pk)

    def _render_error(self, request: HttpRequest, post_id: Any, name: str, error: DomainError) -> HttpResponse:
        if isinstance(error, StateConflict) and error.status is None:
            messages.error(request, "This post has been deleted in the meantime.")
            return HttpResponseRedirect(self.url("changelist"))
        post = self.get_post_or_404(request, post_id)
        problem = actions.edit_conflict_message(post) if isinstance(error, StateConflict) else error.message
        stale = error if isinstance(error, StaleApproval) else None
        submitted = {} if stale else {"when": request.POST.get("when"), "notes": request.POST.get("notes")}
        extra: dict[str, Any] = {"problem": problem, "failed_action": name}
        extra |= {key: text for key, text in submitted.items() if text}
        if name == "live":
            extra |= {
                "submitted_id": request.POST.get("post_id", ""),
                "submitted_delivery": request.POST.get("delivery", ""),
            }
        extra["problems"] = actions.other_messages(error, problem)
        status = 403 if isinstance(error, Forbidden) else 200
        return self._render_review(request, post, stale=stale, status=status, **extra)

    def _render_review(
        self,
        request: HttpRequest,
        post: ScheduledPost,
        *,
        stale: StaleApproval | None = None,
        status: int = 200,
        **extra: Any,
    ) -> HttpResponse:
        reader = current_user(request)
        review = review_context(
            post, reader=reader, membership=membership_for(request, post.organization_id), stale=stale
        )
        context = {**self.admin_site.each_context(request), "opts": self.opts, **review, **extra}
        context |= {"title": review["heading"], "stale": stale, "list_url": self.url("changelist")}
        if post.status == Status.WAITING_FOR_APPROVAL:
            context |= neighbours(reader, post)._asdict()
        return TemplateResponse(request, "admin/scheduling/scheduledpost/review.html", context, status=status)

    def _post_only(self, view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
        """Wrap the view: 405 for other methods, the login page without a session."""

        def wrapper(request: HttpRequest, **kwargs: Any) -> HttpResponse:
            if request.method != "POST":
                return HttpResponseNotAllowed(["POST"])
            if not self.admin_site.has_permission(request):
                return redirect_to_login(self.url("changelist"), f"{self.admin_site.name}:login")
            return view(request, **kwargs)

        return wrapper
