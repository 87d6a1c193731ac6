"""Context of the dashboard: lists of posts, figures, charts and the health of publishing."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import Count, QuerySet
from django.db.models.functions import TruncDate

from accounts import formatting
from accounts.models import Membership, Role, User
from posts.models import Channel, ChannelState
from scheduling.admin import calendar_dates
from scheduling.admin.charts import (
    AHEAD,
    BACK,
    STATUSES,
    Chart,
    engagement_chart,
    latency_chart,
    organization_filter,
    volume_chart,
)
from scheduling.admin.review_queue import SOONEST
from scheduling.domain import health
from scheduling.lifecycle import Status
from scheduling.models import ScheduledPost, ScheduledPostQuerySet

ROWS = 6
LATEST = ("-scheduled_for", "-id")


@dataclass(frozen=True)
class Panel:
    """A list of the first posts with a status. `empty` is the message without posts."""

    title: str
    status: str
    posts: list[ScheduledPost]
    empty: str


def dashboard_context(user: User) -> dict[str, Any]:
    """Return the context of the dashboard for the user's organizations."""
    roles = list(Membership.objects.filter(user=user).values_list("organization_id", "role"))
    organizations = [organization for organization, _ in roles]
    posts = ScheduledPost.objects.filter(**organization_filter(organizations))
    return {
        "may_write": any(role in {Role.EDITOR, Role.ADMIN} for _, role in roles),
        "stats": dashboard_stats(organizations, formatting.user_timezone(user)),
        "health": health.check_health(),
        "queue_stats": health.queue_stats(posts),
        "panels": [
            Panel(
                "To approve",
                Status.WAITING_FOR_APPROVAL,
                _first_posts(posts, Status.WAITING_FOR_APPROVAL, *SOONEST),
                "No posts are waiting for approval.",
            ),
            Panel(
                "Scheduled next",
                Status.SCHEDULED,
                _first_posts(posts, Status.SCHEDULED, *SOONEST),
                "No posts are scheduled.",
            ),
            Panel(
                "Recently published",
                Status.PUBLISHED,
                _first_posts(posts, Status.PUBLISHED, *LATEST),
                "No posts published yet.",
            ),
            Panel("Failed", Status.FAILED, _first_posts(posts, Status.FAILED, *LATEST), "No failed posts."),
        ],
        "channels": list(
            Channel.objects.filter(
                organization__memberships__user=user, state__in=[ChannelState.NEEDS_RECONNECT, ChannelState.BLOCKED]
            ).order_by("name")
        ),
    }


def _first_posts(posts: ScheduledPostQuerySet, status: Status, *order: Any) -> list[ScheduledPost]:
    rows = posts.for_wire().filter(status=status)
    if order == LATEST:
        # Always true for these statuses, but it lets PostgreSQL read the index backwards.
        rows = rows.filter(scheduled_for__isnull=False)
    return list(rows.order_by(*order)[:ROWS])


MAX_COUNT = 1000  # a tile shows 999+ from here


@dataclass(frozen=True)
class Tile:
    """A figure with a link to the posts behind it. The colour `tone` only repeats the text."""

    title: str
    number: str
    text: str
    query: str
    tone: str = ""


@dataclass(frozen=True)
class DashboardStats:
    tiles: list[Tile]
    volume: Chart
    engagement: Chart
    latency: Chart


def dashboard_stats(organizations: list[UUID], zone: ZoneInfo) -> DashboardStats:
    """Return the figures of these organizations, in six queries, with days in `zone`."""
    posts = ScheduledPost.objects.filter(**organization_filter(organizations))
    today = calendar_dates.today(zone)
    by_day = _count_by_day(posts, today, zone)
    waiting = _capped_count(posts.filter(status=Status.WAITING_FOR_APPROVAL))
    failed = _capped_count(posts.filter(status=Status.FAILED))
    return DashboardStats(
        [
            _waiting_tile(waiting, by_day, today),
            _due_tile(by_day, today),
            _published_tile(by_day, today),
            Tile(
                "Failed",
                _format_count(failed),
                "needs your attention" if failed else "no failed posts",
                f"status={Status.FAILED}",
                "red" if failed else "",
            ),
        ],
        volume_chart(by_day, today),
        engagement_chart(organizations, today, zone),
        latency_chart(organizations),
    )


def _capped_count(posts: QuerySet[ScheduledPost]) -> int:
    return posts.order_by()[:MAX_COUNT].count()


def _format_count(count: int) -> str:
    return f"{MAX_COUNT - 1}+" if count >= MAX_COUNT else str(count)


def _count_by_day(posts: QuerySet[ScheduledPost], today: date, zone: ZoneInfo) -> dict[date, dict[str, int]]:
    start, end = today - timedelta(days=BACK), today + timedelta(days=AHEAD)
    rows = (
        posts.filter(
            scheduled_for__gte=calendar_dates.day_start(start, zone),
            scheduled_for__lt=calendar_dates.day_start(end + timedelta(days=1), zone),
            status__in=STATUSES,
        )
        .order_by()
        .values("status", day=TruncDate("scheduled_for", tzinfo=zone))
        .annotate(count=Count("pk"))
    )
    by_day: dict[date, dict[str, int]] = defaultdict(lambda: dict.fromkeys(STATUSES, 0))
    for row in rows:
        by_day[row["day"]][row["status"]] = row["count"]
    return by_day


def _waiting_tile(waiting: int, by_day: dict[date, dict[str, int]], today: date) -> Tile:
    soon = sum(by_day[today + timedelta(days=days)][Status.WAITING_FOR_APPROVAL] for days in (0, 1))
    text = f"{soon} of them for today or tomorrow" if soon else "none for today or tomorrow"
    status = Status.WAITING_FOR_APPROVAL
    return Tile("To approve", _format_count(waiting), text, f"status={status}", "amber" if waiting else "")


def _due_tile(by_day: dict[date, dict[str, int]], today: date) -> Tile:
    published, due = by_day[today][Status.PUBLISHED], by_day[today][Status.SCHEDULED]
    total = published + due
    text = f"{published} of today's {total} posts published" if total else "no posts today"
    return Tile("Due today", str(due), text, f"status={Status.SCHEDULED}", "blue" if due else "")


def _published_tile(by_day: dict[date, dict[str, int]], today: date) -> Tile:
    monday = today - timedelta(days=today.weekday())

    def total(first: date, days: int) -> int:
        return sum(by_day[first + timedelta(days=number)][Status.PUBLISHED] for number in range(days))

    this, last = total(monday, today.weekday() + 1), total(monday - timedelta(days=7), 7)
    return Tile(
        "Published this week",
        str(this),
        f"{last} in the week before",
        f"status={Status.PUBLISHED}",
        "green" if this else "",
    )
