"""The front page's charts: their numbers for the script that draws them, and the same in words and rows."""

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
REACTIONS = 28  # days
LATEST = 60  # deliveries whose punctuality is shown
FLOW = (Status.PUBLISHED, Status.FAILED, Status.SCHEDULED, Status.WAITING_FOR_APPROVAL)
KINDS = ("likes", "comments", "shares")


@dataclass(frozen=True)
class Chart:
    """One drawing: `data` is for the script that draws it, `rows` under `columns` say the same in words.

    kind    bars (on top of each other), lines or dots
    data    {"x": [seconds], "series": [{"label", "colour", "values"}]}; a value is null where there is none
    """

    id: str
    kind: str
    title: str
    words: str
    columns: list[str]
    rows: list[list[str]]
    data: dict[str, Any]

    @property
    def data_id(self) -> str:
        """The id of the element that holds the data."""
        return f"{self.id}-data"


def organization_filter(organizations: list[UUID]) -> dict[str, Any]:
    """Return the condition for rows of these organizations."""
    # One by equality: the index then has the rows in order.
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
        for status in FLOW
    ]
    behind = sum(by_day[day][Status.PUBLISHED] for day in days if day <= today)
    empty = sum(1 for day in days if day > today and not any(by_day[day].values()))
    words = f"{behind} published in the last two weeks; in the next two, {empty} of {AHEAD} days are empty."
    return Chart(
        "flow",
        "bars",
        "Going out, day by day",
        words,
        ["Day", *(str(item["label"]) for item in series)],
        [[_day(day), *(str(by_day[day][status]) for status in FLOW)] for day in days if any(by_day[day].values())],
        {"x": [_noon(day) for day in days], "series": series, "today": _noon(today)},
    )


def reactions(organizations: list[UUID], today: date, zone: ZoneInfo) -> Chart:
    days = [today - timedelta(days=number) for number in reversed(range(REACTIONS))]
    found = (
        PublishedPost.objects.filter(
            **organization_filter(organizations),
            published_at__gte=calendar_dates.day_start(days[0], zone),
            deleted_at=None,
        )
        .order_by()
        .values(day=TruncDate("published_at", tzinfo=zone))
        .annotate(posts=Count("pk"), **{f"all_{kind}": Coalesce(Sum(kind), 0) for kind in KINDS})
    )
    by_day: dict[date, dict[str, Any]] = {row["day"]: dict(row) for row in found}
    sums = {kind: [int(by_day[day][f"all_{kind}"]) if day in by_day else None for day in days] for kind in KINDS}
    said = [f"{sum(value or 0 for value in values):,} {kind}" for kind, values in sums.items()]
    count = sum(row["posts"] for row in by_day.values())
    words = f"{count:,} posts went live in four weeks, and got {said[0]}, {said[1]} and {said[2]} so far."
    colours = {"likes": "blue", "comments": "violet", "shares": "green"}
    return Chart(
        "reactions",
        "lines",
        "Reactions, by the day a post went live",
        words if count else "Nothing went live in four weeks.",
        ["Day", "Posts", *(kind.capitalize() for kind in KINDS)],
        [
            [_day(day), f"{by_day[day]['posts']:,}", *(f"{by_day[day][f'all_{kind}']:,}" for kind in KINDS)]
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
    since = clock.now() - timedelta(days=REACTIONS)
    latest = (
        ScheduledPost.objects.filter(
            **organization_filter(organizations),
            status=Status.PUBLISHED,
            scheduled_for__gte=since,
            scheduled_for__lte=clock.now(),
        )
        .order_by("-scheduled_for", "-id")
        .values_list("pk", "scheduled_for")[:LATEST]
    )
    instants = dict(latest)
    rows = Delivery.objects.filter(post__in=instants, state=DeliveryState.PUBLISHED, published_at__isnull=False)
    found = [
        (due, at, name)
        for pk, at, name in rows.values_list("post_id", "published_at", "channel__name")
        if at and (due := instants[pk])
    ]
    late = [(due, max(0.0, (at - due).total_seconds()), name) for due, at, name in sorted(found)][-LATEST:]
    worst = max((seconds for _, seconds, _ in late), default=0.0)
    middle = sorted(seconds for _, seconds, _ in late)[len(late) // 2] if late else 0.0
    words = f"Of the last {len(late)}, half were live within {middle:.1f} s of their instant, all within {worst:.1f} s."
    return Chart(
        "punctuality",
        "dots",
        "Seconds from the instant until it was live",
        words if late else "Nothing went out lately.",
        ["Instant (UTC)", "Channel", "Seconds"],
        [[f"{due.astimezone(UTC):%d %b %H:%M:%S}", name, f"{seconds:.1f}"] for due, seconds, name in late],
        {
            "x": list(range(1, len(late) + 1)),
            "series": [{"label": "Seconds", "colour": "blue", "values": [round(seconds, 2) for _, seconds, _ in late]}],
        },
    )


def _day(day: date) -> str:
    return f"{day:%a} {day.day} {day:%b}"


def _noon(day: date) -> int:
    """Return a day for the script, which draws in UTC: days have no time zone."""
    return int(datetime(day.year, day.month, day.day, 12, tzinfo=UTC).timestamp())
