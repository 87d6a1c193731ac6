"""What the calendar shows of the posts: a few of each day, found by the index, however many there are."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection
from django.db.models import IntegerField, Prefetch, QuerySet, Value

from accounts import clock
from scheduling.admin.calendar import grid
from scheduling.admin.calendar.entries import Entry, Look, entries_of
from scheduling.lifecycle import Status
from scheduling.models import Delivery, ScheduledPost

COUNTED = 100  # a day is counted up to here; beyond it is "99+"
TROUBLED = 30  # of each kind, on one page
SHOWN = {"month": 3, "week": 24, "day": COUNTED - 1}
NO_DAY = -2


@dataclass
class Day:
    """A day of the page. `more` are not shown, `many`: there are more than were counted."""

    date: date
    today: bool
    past: bool
    outside: bool
    entries: list[Entry] = field(default_factory=list)
    more: int = 0
    many: bool = False
    last: UUID | None = None
    skipped: frozenset[int] = frozenset()

    @property
    def count(self) -> int:
        """How many there are, as far as they were counted."""
        return len(self.entries) + self.more

    @property
    def iso(self) -> str:
        """The day as addresses name it."""
        return self.date.isoformat()

    @property
    def weekday(self) -> str:
        """For example `Fri`."""
        return f"{self.date:%a}"

    @property
    def month(self) -> str:
        """For example `Nov`."""
        return f"{self.date:%b}"

    @property
    def words(self) -> str:
        """For example `27 November`."""
        return f"{self.date.day} {self.date:%B}"

    @property
    def hours(self) -> list[tuple[int, bool, list[Entry]]]:
        """Each hour of the clock, whether it is there on this day, and what is due in it."""
        by_hour: dict[int, list[Entry]] = defaultdict(list)
        for one in self.entries:
            by_hour[one.local.hour].append(one)
        return [(hour, hour not in self.skipped, by_hour[hour]) for hour in range(24)]


def days(
    posts: QuerySet[ScheduledPost],
    span: grid.Span,
    *,
    look: Look,
    after: ScheduledPost | None = None,
) -> list[Day]:
    """Return the days of the span with their posts, in three queries. `after` is where a long day goes on."""
    found, trouble = _find(posts, span, after)
    shown = SHOWN[span.view]
    wanted = {pk for ids in found.values() for pk in ids[:shown]} | set(trouble)
    loaded = _load(wanted)
    this = grid.today(span.zone)
    by_day: dict[date, list[Entry]] = defaultdict(list)
    for entry in entries_of(loaded, span.zone, look):
        by_day[entry.local.date()].append(entry)
    made = []
    for number, day in enumerate(span.days):
        one = Day(day, day == this, day < this, span.view == "month" and day.month != span.on.month)
        one.entries = _chosen(by_day[day], shown)
        ids = found.get(number, [])
        one.many, one.more = len(ids) == COUNTED, max(0, len(ids) - len(one.entries))
        one.last = ids[shown - 1] if one.more else None
        if span.view != "month":
            one.skipped = frozenset(hour for hour in range(24) if not grid.exists(day, hour, span.zone))
        made.append(one)
    return made


def _find(
    posts: QuerySet[ScheduledPost], span: grid.Span, after: ScheduledPost | None
) -> tuple[dict[int, list[UUID]], list[UUID]]:
    """Return the ids of the first posts of each day, by the day's number, and those of posts in trouble.

    One statement of bounded parts: each walks the index from where its day begins, and stops.
    """
    edges = list(grid.edges(span.days, span.zone))
    if after is not None and after.scheduled_for is not None:
        day = posts.filter(scheduled_for__gte=edges[0][0], scheduled_for__lt=edges[0][1])
        parts = [
            _part(day.filter(scheduled_for=after.scheduled_for, pk__gt=after.pk), 0, COUNTED),
            _part(day.filter(scheduled_for__gt=after.scheduled_for), 0, COUNTED),
        ]
    else:
        parts = list(_days(posts, edges))
    late = {Status.FAILED: span.end, Status.WAITING_FOR_APPROVAL: clock.now()}
    late[Status.SCHEDULED] = clock.now() - timedelta(seconds=settings.HEALTH_LATE)
    for status, until in late.items() if after is None else ():
        wrong = posts.filter(status=status, scheduled_for__gte=span.start, scheduled_for__lt=min(span.end, until))
        parts.append(_part(wrong, -1, TROUBLED))
    named = (f"SELECT * FROM ({sql}) AS part_{place}" for place, (sql, _) in enumerate(parts))  # noqa: S608  Django's own
    statement = " UNION ALL ".join(named)
    found: dict[int, list[UUID]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(statement, [value for _, params in parts for value in params])
        for number, pk in cursor.fetchall():
            if number < 0 or len(found[number]) < COUNTED:
                found[number].append(UUID(str(pk)))
    return found, found.pop(-1, [])


def _days(posts: QuerySet[ScheduledPost], edges: list[tuple[datetime, datetime]]) -> Iterator[tuple[str, list[Any]]]:
    """Yield the part of each day. They differ in three values alone: one is compiled, and its values are replaced."""
    begin, end = edges[0]
    sql, given = _part(posts.filter(scheduled_for__gte=begin, scheduled_for__lt=end), NO_DAY, COUNTED)
    stored = connection.ops.adapt_datetimefield_value
    for number, (first, last) in enumerate(edges):
        values = {NO_DAY: number, stored(begin): stored(first), stored(end): stored(last)}
        yield sql, [values.get(one, one) for one in given]


def _part(posts: QuerySet[ScheduledPost], number: int, limit: int) -> tuple[str, Sequence[Any]]:
    rows = posts.order_by("scheduled_for", "id").annotate(number=Value(number, IntegerField()))
    sql, params = rows.values_list("number", "pk")[:limit].query.get_compiler(connection=connection).as_sql()
    return sql, params


def _load(wanted: set[UUID]) -> list[ScheduledPost]:
    deliveries = Delivery.objects.only("post_id", "channel_id", "caption").order_by("channel__wire_id")
    posts = ScheduledPost.objects.filter(pk__in=wanted).only("organization_id", "status", "scheduled_for")
    return list(posts.prefetch_related(Prefetch("deliveries", deliveries)).order_by("scheduled_for", "id"))


def _chosen(entries: list[Entry], shown: int) -> list[Entry]:
    """Return as many as fit, in order; what is in trouble is never what is left out for lack of room."""
    first = sorted(entries, key=lambda one: not one.trouble)[:shown]
    return sorted(first, key=lambda one: (one.local.astimezone(UTC), one.post.pk))
