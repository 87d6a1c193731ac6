"""Context of the dashboard: tiles, lists of posts, charts and the health of publishing.

Everywhere a post counts once, on however many channels it is. "Published" counts what is on the platform, by the day
it was published: also what was published without Dynamo, and not what has been deleted there.
"""

from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from statistics import median_high
from typing import Any, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import Count, Q, QuerySet, Sum
from django.db.models.functions import Coalesce, TruncDate
from django.urls import reverse

from accounts import clock, formatting
from accounts.models import Membership, Organization, Role, User
from posts.graph import versions
from posts.models import Channel, ChannelState, PublishedPost
from scheduling.admin import calendar_dates
from scheduling.admin.results import ChannelResult, channel_results
from scheduling.admin.review_queue import LATEST, SOONEST
from scheduling.domain import channel_health, health
from scheduling.domain.publishing import hold
from scheduling.lifecycle import Status
from scheduling.models import Delivery, DeliveryState, ScheduledPost, ScheduledPostQuerySet

ROWS = 6
PANELS = [
    ("To approve", Status.WAITING_FOR_APPROVAL, SOONEST, "No posts are waiting for approval."),
    ("Scheduled next", Status.SCHEDULED, SOONEST, "No posts are scheduled."),
    ("Recently published from here", Status.PUBLISHED, LATEST, "No posts published yet."),
    ("Failed", Status.FAILED, LATEST, "No failed posts."),
]
MAX_COUNT = 1000  # a tile shows 999+ from here
BACK, AHEAD = 14, 14  # days, around today
ENGAGEMENT_DAYS = 28
MAX_CHANNELS = 200  # whose problems the dashboard shows
MAX_DELIVERIES = 60  # in the latency chart
STATUS_COLOURS = {
    Status.PUBLISHED: "green",
    Status.FAILED: "red",
    Status.SCHEDULED: "blue",
    Status.WAITING_FOR_APPROVAL: "amber",
}
COUNT_COLOURS = {"likes": "blue", "comments": "violet", "shares": "green"}
CountsByDay = dict[date, dict[str, int]]


class PublishedDay(NamedTuple):
    """What was published on a day: posts, those of them from here, and the sums of COUNT_COLOURS."""

    posts: int
    ours: int
    sums: dict[str, int]


PublishedByDay = dict[date, PublishedDay]


class Tile(NamedTuple):
    """A figure with a link to the posts that it counts. The colour `tone` only repeats the text."""

    title: str
    number: str
    text: str
    url: str
    tone: str


class Chart(NamedTuple):
    """A chart.

    kind           bars (stacked), lines or dots
    data           {"x": [seconds], "series": [{"label", "colour", "values"}]}; null for a missing value
    columns, rows  the same numbers as a table
    """

    id: str
    kind: str
    title: str
    summary: str
    columns: list[str]
    rows: list[list[str]]
    data: dict[str, Any]


class DashboardStats(NamedTuple):
    """`latency` is None for users who do not administer an organization."""

    tiles: list[Tile]
    volume: Chart
    engagement: Chart
    latency: Chart | None


def dashboard_context(user: User) -> dict[str, Any]:
    """Return the context of the page. `version` and its warnings are for administrators of an organization."""
    roles = dict(Membership.objects.filter(user=user).values_list("organization_id", "role"))
    posts = ScheduledPost.objects.filter(organization__in=list(roles))
    administered = [organization for organization, role in roles.items() if role == Role.ADMIN]
    channels = Channel.objects.filter(
        organization__in=list(roles), state__in=[ChannelState.NEEDS_RECONNECT, ChannelState.BLOCKED]
    )
    version = versions.platform_version()
    usable = Channel.objects.filter(organization__in=list(roles)).exclude(state=ChannelState.DISCONNECTED)
    return {
        "may_write": bool(set(roles.values()) & {Role.EDITOR, Role.ADMIN}),
        "stats": dashboard_stats(list(roles), administered, formatting.user_timezone(user)),
        "health": health.check_health(),
        "version": version if administered else None,
        "version_warnings": list(version.warnings(clock.now().date())) if administered else [],
        "pauses": [
            hold.organization_pause(organization)
            for organization in Organization.objects.filter(pk__in=list(roles)).exclude(publishing_paused_at=None)
        ],
        "queue_stats": health.queue_stats(posts),
        "panels": [
            (title, status, _first_posts(posts.filter(status=status).order_by(*order)), empty)
            for title, status, order, empty in PANELS
        ],
        "channels": list(channels.order_by("name")),
        "channel_problems": [
            problem.text
            for _, problems in channel_health.problems_of(usable.order_by("name")[:MAX_CHANNELS])
            for problem in problems
        ],
    }


def _first_posts(posts: ScheduledPostQuerySet) -> list[tuple[ScheduledPost, list[ChannelResult]]]:
    rows = list(posts.for_wire()[:ROWS])
    results = channel_results(rows)
    return [(post, results.get(post.pk, [])) for post in rows]


def dashboard_stats(organizations: list[UUID], administered: list[UUID], zone: ZoneInfo) -> DashboardStats:
    """Return the figures of these organizations, with days in `zone`; the latency only of the `administered` ones."""
    posts = ScheduledPost.objects.filter(organization__in=organizations)
    today = calendar_dates.today(zone)
    by_day = _count_by_day(posts, today, zone)
    published = _published_by_day(organizations, today, zone)
    return DashboardStats(
        _tiles(posts, by_day, published, today),
        _volume_chart(by_day, published, today),
        _engagement_chart(published, today),
        _latency_chart(administered, zone) if administered else None,
    )


def _count_by_day(posts: QuerySet[ScheduledPost], today: date, zone: ZoneInfo) -> CountsByDay:
    rows = (
        posts.filter(
            scheduled_for__gte=calendar_dates.day_start(today - timedelta(days=BACK), zone),
            scheduled_for__lt=calendar_dates.day_start(today + timedelta(days=AHEAD + 1), zone),
            status__in=STATUS_COLOURS,
        )
        .order_by()
        .values("status", day=TruncDate("scheduled_for", tzinfo=zone))
        .annotate(count=Count("pk"))
    )
    by_day: CountsByDay = defaultdict(lambda: dict.fromkeys(STATUS_COLOURS, 0))
    for row in rows:
        by_day[row["day"]][row["status"]] = row["count"]
    return by_day


def _published_by_day(organizations: list[UUID], today: date, zone: ZoneInfo) -> PublishedByDay:
    """Return the counts of the days with published posts, of ENGAGEMENT_DAYS days."""
    since = calendar_dates.day_start(today - timedelta(days=ENGAGEMENT_DAYS - 1), zone)
    posts = PublishedPost.objects.filter(organization__in=organizations, published_at__gte=since, deleted_at=None)
    rows: Any = (
        posts.order_by()
        .values(day=TruncDate("published_at", tzinfo=zone))
        .annotate(
            ours=Count("scheduled_post_id", distinct=True),  # one post on two channels
            others=Count("pk", filter=Q(scheduled_post_id=None)),
            **{f"all_{kind}": Coalesce(Sum(kind), 0) for kind in COUNT_COLOURS},
        )
    )
    return {
        row["day"]: PublishedDay(
            row["ours"] + row["others"],
            row["ours"],
            {kind: int(row[f"all_{kind}"]) for kind in COUNT_COLOURS},  # PostgreSQL returns sums as Decimal
        )
        for row in rows
    }


def _tiles(
    posts: QuerySet[ScheduledPost], by_day: CountsByDay, published_by_day: PublishedByDay, today: date
) -> list[Tile]:
    waiting = posts.filter(status=Status.WAITING_FOR_APPROVAL)[:MAX_COUNT].count()
    failed = posts.filter(status=Status.FAILED)[:MAX_COUNT].count()
    soon = sum(by_day[today + timedelta(days=days)][Status.WAITING_FOR_APPROVAL] for days in (0, 1))
    published, due = by_day[today][Status.PUBLISHED], by_day[today][Status.SCHEDULED]
    monday = today - timedelta(days=today.weekday())
    this_week = _count_published(published_by_day, monday, today)
    last_week = _count_published(published_by_day, monday - timedelta(days=7), monday - timedelta(days=1))
    url = reverse("admin:scheduling_scheduledpost_changelist")
    return [
        Tile(
            "To approve",
            _format_count(waiting),
            f"{soon} of them for today or tomorrow" if soon else "none for today or tomorrow",
            f"{url}?status={Status.WAITING_FOR_APPROVAL}",
            "amber" if waiting else "",
        ),
        Tile(
            "Due today",
            str(due),
            f"{published} of today's {published + due} scheduled posts published"
            if published + due
            else "no posts today",
            f"{url}?status={Status.SCHEDULED}",
            "blue" if due else "",
        ),
        Tile(
            "Published this week",
            str(this_week),
            f"{last_week} in the week before",
            reverse("admin:posts_publishedpost_changelist"),
            "green" if this_week else "",
        ),
        Tile(
            "Failed",
            _format_count(failed),
            "needs your attention" if failed else "no failed posts",
            f"{url}?status={Status.FAILED}",
            "red" if failed else "",
        ),
    ]


def _count_published(by_day: PublishedByDay, first: date, last: date) -> int:
    return sum(counts.posts for day, counts in by_day.items() if first <= day <= last)


def _format_count(count: int) -> str:
    return f"{MAX_COUNT - 1}+" if count >= MAX_COUNT else str(count)


def _volume_chart(by_day: CountsByDay, published_by_day: PublishedByDay, today: date) -> Chart:
    days = [today + timedelta(days=number) for number in range(-BACK, AHEAD + 1)]
    counts = {
        day: {**by_day[day], Status.PUBLISHED: published_by_day[day].posts if day in published_by_day else 0}
        for day in days
    }
    published = sum(counts[day][Status.PUBLISHED] for day in days)
    ours = sum(published_by_day[day].ours for day in days if day in published_by_day)
    empty = sum(1 for day in days if day > today and not any(counts[day].values()))
    series = [
        _series(status.label, colour, [counts[day][status] for day in days])
        for status, colour in STATUS_COLOURS.items()
    ]
    return Chart(
        "volume",
        "bars",
        "Posts by day",
        f"{published:,} published in the last two weeks, {ours:,} of them from here. "
        f"{empty} of the next {AHEAD} days have no posts.",
        ["Day", *(str(status.label) for status in STATUS_COLOURS)],
        [[_day(day), *(str(count) for count in counts[day].values())] for day in days if any(counts[day].values())],
        {"x": [_noon(day) for day in days], "series": series, "today": _noon(today)},
    )


def _engagement_chart(by_day: PublishedByDay, today: date) -> Chart:
    days = [today - timedelta(days=number) for number in reversed(range(ENGAGEMENT_DAYS))]
    count = sum(row.posts for row in by_day.values())
    totals = ", ".join(f"{sum(row.sums[kind] for row in by_day.values()):,} {kind}" for kind in COUNT_COLOURS)
    series = [
        _series(kind.capitalize(), colour, [by_day[day].sums[kind] if day in by_day else None for day in days])
        for kind, colour in COUNT_COLOURS.items()
    ]
    return Chart(
        "engagement",
        "lines",
        "Engagement by day of publishing",
        f"{count:,} published in the last four weeks: {totals}." if count else "No posts published in four weeks.",
        ["Day", "Posts", *(kind.capitalize() for kind in COUNT_COLOURS)],
        [
            [_day(day), f"{by_day[day].posts:,}", *(f"{by_day[day].sums[kind]:,}" for kind in COUNT_COLOURS)]
            for day in days
            if day in by_day
        ],
        {"x": [_noon(day) for day in days], "series": series},
    )


def _latency_chart(organizations: list[UUID], zone: ZoneInfo) -> Chart:
    now = clock.now()
    posts = ScheduledPost.objects.filter(
        organization__in=organizations,
        status=Status.PUBLISHED,
        scheduled_for__range=(now - timedelta(days=ENGAGEMENT_DAYS), now),
    )
    latest = list(posts.order_by(*LATEST).values_list("pk", flat=True)[:MAX_DELIVERIES])
    rows = Delivery.objects.filter(post__in=latest, state=DeliveryState.PUBLISHED, published_at__isnull=False)
    published = sorted(rows.values_list("post__scheduled_for", "published_at", "channel__name"))[-MAX_DELIVERIES:]
    delays = [(due, max(0.0, (at - due).total_seconds()), name) for due, at, name in published if due and at]
    summary = "No posts published recently."
    if delays:
        seconds = [delay for _, delay, _ in delays]
        summary = (
            f"Last {len(delays)} posts: half were published within {median_high(seconds):.1f} s of the scheduled time, "
            f"all within {max(seconds):.1f} s."
        )
    return Chart(
        "latency",
        "dots",
        "Publishing delay",
        summary,
        ["Scheduled", "Channel", "Seconds"],
        [[formatting.format_short(due, zone), name, f"{delay:.1f}"] for due, delay, name in delays],
        {
            "x": list(range(1, len(delays) + 1)),
            "series": [_series("Seconds", "blue", [round(delay, 2) for _, delay, _ in delays])],
        },
    )


def _series(label: Any, colour: str, values: list[Any]) -> dict[str, Any]:
    return {"label": str(label), "colour": colour, "values": values}


def _day(day: date) -> str:
    return f"{day:%a} {day.day} {day:%b}"


def _noon(day: date) -> int:
    """Return noon of the day in UTC, in seconds: charts.js draws in UTC."""
    return int(datetime(day.year, day.month, day.day, 12, tzinfo=UTC).timestamp())
