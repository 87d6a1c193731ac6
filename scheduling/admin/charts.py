"""Charts of the dashboard: data for charts.js, with a summary and a table of the same numbers."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import Count, Sum
from django.db.models.functions import Coalesce, TruncDate

from accounts import clock
from posts.models import PublishedPost
from scheduling.admin import calendar_dates
from scheduling.lifecycle import Status
from scheduling.models import Delivery, DeliveryState, ScheduledPost

BACK, AHEAD = 14, 14  # days, around today
ENGAGEMENT_DAYS = 28
MAX_DELIVERIES = 60  # in the latency chart
STATUSES = (Status.PUBLISHED, Status.FAILED, Status.SCHEDULED, Status.WAITING_FOR_APPROVAL)
COUNTS = ("likes", "comments", "shares")


@dataclass(frozen=True)
class Chart:
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

    @property
    def data_id(self) -> str:
        """The id of the HTML element with the data."""
        return f"{self.id}-data"


def organization_filter(organizations: list[UUID]) -> dict[str, Any]:
    """Return the filter arguments for rows of these organizations."""
    # With equality the index on (organization, ...) returns the rows in order.
    return {"organization": organizations[0]} if len(organizations) == 1 else {"organization__in": organizations}


def volume_chart(by_day: dict[date, dict[str, int]], today: date) -> Chart:
    days = [today + timedelta(days=number) for number in range(-BACK, AHEAD + 1)]
    colours = {Status.PUBLISHED: "green", Status.FAILED: "red", Status.SCHEDULED: "blue"}
    series = [
        {
            "label": str(status.label),
            "colour": colours.get(status, "amber"),
            "values": [by_day[day][status] for day in days],
        }
        for status in STATUSES
    ]
    published = sum(by_day[day][Status.PUBLISHED] for day in days if day <= today)
    empty = sum(1 for day in days if day > today and not any(by_day[day].values()))
    summary = f"{published} published in the last two weeks. {empty} of the next {AHEAD} days have no posts."
    return Chart(
        "volume",
        "bars",
        "Posts by day",
        summary,
        ["Day", *(str(line["label"]) for line in series)],
        [[_day(day), *(str(by_day[day][status]) for status in STATUSES)] for day in days if any(by_day[day].values())],
        {"x": [_noon(day) for day in days], "series": series, "today": _noon(today)},
    )


def engagement_chart(organizations: list[UUID], today: date, zone: ZoneInfo) -> Chart:
    days = [today - timedelta(days=number) for number in reversed(range(ENGAGEMENT_DAYS))]
    rows = (
        PublishedPost.objects.filter(
            **organization_filter(organizations),
            published_at__gte=calendar_dates.day_start(days[0], zone),
            deleted_at=None,
        )
        .order_by()
        .values(day=TruncDate("published_at", tzinfo=zone))
        .annotate(posts=Count("pk"), **{f"all_{kind}": Coalesce(Sum(kind), 0) for kind in COUNTS})
    )
    by_day: dict[date, dict[str, Any]] = {row["day"]: dict(row) for row in rows}
    sums = {kind: [int(by_day[day][f"all_{kind}"]) if day in by_day else None for day in days] for kind in COUNTS}
    totals = [f"{sum(value or 0 for value in values):,} {kind}" for kind, values in sums.items()]
    count = sum(row["posts"] for row in by_day.values())
    summary = f"{count:,} posts published in four weeks: {', '.join(totals)}."
    colours = {"likes": "blue", "comments": "violet", "shares": "green"}
    return Chart(
        "engagement",
        "lines",
        "Engagement by day of publishing",
        summary if count else "No posts published in four weeks.",
        ["Day", "Posts", *(kind.capitalize() for kind in COUNTS)],
        [
            [_day(day), f"{by_day[day]['posts']:,}", *(f"{by_day[day][f'all_{kind}']:,}" for kind in COUNTS)]
            for day in days
            if day in by_day
        ],
        {
            "x": [_noon(day) for day in days],
            "series": [
                {"label": kind.capitalize(), "colour": colours[kind], "values": values} for kind, values in sums.items()
            ],
        },
    )


def latency_chart(organizations: list[UUID]) -> Chart:
    since = clock.now() - timedelta(days=ENGAGEMENT_DAYS)
    latest = (
        ScheduledPost.objects.filter(
            **organization_filter(organizations),
            status=Status.PUBLISHED,
            scheduled_for__gte=since,
            scheduled_for__lte=clock.now(),
        )
        .order_by("-scheduled_for", "-id")
        .values_list("pk", "scheduled_for")[:MAX_DELIVERIES]
    )
    scheduled_times = dict(latest)
    rows = Delivery.objects.filter(post__in=scheduled_times, state=DeliveryState.PUBLISHED, published_at__isnull=False)
    published = [
        (due, at, name)
        for pk, at, name in rows.values_list("post_id", "published_at", "channel__name")
        if at and (due := scheduled_times[pk])
    ]
    delays = [(due, max(0.0, (at - due).total_seconds()), name) for due, at, name in sorted(published)][
        -MAX_DELIVERIES:
    ]
    worst = max((seconds for _, seconds, _ in delays), default=0.0)
    median = sorted(seconds for _, seconds, _ in delays)[len(delays) // 2] if delays else 0.0
    summary = (
        f"Last {len(delays)} posts: half were published within {median:.1f} s of the scheduled time, "
        f"all within {worst:.1f} s."
    )
    return Chart(
        "latency",
        "dots",
        "Publishing delay",
        summary if delays else "No posts published recently.",
        ["Scheduled (UTC)", "Channel", "Seconds"],
        [[f"{due.astimezone(UTC):%d %b %H:%M:%S}", name, f"{seconds:.1f}"] for due, seconds, name in delays],
        {
            "x": list(range(1, len(delays) + 1)),
            "series": [
                {"label": "Seconds", "colour": "blue", "values": [round(seconds, 2) for _, seconds, _ in delays]}
            ],
        },
    )


def _day(day: date) -> str:
    return f"{day:%a} {day.day} {day:%b}"


def _noon(day: date) -> int:
    """Return noon of the day in UTC, in seconds: charts.js draws in UTC."""
    return int(datetime(day.year, day.month, day.day, 12, tzinfo=UTC).timestamp())
