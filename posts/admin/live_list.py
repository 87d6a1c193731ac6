"""The list of what is live: a million posts as quick as ten, and no page dearer than the first."""

from datetime import datetime
from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest

from accounts.admin.scoping import roles
from accounts.api.seeking import Past
from posts.admin.people import signed_in
from posts.models import Channel, PublishedPost

BEFORE = "before"
NEWEST_FIRST = ("-published_at", "-pk")
SEARCHED = 20_000  # posts, the newest


class LiveList(ChangeList):
    """A page begins `before` a post, by its time and number: nothing is counted, and nothing is skipped over.

    One query for each of the person's organizations: an index is in order within one of them only.
    """

    before: tuple[datetime, int] | None
    older: str  # the query string of the next page, empty on the last one

    def get_queryset(self, request: HttpRequest, exclude_parameters: list[str | None] | None = None) -> QuerySet[Any]:
        """Take the page's beginning out of the parameters: what is left are filters."""
        given = self.filter_params.pop(BEFORE, [""])[-1]
        self.params.pop(BEFORE, None)
        self.before = _read(given)
        return super().get_queryset(request, exclude_parameters)

    def get_results(self, request: HttpRequest) -> None:
        """Read one page, and whether there is another."""
        rows = self.queryset.order_by(*NEWEST_FIRST)
        if self.before is not None:
            rows = rows.filter(Past(["published_at", "pk"], self.before, "desc"))
        found: list[PublishedPost] = []
        for organization in roles(request):
            found += rows.filter(organization=organization)[: self.list_per_page + 1]
        found.sort(key=lambda post: (post.published_at, post.pk), reverse=True)
        shown = found[: self.list_per_page]
        more = len(found) > len(shown)
        self.older = self.get_query_string({BEFORE: _written(shown[-1])}) if more else ""
        self.result_list, self.result_count, self.full_result_count = shown, len(shown), None
        self.show_full_result_count = self.show_admin_actions = False
        self.can_show_all = self.multi_page = False
        self.paginator = Paginator(shown, self.list_per_page)


class ChannelFilter(admin.SimpleListFilter):
    """Filters a list by one channel of the user's organizations.

    `channel_lookup` is the path from the listed model to the channel's primary key. A value that is not among the
    offered choices filters nothing.
    """

    title, parameter_name = "channel", "channel"
    channel_lookup = "channel_id"

    def lookups(self, request: HttpRequest, _model_admin: Any) -> list[tuple[str, str]]:
        """Offer the channels by name."""
        rows = Channel.objects.filter(organization__memberships__user=signed_in(request)).order_by("name", "wire_id")
        return [(str(one.pk), f"{one.name} ({one.get_type_display()})") for one in rows]

    def queryset(self, _request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Keep the rows of the chosen channel."""
        known = {value for value, _ in self.lookup_choices}
        if self.value() not in known:
            return queryset
        return queryset.filter(**{self.channel_lookup: int(self.value() or 0)})


def searchable(rows: QuerySet[PublishedPost]) -> QuerySet[PublishedPost]:
    """Keep the newest posts: looking through a million texts would hold up everybody else."""
    edge = rows.order_by(*NEWEST_FIRST).values_list("published_at", flat=True)[SEARCHED : SEARCHED + 1]
    oldest = next(iter(edge), None)
    return rows if oldest is None else rows.filter(published_at__gt=oldest)


def _written(post: PublishedPost) -> str:
    return f"{post.published_at.isoformat()}~{post.pk}"


def _read(given: str) -> tuple[datetime, int] | None:
    """Return the place, None for what names none: then the list begins with the newest."""
    stamp, _, number = given.partition("~")
    try:
        at = datetime.fromisoformat(stamp)
    except ValueError:
        return None
    return (at, int(number)) if at.tzinfo and number.isdecimal() and number.isascii() and len(number) < 19 else None
