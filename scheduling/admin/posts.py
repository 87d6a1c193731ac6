"""Scheduled posts in the admin: the list and the review queue, the form, the review page and its buttons."""

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
from scheduling.admin import bulk_approve, calendar
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

COMING = {Status.DRAFT, Status.WAITING_FOR_APPROVAL, Status.SCHEDULED, Status.PUBLISHING}
ALL = (
    "organization",
    "created_by_user",
    "created_by_key",
    "last_edited_by_user",
    "last_edited_by_key",
    "content_edited_by_key",
)


@dataclass(frozen=True)
class PostRow:
    """A post in the list. `digest` is that of what the row shows, for the approval; `fates` is what became of it."""

    post: ScheduledPost
    digest: str = ""
    checks: Summary | None = None
    rights: PostPermissions | None = None
    fates: list[ChannelResult] = field(default_factory=list)

    @property
    def pickable(self) -> bool:
        """Whether it may be approved from the list: one whose instant has passed needs a new one first."""
        return bool(self.rights and self.rights.approve and not (self.checks and self.checks.stops))


def list_rows(request: HttpRequest, posts: Sequence[ScheduledPost]) -> list[PostRow]:
    """Return the rows for these posts, which are loaded by `for_wire` and with what `rights` needs."""
    waiting = [post for post in posts if post.status == Status.WAITING_FOR_APPROVAL]
    user = current_user(request)
    own = {membership.organization_id: membership for membership in memberships(request)} if waiting else {}
    learnt = load_permission_context(user, waiting)
    checks, over = run_checks(waiting, formatting.user_timezone(user)), channel_results(posts)
    return [
        PostRow(
            post,
            digest=displayed_digest(post),
            checks=summary(checks[post.pk]),
            rights=permissions_for(user, own.get(post.organization_id), post, learnt=learnt),
        )
        if post.pk in checks
        else PostRow(post, fates=over.get(post.pk, []))
        for post in posts
    ]


def displayed_digest(post: ScheduledPost) -> str:
    """Return the digest of what the row shows, from the very rows that were loaded for it."""
    return canonical_sha256(
        approved_content(
            post, [delivery for delivery in post.deliveries.all() if delivery.state != DeliveryState.PUBLISHED]
        )
    )


@admin.register(ScheduledPost)
class ScheduledPostAdmin(BaseAdmin):
    """People look, write and decide here. No GET changes a row; the state has no field anywhere."""

    edit_role = Role.EDITOR
    form_class = PostForm
    form_template = "admin/scheduling/scheduledpost/change_form.html"
    add_title = "New post"
    list_filter = (StatusFilter, DeliveryChannelFilter, AuthorFilter, ChecksFilter, OrganizationFilter)
    search_fields = ("deliveries__caption",)
    search_help_text = "Search in captions"

    def get_urls(self) -> list[URLPattern]:
        """Add the review page, the calendar, and one URL per button of a post and of the list."""
        review = path(
            "<uuid:post_id>/review/", self.admin_site.admin_view(self.review_view), name=f"{self.label}_review"
        )
        list_buttons: list[tuple[str, str, Callable[..., HttpResponse]]] = [
            ("approve/", "several", self.bulk_approve_view),
            ("views/keep/", "keep", self.save_view_view),
            ("views/<int:view_id>/forget/", "forget", self.delete_view_view),
        ]
        own = [
            path(route, csrf_protect(never_cache(self._post_only(view))), name=f"{self.label}_{name}")
            for route, name, view in list_buttons
        ]
        buttons = self.action_urls("<uuid:post_id>", ACTIONS, self.action_view)
        return [review, *calendar.urls(self), *own, *buttons, *super().get_urls()]

    def get_queryset(self, request: HttpRequest) -> QuerySet[ScheduledPost]:
        """Load what a row of the list shows, in a constant number of queries."""
        return ScheduledPost.objects.filter(organization__in=list(roles_by_organization(request))).for_wire()

    def get_ordering(self, request: HttpRequest) -> tuple[Any, ...]:
        """What is still to come soonest first, anything else latest first."""
        return SOONEST if request.GET.get("status") in COMING else LATEST

    def get_search_results(
        self,
        request: HttpRequest,  # noqa: ARG002  Django's signature
        queryset: QuerySet[Any],
        search_term: str,
    ) -> tuple[QuerySet[Any], bool]:
        """Search the captions; no row comes twice."""
        return search.search_captions(queryset, search_term), False

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Show the list, under the name of what it is narrowed down to."""
        status = request.GET.get("status")
        here = saved_views.filters(request.META.get("QUERY_STRING", ""))
        context = {
            "title": "To approve" if status == Status.WAITING_FOR_APPROVAL else "Posts",
            "status": status,
            "here": here,
            "many_organizations": len(roles_by_organization(request)) > 1,
            "kept": saved_views.saved_views(current_user(request)),
        }
        response = super().changelist_view(request, {**context, **(extra_context or {})})
        if isinstance(response, TemplateResponse) and response.context_data and "cl" in response.context_data:
            found = response.context_data["cl"].result_list
            posts = list(found.select_related(*ALL) if isinstance(found, QuerySet) else found)
            rows = list_rows(request, posts)
            queued = status == Status.WAITING_FOR_APPROVAL
            response.context_data |= {"rows": rows, "pickable": queued and any(row.pickable for row in rows)}
        return response

    def bulk_approve_view(self, request: HttpRequest) -> HttpResponse:
        """Approve the chosen posts, each as the page showed it, and say of each what came of it."""
        chosen = bulk_approve.selected_posts(request)
        posts = self.get_queryset(request).select_related(*ALL).filter(pk__in=list(chosen)).order_by(*SOONEST)
        answers = bulk_approve.approve(request, posts, chosen)
        if not chosen:
            messages.warning(request, "Choose the posts first.")
            return HttpResponseRedirect(f"{self.url('changelist')}?status={Status.WAITING_FOR_APPROVAL}")
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": "Approved at once",
            "status": Status.WAITING_FOR_APPROVAL,
            "approved": [answer for answer in answers if answer.approved],
            "refused": [answer for answer in answers if not answer.approved],
            "gone": len(chosen) - len(answers),
            "queue_url": f"{self.url('changelist')}?status={Status.WAITING_FOR_APPROVAL}",
        }
        return TemplateResponse(request, "admin/scheduling/scheduledpost/bulk_approve.html", context)

    def save_view_view(self, request: HttpRequest) -> HttpResponse:
        """Keep the list as it is narrowed down now, under a name."""
        query = saved_views.filters(request.POST.get("query", ""))
        try:
            view = saved_views.save_view(current_user(request), request.POST.get("name", ""), query)
        except DomainError as refusal:
            messages.error(request, refusal.message)
        else:
            messages.success(request, f"Kept as “{view.name}”.")
        return HttpResponseRedirect(f"{self.url('changelist')}?{query}")

    def delete_view_view(self, request: HttpRequest, view_id: int) -> HttpResponse:
        """Delete one of the person's views."""
        saved_views.delete_view(current_user(request), view_id)
        return HttpResponseRedirect(f"{self.url('changelist')}?{saved_views.filters(request.POST.get('query', ''))}")

    def get_post_or_404(self, request: HttpRequest, post_id: Any) -> ScheduledPost:
        """Return the post with all that the review page shows, or 404 for whoever has no part in its organization."""
        post = self.get_queryset(request).select_related(*ALL, "approval__reviewer").filter(pk=post_id).first()
        if not isinstance(post, ScheduledPost):
            raise Http404
        return post

    def review_view(self, request: HttpRequest, post_id: Any) -> HttpResponse:
        """Show one post as the public will see it, with the buttons that this person has."""
        if request.method not in {"GET", "HEAD"}:
            return HttpResponseNotAllowed(["GET", "HEAD"])
        return self._page(request, self.get_post_or_404(request, post_id))

    def action_view(self, request: HttpRequest, post_id: Any, name: str) -> HttpResponse:
        """Do what a button says; on refusal show the page again, with the reason, and what was typed."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if not self.admin_site.has_permission(request):
            return redirect_to_login(self.url("review", post_id), self.admin_site.name + ":login")
        post, action = self.get_post_or_404(request, post_id), ACTIONS[name]
        try:
            said = action.run(request, post)
        except DomainError as refusal:
            return self._refused(request, post_id, name, refusal)
        messages.success(request, said)
        return HttpResponseRedirect(self._onward(request, post, name, action))

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Take the instant from the address: the calendar's days lead here."""
        return {"scheduled_for": request.GET.get("scheduled_for", "")[:40]}

    def success_url(self, stored: Any) -> str:
        """Show a stored draft as the public would see it."""
        return self.url("review", stored.pk)

    def _onward(self, request: HttpRequest, post: ScheduledPost, name: str, action: Action) -> str:
        queue = f"{self.url('changelist')}?status={Status.WAITING_FOR_APPROVAL}"
        if action.onward:
            after = next_for_review(current_user(request), post)
            return self.url("review", after.pk) if after else queue
        return self.url("changelist") if name == "delete" else self.url("review", post.pk)

    def _refused(self, request: HttpRequest, post_id: Any, name: str, refusal: DomainError) -> HttpResponse:
        gone = isinstance(refusal, StateConflict) and refusal.status is None
        if gone:
            messages.error(request, "This post has been deleted in the meantime.")
            return HttpResponseRedirect(self.url("changelist"))
        post = self.get_post_or_404(request, post_id)
        problem = refusal.message
        if isinstance(refusal, StateConflict):
            problem = f"That did not happen: this post is “{post.get_status_display()}” by now. Somebody was faster."
        stale = refusal if isinstance(refusal, StaleApproval) else None
        typed = {} if stale else {"when": request.POST.get("when"), "notes": request.POST.get("notes")}
        given: dict[str, Any] = {
            "problem": problem,
            "refused": name,
            **{key: text for key, text in typed.items() if text},
        }
        if name == "live":
            given |= {"typed_id": request.POST.get("post_id", ""), "typed_for": request.POST.get("delivery", "")}
        details = refusal.details if isinstance(refusal.details, list) else []
        given["problems"] = [detail["message"] for detail in details if detail["message"] != problem]
        status = 403 if isinstance(refusal, Forbidden) else 200
        return self._page(request, post, stale=stale, status=status, **given)

    def _page(
        self,
        request: HttpRequest,
        post: ScheduledPost,
        *,
        stale: StaleApproval | None = None,
        status: int = 200,
        **given: Any,
    ) -> HttpResponse:
        reader = current_user(request)
        shown = review_context(
            post, reader=reader, membership=membership_for(request, post.organization_id), stale=stale
        )
        waits = post.status == Status.WAITING_FOR_APPROVAL
        context = {**self.admin_site.each_context(request), "opts": self.opts, **shown, **given}
        context |= {"title": shown["heading"], "stale": stale, "list_url": self.url("changelist")}
        beside = neighbours(reader, post) if waits else None
        context |= {"upcoming": beside and beside.next, "earlier": beside and beside.previous}
        return TemplateResponse(request, "admin/scheduling/scheduledpost/review.html", context, status=status)

    def _post_only(self, view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
        """Let a signed-in person's POST through, and nothing else."""

        def answer(request: HttpRequest, **given: Any) -> HttpResponse:
            if request.method != "POST":
                return HttpResponseNotAllowed(["POST"])
            if not self.admin_site.has_permission(request):
                return redirect_to_login(self.url("changelist"), f"{self.admin_site.name}:login")
            return view(request, **given)

        return answer
