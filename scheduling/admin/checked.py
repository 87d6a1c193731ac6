"""The queue by what the checks say. That is no column: it is found by walking down the queue, a stretch at a time."""

from dataclasses import dataclass
from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpRequest

from accounts.admin.scoping import roles
from scheduling.admin.queue import SOONEST, later_than
from scheduling.domain.checks import checks_of, worst
from scheduling.lifecycle import Status
from scheduling.models import ScheduledPost

STEP, STEPS = 100, 5  # posts whose checks are looked at together, and how often for one page
ENOUGH = 50  # fitting posts, which fill a page
WANTED = {"passed": {"ok"}, "open": {"stop", "warn", "unknown"}, "stop": {"stop"}}


@dataclass(frozen=True)
class Walk:
    """What was looked at: `looked` posts, soonest first, from `start` on, of which `fitting` are what is wanted.

    `last` is where to go on from, None when there is nothing further. So every post of the queue is reached.
    """

    fitting: list[UUID]
    looked: int
    start: ScheduledPost | None
    last: UUID | None


def walk(request: HttpRequest, posts: QuerySet[ScheduledPost]) -> Walk | None:
    """Walk down those of `posts` that wait, as the address's `checks` and `after` say; None when it asks for none."""
    wanted = WANTED.get(request.GET.get("checks", ""))
    if wanted is None:
        return None
    waiting = posts.filter(status=Status.WAITING_FOR_APPROVAL).order_by(*SOONEST)
    start = at = _named(request, request.GET.get("after", ""))
    fitting: list[UUID] = []
    looked = 0
    for _ in range(STEPS):
        rows = list((waiting.filter(later_than(at)) if at else waiting)[: STEP + 1])
        stretch = rows[:STEP]
        fitting += [pk for pk, found in checks_of(stretch).items() if worst(found) in wanted]
        looked += len(stretch)
        if len(rows) <= STEP:
            return Walk(fitting, looked, start, None)
        at = stretch[-1]
        if len(fitting) >= ENOUGH:
            break
    return Walk(fitting, looked, start, at.pk if at else None)


def _named(request: HttpRequest, text: str) -> ScheduledPost | None:
    try:
        return ScheduledPost.objects.filter(pk=UUID(text), organization__in=list(roles(request))).first()
    except ValueError:
        return None
