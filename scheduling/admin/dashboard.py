"""The desk's front page: what waits, what is next, what just went live, what went wrong. A few rows of each."""

from dataclasses import dataclass
from typing import Any

from accounts.models import Membership, Role, User
from posts.admin import times
from posts.models import Channel, ChannelState
from scheduling.admin.charts import organization_filter
from scheduling.admin.review_queue import SOONEST
from scheduling.admin.stats import dashboard_stats
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
        "figures": dashboard_stats(organizations, times.zone_of(user)),
        "health": health.look(),
        "flow": health.flowing(posts),
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
