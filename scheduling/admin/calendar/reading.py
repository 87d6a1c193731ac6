"""What the calendar shows of the posts: a few of each day, found by the index, however many there are."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection
from django.db.models import IntegerField, Prefetch, QuerySet, Value

from accounts import clock
from accounts.models import Membership, Role
from posts.admin.people import holds
from posts.models import Channel
from scheduling.admin.calendar import grid
from scheduling.admin.page import title_of
from scheduling.lifecycle import EDITABLE, Status
from scheduling.models import Delivery, ScheduledPost

COUNTED = 100  # a day is counted up to here; beyond it is "99+"
TROUBLED = 30  # of each kind, on one page
SHOWN = {"month": 3, "week": 24, "day": COUNTED - 1}
TINTS = 10
SIGNS: dict[str, str] = {
    Status.DRAFT: "○",
    Status.WAITING_FOR_APPROVAL: "◐",
    Status.REJECTED: "↩",
    Status.SCHEDULED: "●",
    Status.PUBLISHING: "▸",
    Status.PUBLISHED: "✓",
    Status.FAILED: "✕",
}


@dataclass(frozen=True)
class Entry:
    """A post on the calendar. `trouble` says in a word or two what is wrong with it; `movable`: there is a way."""

    post: ScheduledPost
    local: datetime
    title: str
    sign: str
    trouble: str
    movable: bool
    on: list[tuple[Channel, int]]

    @property
    def time(self) -> str:
        """The time of day, as the reader's clock has it."""
        return f"{self.local:%H:%M}"


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
    tints: dict[int, int],
    memberships: dict[UUID, Membership],
    after: ScheduledPost | None = None,
) -> list[Day]:
    """Return the days of the span with their posts, in three queries. `after` is where a long day goes on."""
    found, trouble = _find(posts, span, after)
    shown = SHOWN[span.view]
    wanted = {pk for ids in found.values() for pk in ids[:shown]} | set(trouble)
    loaded = _load(wanted)
    now, this = clock.now(), grid.today(span.zone)
    by_day: dict[date, list[Entry]] = defaultdict(list)
    for post in loaded:
        entry = _entry(post, span, now, tints, memberships.get(post.organization_id))
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
    parts = []
    for number, (begin, end) in enumerate(grid.edges(span.days, span.zone)):
        part = posts.filter(scheduled_for__gte=begin, scheduled_for__lt=end)
        if after is not None and after.scheduled_for is not None:
            rest = part.filter(scheduled_for=after.scheduled_for, pk__gt=after.pk)
            parts.append(_part(rest, number, COUNTED))
            part = part.filter(scheduled_for__gt=after.scheduled_for)
        parts.append(_part(part, number, COUNTED))
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


def _part(posts: QuerySet[ScheduledPost], number: int, limit: int) -> tuple[str, Sequence[Any]]:
    rows = posts.order_by("scheduled_for", "id").annotate(number=Value(number, IntegerField()))
    sql, params = rows.values_list("number", "pk")[:limit].query.get_compiler(connection=connection).as_sql()
    return sql, params


def _load(wanted: set[UUID]) -> list[ScheduledPost]:
    deliveries = Delivery.objects.select_related("channel").defer("superpower", "staged").order_by("channel__wire_id")
    posts = ScheduledPost.objects.filter(pk__in=wanted).defer("brief", "notes", "media_facts")
    return list(posts.prefetch_related(Prefetch("deliveries", deliveries)).order_by("scheduled_for", "id"))


def _chosen(entries: list[Entry], shown: int) -> list[Entry]:
    """Return as many as fit, in order; what is in trouble is never what is left out for lack of room."""
    first = sorted(entries, key=lambda one: not one.trouble)[:shown]
    return sorted(first, key=lambda one: (one.local.astimezone(UTC), one.post.pk))


def _entry(
    post: ScheduledPost, span: grid.Span, now: datetime, tints: dict[int, int], membership: Membership | None
) -> Entry:
    assert post.scheduled_for is not None  # noqa: S101  it was found by its instant
    return Entry(
        post=post,
        local=post.scheduled_for.astimezone(span.zone),
        title=title_of(post),
        sign=SIGNS[post.status],
        trouble=_trouble(post, now),
        movable=_movable(post, membership),
        on=[(one.channel, tints.get(one.channel_id, 0)) for one in post.deliveries.all()],
    )


def _trouble(post: ScheduledPost, now: datetime) -> str:
    late = timedelta(seconds=settings.HEALTH_LATE)
    if post.status == Status.FAILED:
        return "Failed"
    if post.status == Status.WAITING_FOR_APPROVAL and post.scheduled_for and post.scheduled_for < now:
        return "Not approved in time"
    if post.status == Status.SCHEDULED and post.scheduled_for and post.scheduled_for < now - late:
        return "Late"
    return ""


def _movable(post: ScheduledPost, membership: Membership | None) -> bool:
    """Whether the page for moving it has something to offer; it says for itself what, and to whom it does not."""
    reviews = membership is not None and membership.may_review
    if post.status in {*EDITABLE, Status.SCHEDULED} and holds(membership, Role.EDITOR):
        return True
    return reviews and post.status in {Status.WAITING_FOR_APPROVAL, Status.SCHEDULED, Status.FAILED}


def tinted(channels: Sequence[Channel]) -> dict[int, int]:
    """Return a colour's number for each channel, the same one as long as no channel before it goes away."""
    return {one.pk: number % TINTS for number, one in enumerate(sorted(channels, key=lambda one: one.pk))}
