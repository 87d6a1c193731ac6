"""The desk's front page: what waits, what is next, what just went live, what went wrong. A few rows of each."""

from dataclasses import dataclass
from typing import Any

from django.db.models import F

from accounts.models import Membership, Role, User
from posts.admin import times
from posts.models import Channel, ChannelState
from scheduling.admin.figures import figures
from scheduling.admin.queue import SOONEST
from scheduling.domain import health
from scheduling.lifecycle import Status
from scheduling.models import ScheduledPost

ROWS = 6


@dataclass(frozen=True)
class Panel:
    """One panel. `status` leads on to the whole list; `empty` is what to say when there is nothing."""

    title: str
    status: str
    posts: list[ScheduledPost]
    empty: str


def overview(user: User) -> dict[str, Any]:
    """Return the panels, and the channels that somebody has to look after."""
    own = list(Membership.objects.filter(user=user).values_list("organization_id", "role"))
    return {
        "may_write": any(role in {Role.EDITOR, Role.ADMIN} for _, role in own),
        "figures": figures([organization for organization, _ in own], times.zone_of(user)),
        "health": health.look(),
        "flow": health.flowing(ScheduledPost.objects.filter(organization__memberships__user=user)),
        "panels": [
            Panel(
                "To approve",
                Status.WAITING_FOR_APPROVAL,
                _rows(user, Status.WAITING_FOR_APPROVAL, *SOONEST),
                "Nothing waits for a decision.",
            ),
            Panel("Next to go out", Status.SCHEDULED, _rows(user, Status.SCHEDULED, *SOONEST), "Nothing is scheduled."),
            Panel(
                "Went live", Status.PUBLISHED, _rows(user, Status.PUBLISHED, *_latest()), "Nothing has gone live yet."
            ),
            Panel("Did not go out", Status.FAILED, _rows(user, Status.FAILED, *_latest()), "Nothing failed."),
        ],
        "channels": list(
            Channel.objects.filter(
                organization__memberships__user=user, state__in=[ChannelState.NEEDS_RECONNECT, ChannelState.BLOCKED]
            ).order_by("name")
        ),
    }


def _latest() -> tuple[Any, str]:
    return F("scheduled_for").desc(nulls_last=True), "-id"


def _rows(user: User, status: Status, *order: Any) -> list[ScheduledPost]:
    mine = ScheduledPost.objects.for_wire().filter(organization__memberships__user=user, status=status)
    return list(mine.order_by(*order)[:ROWS])
