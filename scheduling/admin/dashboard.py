"""The desk's front page: what waits, what is next, what just went live, what went wrong. A few rows of each."""

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
    FLOW,
    Chart,
    latency_chart,
    organization_filter,
    reactions,
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
    """One panel. `status` leads on to the whole list; `empty` is what to say when there is nothing."""

    title: str
    status: str
    posts: list[ScheduledPost]
    empty: str


def dashboard_context(user: User) -> dict[str, Any]:
    """Return the panels, and the channels that somebody has to look after."""
    own = list(Membership.objects.filter(user=user).values_list("organization_id", "role"))
    organizations = [organization for organization, _ in own]
    posts = ScheduledPost.objects.filter(**organization_filter(organizations))
    return {
        "may_write": any(role in {Role.EDITOR, Role.ADMIN} for _, role in own),
        "figures": dashboard_stats(organizations, formatting.user_timezone(user)),
        "health": health.check_health(),
        "flow": health.queue_stats(posts),
        "panels": [
            Panel(
                "To approve",
                Status.WAITING_FOR_APPROVAL,
                _rows(posts, Status.WAITING_FOR_APPROVAL, *SOONEST),
                "Nothing waits for a decision.",
            ),
            Panel(
                "Next to go out", Status.SCHEDULED, _rows(posts, Status.SCHEDULED, *SOONEST), "Nothing is scheduled."
            ),
            Panel("Went live", Status.PUBLISHED, _rows(posts, Status.PUBLISHED, *LATEST), "Nothing has gone live yet."),
            Panel("Did not go out", Status.FAILED, _rows(posts, Status.FAILED, *LATEST), "Nothing failed."),
        ],
        "channels": list(
            Channel.objects.filter(
                organization__memberships__user=user, state__in=[ChannelState.NEEDS_RECONNECT, ChannelState.BLOCKED]
            ).order_by("name")
        ),
    }


def _rows(posts: ScheduledPostQuerySet, status: Status, *order: Any) -> list[ScheduledPost]:
    mine = posts.for_wire().filter(status=status)
    # Without an instant nothing goes out: saying so lets the index give the latest first.
    mine = mine.filter(scheduled_for__isnull=False) if order == LATEST else mine
    return list(mine.order_by(*order)[:ROWS])


COUNTED = 1000  # beyond it, a tile says 999+


@dataclass(frozen=True)
class Tile:
    """One number that a person acts on. `tone` is a colour that only repeats what the words say."""

    title: str
    number: str
    words: str
    url: str
    tone: str = ""


@dataclass(frozen=True)
class Figures:
    """The front page's figures."""

    tiles: list[Tile]
    flow: Chart
    reactions: Chart
    punctuality: Chart


def dashboard_stats(organizations: list[UUID], zone: ZoneInfo) -> Figures:
    """Return the figures of these organizations, in six queries, with days as the reader's clock counts them."""
    posts = ScheduledPost.objects.filter(**organization_filter(organizations))
    today = calendar_dates.today(zone)
    by_day = _by_day(posts, today, zone)
    waiting = _capped(posts.filter(status=Status.WAITING_FOR_APPROVAL))
    failed = _capped(posts.filter(status=Status.FAILED))
    return Figures(
        [
            _waiting_tile(waiting, by_day, today),
            _due_tile(by_day, today),
            _published_tile(by_day, today),
            Tile(
                "Did not go out",
                _said(failed),
                "a person decides what happens next" if failed else "nothing failed",
                f"status={Status.FAILED}",
                "red" if failed else "",
            ),
        ],
        volume_chart(by_day, today),
        reactions(organizations, today, zone),
        latency_chart(organizations),
    )


def _capped(posts: QuerySet[ScheduledPost]) -> int:
    return posts.order_by()[:COUNTED].count()


def _said(count: int) -> str:
    return f"{COUNTED - 1}+" if count >= COUNTED else str(count)


def _by_day(posts: QuerySet[ScheduledPost], today: date, zone: ZoneInfo) -> dict[date, dict[str, int]]:
    start, end = today - timedelta(days=BACK), today + timedelta(days=AHEAD)
    found = (
        posts.filter(
            scheduled_for__gte=calendar_dates.day_start(start, zone),
            scheduled_for__lt=calendar_dates.day_start(end + timedelta(days=1), zone),
            status__in=FLOW,
        )
        .order_by()
        .values("status", day=TruncDate("scheduled_for", tzinfo=zone))
        .annotate(count=Count("pk"))
    )
    by_day: dict[date, dict[str, int]] = defaultdict(lambda: dict.fromkeys(FLOW, 0))
    for row in found:
        by_day[row["day"]][row["status"]] = row["count"]
    return by_day


def _waiting_tile(waiting: int, by_day: dict[date, dict[str, int]], today: date) -> Tile:
    soon = sum(by_day[today + timedelta(days=days)][Status.WAITING_FOR_APPROVAL] for days in (0, 1))
    words = f"{soon} of them for today or tomorrow" if soon else "none for today or tomorrow"
    status = Status.WAITING_FOR_APPROVAL
    return Tile("To approve", _said(waiting), words, f"status={status}", "amber" if waiting else "")


def _due_tile(by_day: dict[date, dict[str, int]], today: date) -> Tile:
    out, due = by_day[today][Status.PUBLISHED], by_day[today][Status.SCHEDULED]
    words = f"{out} of today's {out + due} went out" if out or due else "nothing is planned for today"
    return Tile("Due today", str(due), words, f"status={Status.SCHEDULED}", "blue" if due else "")


def _published_tile(by_day: dict[date, dict[str, int]], today: date) -> Tile:
    monday = today - timedelta(days=today.weekday())

    def total(first: date, days: int) -> int:
        return sum(by_day[first + timedelta(days=number)][Status.PUBLISHED] for number in range(days))

    this, last = total(monday, today.weekday() + 1), total(monday - timedelta(days=7), 7)
    return Tile(
        "Published this week",
        str(this),
        f"{last} in the whole week before",
        f"status={Status.PUBLISHED}",
        "green" if this else "",
    )
