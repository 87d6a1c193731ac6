"""The list of scheduled posts and its queue: narrowed down, searched, kept under a name, approved several at once."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect

from accounts.admin.scoping import roles
from accounts.errors import Refusal
from posts.admin.desk import DeskAdmin
from posts.admin.people import signed_in
from scheduling.admin import several
from scheduling.admin.listing import (
    AuthorFilter,
    ChecksFilter,
    DeliveryChannelFilter,
    OrganizationFilter,
    StatusFilter,
)
from scheduling.admin.queue import LATEST, SOONEST
from scheduling.admin.rows import rows
from scheduling.domain import finding, views
from scheduling.lifecycle import Status
from scheduling.models import ScheduledPost

COMING = {Status.DRAFT, Status.WAITING_FOR_APPROVAL, Status.SCHEDULED, Status.PUBLISHING}
ALL = ("organization", "created_by_user", "created_by_key", "edited_by_user", "edited_by_key", "worded_by_key")


class QueueAdmin(DeskAdmin):
    """Lists cost the same however many posts there are. Buttons here are for several posts, or for the list itself."""

    list_filter = (StatusFilter, DeliveryChannelFilter, AuthorFilter, ChecksFilter, OrganizationFilter)
    search_fields = ("deliveries__caption",)
    search_help_text = "Search in captions"

    def get_urls(self) -> list[URLPattern]:
        """Add what the list's own buttons are sent to."""
        buttons: list[tuple[str, str, Callable[..., HttpResponse]]] = [
            ("approve/", "several", self.several_view),
            ("views/keep/", "keep", self.keep_view),
            ("views/<int:view_id>/forget/", "forget", self.forget_view),
        ]
        own = [
            path(route, csrf_protect(never_cache(self._pressed(view))), name=f"{self.label}_{name}")
            for route, name, view in buttons
        ]
        return [*own, *super().get_urls()]

    def get_queryset(self, request: HttpRequest) -> QuerySet[ScheduledPost]:
        """Load what a row of the list shows, in a constant number of queries."""
        return ScheduledPost.objects.filter(organization__in=list(roles(request))).for_wire()

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
        return finding.with_words(queryset, search_term), False

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Show the list, under the name of what it is narrowed down to."""
        status = request.GET.get("status")
        here = views.filters(request.META.get("QUERY_STRING", ""))
        context = {
            "title": "To approve" if status == Status.WAITING_FOR_APPROVAL else "Posts",
            "status": status,
            "here": here,
            "many_organizations": len(roles(request)) > 1,
            "kept": views.kept(signed_in(request)),
        }
        response = super().changelist_view(request, {**context, **(extra_context or {})})
        if isinstance(response, TemplateResponse) and response.context_data and "cl" in response.context_data:
            found = response.context_data["cl"].result_list
            posts = list(found.select_related(*ALL) if isinstance(found, QuerySet) else found)
            shown = rows(request, posts)
            queued = status == Status.WAITING_FOR_APPROVAL
            response.context_data |= {"rows": shown, "pickable": queued and any(one.pickable for one in shown)}
        return response

    def several_view(self, request: HttpRequest) -> HttpResponse:
        """Approve the chosen posts, each as the page showed it, and say of each what came of it."""
        chosen = several.chosen(request)
        posts = self.get_queryset(request).select_related(*ALL).filter(pk__in=list(chosen)).order_by(*SOONEST)
        answers = several.approve(request, posts, chosen)
        if not chosen:
            messages.warning(request, "Choose the posts first.")
            return HttpResponseRedirect(f"{self.address('changelist')}?status={Status.WAITING_FOR_APPROVAL}")
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": "Approved at once",
            "status": Status.WAITING_FOR_APPROVAL,
            "approved": [one for one in answers if one.approved],
            "refused": [one for one in answers if not one.approved],
            "gone": len(chosen) - len(answers),
            "queue_url": f"{self.address('changelist')}?status={Status.WAITING_FOR_APPROVAL}",
        }
        return TemplateResponse(request, "admin/scheduling/scheduledpost/several.html", context)

    def keep_view(self, request: HttpRequest) -> HttpResponse:
        """Keep the list as it is narrowed down now, under a name."""
        query = views.filters(request.POST.get("query", ""))
        try:
            view = views.keep(signed_in(request), request.POST.get("name", ""), query)
        except Refusal as refusal:
            messages.error(request, refusal.message)
        else:
            messages.success(request, f"Kept as “{view.name}”.")
        return HttpResponseRedirect(f"{self.address('changelist')}?{query}")

    def forget_view(self, request: HttpRequest, view_id: int) -> HttpResponse:
        """Delete one of the person's views."""
        views.forget(signed_in(request), view_id)
        return HttpResponseRedirect(f"{self.address('changelist')}?{views.filters(request.POST.get('query', ''))}")

    def _pressed(self, view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
        """Let a signed-in person's POST through, and nothing else."""

        def answer(request: HttpRequest, **given: Any) -> HttpResponse:
            if request.method != "POST":
                return HttpResponseNotAllowed(["POST"])
            if not self.admin_site.has_permission(request):
                return redirect_to_login(self.address("changelist"), f"{self.admin_site.name}:login")
            return view(request, **given)

        return answer
