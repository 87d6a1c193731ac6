"""What the calendar shows of the posts: the first of each day, and those in trouble."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, date, timedelta
from uuid import UUID

from django.conf import settings
from django.db.models import Prefetch, Q, QuerySet, Window
from django.db.models.functions import RowNumber, TruncDate

from accounts import clock
from scheduling.admin.calendar import grid
from scheduling.admin.calendar.entries import Entry, Look, entries_of
from scheduling.admin.queue import later_than
from scheduling.lifecycle import Status
from scheduling.models import Delivery, ScheduledPost

COUNTED = 100  # a day is counted up to here; beyond it is "99+"
TROUBLED = 90  # posts on one page
SHOWN = {"month": 3, "week": 24, "day": COUNTED - 1}


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
    """Return the days of the span with their posts, in four queries. `after` is where a long day goes on."""
    found = _find(posts, span, after)
    trouble = _find_troubled(posts, span) if after is None else []
    shown = SHOWN[span.view]
    wanted = {pk for ids in found.values() for pk in ids[:shown]} | set(trouble)
    loaded = _load(wanted)
    this = grid.today(span.zone)
    by_day: dict[date, list[Entry]] = defaultdict(list)
    for entry in entries_of(loaded, span.zone, look):
        by_day[entry.local.date()].append(entry)
    made = []
    for day in span.days:
        one = Day(day, day == this, day < this, span.view == "month" and day.month != span.on.month)
        one.entries = _chosen(by_day[day], shown)
        ids = found.get(day, [])
        one.many, one.more = len(ids) == COUNTED, max(0, len(ids) - len(one.entries))
        one.last = ids[shown - 1] if one.more else None
        if span.view != "month":
            one.skipped = frozenset(hour for hour in range(24) if not grid.exists(day, hour, span.zone))
        made.append(one)
    return made


def _find(posts: QuerySet[ScheduledPost], span: grid.Span, after: ScheduledPost | None) -> dict[date, list[UUID]]:
    """Return the ids of the first COUNTED posts of each day, of those later than `after`."""
    rows = posts.filter(scheduled_for__gte=span.start, scheduled_for__lt=span.end)
    if after is not None:
        rows = rows.filter(later_than(after))
    rows = rows.annotate(day=TruncDate("scheduled_for", tzinfo=span.zone))
    rows = rows.annotate(place=Window(RowNumber(), partition_by="day", order_by=("scheduled_for", "id")))
    found: dict[date, list[UUID]] = defaultdict(list)
    for day, pk in rows.filter(place__lte=COUNTED).order_by("scheduled_for", "id").values_list("day", "pk"):
        found[day].append(pk)
    return found


def _find_troubled(posts: QuerySet[ScheduledPost], span: grid.Span) -> list[UUID]:
    """Return the ids of the posts that the page shows as troubled, TROUBLED at most."""
    now = clock.now()
    troubled = Q(status=Status.FAILED) | Q(status=Status.WAITING_FOR_APPROVAL, scheduled_for__lt=now)
    troubled |= Q(status=Status.SCHEDULED, scheduled_for__lt=now - timedelta(seconds=settings.HEALTH_LATE))
    rows = posts.filter(troubled, scheduled_for__gte=span.start, scheduled_for__lt=span.end)
    return list(rows.order_by("scheduled_for", "id").values_list("pk", flat=True)[:TROUBLED])


def _load(wanted: set[UUID]) -> list[ScheduledPost]:
    deliveries = Delivery.objects.only("post_id", "channel_id", "caption").order_by("channel__wire_id")
    posts = ScheduledPost.objects.filter(pk__in=wanted).only("organization_id", "status", "scheduled_for")
    return list(posts.prefetch_related(Prefetch("deliveries", deliveries)).order_by("scheduled_for", "id"))


def _chosen(entries: list[Entry], shown: int) -> list[Entry]:
    """Return as many as fit, in order; what is in trouble is never what is left out for lack of room."""
    first = sorted(entries, key=lambda one: not one.trouble)[:shown]
    return sorted(first, key=lambda one: (one.local.astimezone(UTC), one.post.pk))
