"""Published posts in the admin: a read-only list with keyset pagination, a page per post, insights and comments."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import URLPattern, path

from accounts.admin.base import BaseAdmin, current_user, render_page, roles_by_organization
from accounts.api.pagination import row_after
from posts.domain import comments
from posts.domain.comment_export import csv_response
from posts.domain.published_posts import read_insights
from posts.graph.errors import GraphError, user_message
from posts.graph.insights import Metric
from posts.models import Channel, PublishedPost

BEFORE = "before"
NEWEST_FIRST = ("-published_at", "-pk")
MAX_SEARCHED = 20_000  # posts


class KeysetChangeList(ChangeList):
    """Pages start `before` a post, by its time and primary key, so no rows are counted or skipped.

    One query for each of the user's organizations, because an index has the order of the list within one only.
    """

    before: tuple[datetime, int] | None
    older: str  # the query string of the next page, empty on the last one

    def get_queryset(self, request: HttpRequest, exclude_parameters: list[str | None] | None = None) -> QuerySet[Any]:
        """Remove the page's start from the parameters: Django takes the others for filters."""
        self.before = _parse_position(self.filter_params.pop(BEFORE, [""])[-1])
        self.params.pop(BEFORE, None)
        return super().get_queryset(request, exclude_parameters)

    def get_results(self, request: HttpRequest) -> None:
        rows = self.queryset.order_by(*NEWEST_FIRST)
        if self.before is not None:
            rows = rows.filter(row_after(NEWEST_FIRST, self.before))
        posts: list[PublishedPost] = []
        for organization in roles_by_organization(request):
            posts += rows.filter(organization=organization)[: self.list_per_page + 1]
        posts.sort(key=lambda post: (post.published_at, post.pk), reverse=True)
        page = posts[: self.list_per_page]
        self.older = ""
        if len(posts) > len(page):
            self.older = self.get_query_string({BEFORE: f"{page[-1].published_at.isoformat()}~{page[-1].pk}"})
        self.result_list, self.result_count, self.full_result_count = page, len(page), None
        self.show_full_result_count = self.show_admin_actions = False
        self.can_show_all = self.multi_page = False
        self.paginator = Paginator(page, self.list_per_page)


class ChannelFilter(admin.SimpleListFilter):
    """Filters by a channel of the user's organizations. Another value filters nothing."""

    title, parameter_name = "channel", "channel"
    channel_lookup = "channel_id"  # from the listed model

    def lookups(self, request: HttpRequest, _model_admin: Any) -> list[tuple[str, str]]:
        rows = Channel.objects.filter(organization__memberships__user=current_user(request)).order_by(
            "name", "public_id"
        )
        return [(str(row.pk), f"{row.name} ({row.get_type_display()})") for row in rows]

    def queryset(self, _request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        known = {value for value, _ in self.lookup_choices}
        if self.value() not in known:
            return queryset
        return queryset.filter(**{self.channel_lookup: int(self.value() or 0)})


def _parse_position(text: str) -> tuple[datetime, int] | None:
    """Return (time, primary key), None for a malformed position: the list then starts with the newest post."""
    stamp, _, number = text.partition("~")
    try:
        at = datetime.fromisoformat(stamp)
    except ValueError:
        return None
    return (at, int(number)) if at.tzinfo and number.isdecimal() and number.isascii() and len(number) < 19 else None


# Metrics that share one scale in a chart, by the platforms' names (graph-api, section 6). Times are milliseconds.
VIEWS = {
    "post_media_view", "post_total_media_view_unique", "post_video_views", "views", "reach", "total_views",
    "facebook_views", "crossposted_views",
}  # fmt: skip
TIMES = {"post_video_avg_time_watched", "ig_reels_avg_watch_time", "ig_reels_video_view_total_time"}


@dataclass(frozen=True)
class Row:
    """`text` is the formatted value."""

    name: str
    value: float
    text: str


@dataclass
class Chart:
    title: str
    rows: list[Row] = field(default_factory=list)


def reaction_chart(post: PublishedPost) -> Chart | None:
    """Return the post's reactions, the most frequent first; None without any."""
    counts = post.reactions if isinstance(post.reactions, dict) else {}
    rows = [_count_row(str(name).capitalize(), number) for name, number in counts.items() if _is_number(number)]
    return Chart("Reactions", sorted(rows, key=lambda row: -row.value)) if rows else None


def insight_charts(metrics: Iterable[Metric]) -> tuple[list[Chart], list[tuple[str, str]]]:
    """Return the charts, and the metrics that are not numbers as (name, text)."""
    reach, engagement, time = Chart("Reach"), Chart("Engagement"), Chart("Time watched")
    by_kind, others = [], []
    for metric in metrics:
        name = _name(metric)
        if isinstance(metric.value, dict) and metric.value and all(map(_is_number, metric.value.values())):
            by_kind.append(Chart(name, [_count_row(str(kind).capitalize(), n) for kind, n in metric.value.items()]))
        elif not _is_number(metric.value):
            others.append((name, "nothing yet" if metric.value == {} else str(metric.value)[:200]))
        elif metric.name in TIMES:
            time.rows.append(_time_row(name, metric.value))
        elif metric.name in VIEWS:
            reach.rows.append(_count_row(name, metric.value))
        else:
            engagement.rows.append(_count_row(name, metric.value))
    return [chart for chart in (reach, engagement, time, *by_kind) if chart.rows], others


def _name(metric: Metric) -> str:
    """Return the platform's title without "Lifetime", which all of a post's metrics have, else the metric's name."""
    return (metric.title or metric.name.replace("_", " ").capitalize()).removeprefix("Lifetime ")


def _count_row(name: str, number: float) -> Row:
    return Row(name, number, f"{number:,}" if isinstance(number, int) else f"{number:,.2f}")


def _time_row(name: str, milliseconds: float) -> Row:
    seconds = milliseconds / 1000
    if seconds < 120:
        text = f"{seconds:,.1f} s"
    elif seconds < 7200:
        text = f"{seconds / 60:,.0f} min"
    else:
        text = f"{seconds / 3600:,.0f} h"
    return Row(name, milliseconds, text)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


COMMENTS_SHOWN = 20
INSIGHTS_SECONDS = 10.0


@admin.register(PublishedPost)
class PublishedPostAdmin(BaseAdmin):
    """Published posts, newest first. Insights and comments are read from the platform when they are opened."""

    edit_role = None
    ordering = NEWEST_FIRST
    list_select_related = ("organization", "channel")
    search_fields = ("caption", "=platform_id")
    search_help_text = "Search the newest 20,000 posts"
    list_filter = (ChannelFilter, "type")

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("", wrap(self.changelist_view), name=f"{self.label}_changelist"),
            path("<int:post_id>/", wrap(self.page_view), name=f"{self.label}_page"),
            path("<int:post_id>/insights/", wrap(self.insights_view), name=f"{self.label}_insights"),
            path("<int:post_id>/comments/", wrap(self.comments_view), name=f"{self.label}_comments"),
            path("<int:post_id>/comments.csv", wrap(self.export_view), name=f"{self.label}_export"),
        ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).filter(deleted_at=None)

    def get_changelist(self, request: HttpRequest, **_: Any) -> type[ChangeList]:  # noqa: ARG002  Django's signature
        return KeysetChangeList

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Search the newest MAX_SEARCHED posts: a search through a million texts would block a thread for too long."""
        if search_term.strip():
            times = queryset.order_by(*NEWEST_FIRST).values_list("published_at", flat=True)
            if oldest := next(iter(times[MAX_SEARCHED : MAX_SEARCHED + 1]), None):
                queryset = queryset.filter(published_at__gt=oldest)
        return super().get_search_results(request, queryset, search_term)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Show the organization of each post only to members of several."""
        several = len(roles_by_organization(request)) > 1
        return super().changelist_view(request, {"several": several, **(extra_context or {})})

    def page_view(self, request: HttpRequest, post_id: int) -> HttpResponse:
        return self._page(request, self.get_object_or_404(request, str(post_id)))

    def insights_view(self, request: HttpRequest, post_id: int) -> HttpResponse:
        post = self.get_object_or_404(request, str(post_id))
        try:
            read = read_insights(post, seconds=INSIGHTS_SECONDS)
        except GraphError as error:
            return self._part(request, post, "insights", problem=user_message(error))
        metric_charts, others = insight_charts(read.metrics)
        context = {"charts": metric_charts, "others": others, "unavailable": read.unavailable, "at": read.fetched_at}
        return self._part(request, post, "insights", **context)

    def comments_view(self, request: HttpRequest, post_id: int) -> HttpResponse:
        post = self.get_object_or_404(request, str(post_id))
        try:
            page = comments.read_page(post.channel, post.platform_id, limit=COMMENTS_SHOWN)
        except GraphError as error:
            return self._part(request, post, "comments", problem=user_message(error))
        return self._part(request, post, "comments", page=page)

    def export_view(self, request: HttpRequest, post_id: int) -> HttpResponseBase:
        """Return all comments as CSV. An error before the first comment is shown on the post's page."""
        post = self.get_object_or_404(request, str(post_id))
        try:
            return csv_response(post, request.META)
        except GraphError as error:
            return self._page(request, post, problem=user_message(error))

    def _page(self, request: HttpRequest, post: PublishedPost, problem: str = "") -> HttpResponse:
        numbers = [("Likes", post.likes), ("Comments", post.comments), ("Shares", post.shares)]
        reactions = reaction_chart(post)
        return self._render(request, post, "page", numbers=numbers, reactions=reactions, problem=problem)

    def _part(self, request: HttpRequest, post: PublishedPost, name: str, **context: Any) -> HttpResponse:
        """Return a part of the page: with `?part` its HTML alone, otherwise as a page of its own."""
        base = "dynamo/bare.html" if "part" in request.GET else "admin/base_site.html"
        return self._render(request, post, name, base=base, **context)

    def _render(self, request: HttpRequest, post: PublishedPost, name: str, **context: Any) -> HttpResponse:
        """Return 502 with a `problem`, otherwise 200."""
        context |= {"opts": self.opts, "post": post}
        context |= {"list_url": self.url("changelist"), "page_url": self.url("page", post.pk)}
        status = 502 if context.get("problem") else 200
        template = f"admin/posts/publishedpost/{name}.html"
        return render_page(request, template, "Published post", status=status, **context)
