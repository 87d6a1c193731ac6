"""Published posts on the desk: read-only, there is nothing to press."""

from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import URLPattern, path

from accounts.admin.scoping import roles
from posts.admin import figures
from posts.admin.desk import DeskAdmin
from posts.admin.live_list import NEWEST_FIRST, ChannelFilter, LiveList, searchable
from posts.attachment import attached
from posts.domain import comments
from posts.domain.insights import insights
from posts.graph.errors import GraphError, user_message
from posts.models import PublishedPost

FIRST = 20  # comments
SECONDS = 10.0  # for the insights, of which a person waits


@admin.register(PublishedPost)
class PublishedPostAdmin(DeskAdmin):
    """What is live, newest first, as the platform says. Insights and comments are read when they are looked at."""

    edit_role = None
    ordering = NEWEST_FIRST
    list_select_related = ("organization", "channel")
    search_fields = ("caption", "=platform_id")
    search_help_text = "Search the newest 20,000 posts"
    list_filter = (ChannelFilter, "type")

    def get_urls(self) -> list[URLPattern]:
        """The list, the page, and the parts of it that come from the platform."""
        views = {"": self.page_view, "insights/": self.insights_view, "comments/": self.comments_view}
        views["comments.csv"] = self.export_view  # type: ignore[assignment]  # streamed
        names = {"": "page", "insights/": "insights", "comments/": "comments", "comments.csv": "export"}
        wrap = self.admin_site.admin_view
        return [
            path("", wrap(self.changelist_view), name=f"{self.label}_changelist"),
            *(
                path(f"<int:post_id>/{end}", wrap(view), name=f"{self.label}_{names[end]}")
                for end, view in views.items()
            ),
        ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Leave out what is gone from the platform."""
        return super().get_queryset(request).filter(deleted_at=None)

    def get_changelist(self, request: HttpRequest, **_: Any) -> type[ChangeList]:  # noqa: ARG002  Django's signature
        """Page without counting."""
        return LiveList

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Search the newest."""
        rows = searchable(queryset) if search_term.strip() else queryset
        return super().get_search_results(request, rows, search_term)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Show the list; the organization only to who has several."""
        several = len(roles(request)) > 1
        return super().changelist_view(request, {"several": several, **(extra_context or {})})

    def page_view(self, request: HttpRequest, post_id: int) -> HttpResponse:
        """Show one post with its numbers."""
        return self._page(request, self.row(request, str(post_id)))

    def insights_view(self, request: HttpRequest, post_id: int) -> HttpResponse:
        """Show what the platform says of it now, metric by metric."""
        post = self.row(request, str(post_id))
        found: dict[str, Any] = {}
        problem = ""
        try:
            read = insights(post.channel, post.platform_id, post.type, media_type=post.media_type, seconds=SECONDS)
            charts, others = figures.of_insights(read.items)
            found = {"charts": charts, "others": others, "unavailable": read.unavailable, "at": read.fetched_at}
        except GraphError as error:
            problem = user_message(error)
        return self._part(request, post, "insights", problem, found)

    def comments_view(self, request: HttpRequest, post_id: int) -> HttpResponse:
        """Show the first comments."""
        post = self.row(request, str(post_id))
        page, problem = None, ""
        try:
            page = comments.page(post.channel, post.platform_id, limit=FIRST)
        except GraphError as error:
            problem = user_message(error)
        return self._part(request, post, "comments", problem, {"page": page})

    def export_view(self, request: HttpRequest, post_id: int) -> HttpResponseBase:
        """Send all comments as CSV; what fails before the first of them is said on the page."""
        post = self.row(request, str(post_id))
        try:
            return attached(post, request.META)
        except GraphError as error:
            return self._page(request, post, problem=user_message(error))

    def _page(self, request: HttpRequest, post: PublishedPost, problem: str = "") -> HttpResponse:
        numbers = [("Likes", post.likes), ("Comments", post.comments), ("Shares", post.shares)]
        context = {"numbers": numbers, "reactions": figures.of_reactions(post), "problem": problem}
        return self._answer(request, post, "page", context, 502 if problem else 200)

    def _part(
        self, request: HttpRequest, post: PublishedPost, name: str, problem: str, context: dict[str, Any]
    ) -> HttpResponse:
        """Answer with a part alone, for the page to show, or as a page of its own."""
        base = "desk/bare.html" if "part" in request.GET else "admin/base_site.html"
        return self._answer(request, post, name, {**context, "problem": problem, "base": base}, 502 if problem else 200)

    def _answer(
        self, request: HttpRequest, post: PublishedPost, name: str, context: dict[str, Any], status: int
    ) -> HttpResponse:
        given = {**self.admin_site.each_context(request), "opts": self.opts, "post": post, "title": "Live post"}
        given |= {"list_url": self.address("changelist"), "page_url": self.address("page", post.pk)}
        return TemplateResponse(request, f"admin/posts/publishedpost/{name}.html", given | context, status=status)
