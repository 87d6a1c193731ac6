"""What is worth telling. Each notice follows from a line of the trail, or from an instant that comes near.

The line is written in the transaction in which the thing became true, and is sealed exactly once, whoever seals; the
notice is written in that very transaction. So nothing is told twice or forgotten, and publishing writes nothing more.
"""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.cache import cache
from django.db.models import Exists, OuterRef, Q

from accounts import clock
from accounts.domain import trail
from accounts.domain.rules import RULES
from accounts.models import AuditEvent, Organization
from posts.models import Channel
from scheduling.lifecycle import Status
from scheduling.models import Notice, NoticeKind, ScheduledPost

BATCH = 500
KEPT = timedelta(days=90)
GRACE = timedelta(minutes=5)
BY_STATE: dict[str, NoticeKind] = {
    Status.WAITING_FOR_APPROVAL: NoticeKind.SUBMITTED,
    Status.REJECTED: NoticeKind.REJECTED,
    Status.SCHEDULED: NoticeKind.APPROVED,
    Status.PUBLISHED: NoticeKind.PUBLISHED,
}
FIRST = "approve_first"
QUOTED = ("notes", "failure", "unknown", "absent", "reason")  # of a line's details


def listen() -> int:
    """Seal what the trail has not sealed yet, and write a notice of what is news; return how many lines were sealed."""
    return trail.seal(heard=note)


def note(organization_id: UUID, events: list[AuditEvent]) -> None:
    """Write the notices of the organization's `events`. An organization or a channel that is gone has no news.

    Nor has what a person handed in and approved in one go, which is how a scheduled post is moved: it never waited.
    """
    passed = _passed(events)
    news = [
        Notice(organization_id=organization_id, kind=kind, details=_details(event), **_subject(event, kind))
        for event in events
        if event.pk not in passed
        for kind in _kinds(event)
    ]
    if not news or not Organization.objects.filter(pk=organization_id).exists():
        return
    named = {one.channel_id for one in news if one.channel_id is not None}
    there = set(Channel.objects.filter(pk__in=named).values_list("pk", flat=True)) if named else set()
    told = [one for one in news if one.channel_id is None or one.channel_id in there]
    Notice.objects.bulk_create(told, ignore_conflicts=True)


def remind() -> int:
    """Write a notice of each waiting post whose instant is near, once for an instant; return how many.

    Whoever was told a moment ago that it waits knows its instant: GRACE passes before they are told again, if there is
    time. A post that is moved by less than the lead is not told of again.
    """
    now, lead = clock.now(), timedelta(seconds=settings.UNAPPROVED_LEAD)
    told = Notice.objects.filter(
        kind=NoticeKind.UNAPPROVED, post_id=OuterRef("pk"), created_at__gte=OuterRef("scheduled_for") - lead
    )
    waiting = ScheduledPost.objects.filter(
        ~Exists(told),
        Q(updated_at__lte=now - GRACE) | Q(scheduled_for__lte=now + GRACE),
        status=Status.WAITING_FOR_APPROVAL,
        scheduled_for__gt=now,
        scheduled_for__lte=now + lead,
        organization__active=True,
    )
    near = [
        Notice(
            organization_id=post.organization_id,
            kind=NoticeKind.UNAPPROVED,
            post_id=post.pk,
            once=f"unapproved:{post.pk}:{post.scheduled_for.timestamp():.3f}",
            created_at=now,
        )
        for post in waiting.order_by("scheduled_for")[:BATCH]
        if post.scheduled_for is not None
    ]
    Notice.objects.bulk_create(near, ignore_conflicts=True)
    return len(near)


def forget() -> int:
    """Delete notices from before the days that they are kept, with what became of them; at most once an hour."""
    if not cache.add("notices-forget", 1, timeout=3600):
        return 0
    old = Notice.objects.filter(created_at__lt=clock.now() - KEPT).values_list("pk", flat=True)
    return Notice.objects.filter(pk__in=list(old[:BATCH])).delete()[0]


def _passed(events: Sequence[AuditEvent]) -> set[int]:
    """Return the ids of the submissions that the same person approved as the next thing that befell the post."""
    befell: dict[str, list[AuditEvent]] = {}
    for event in events:
        befell.setdefault(event.subject, []).append(event)
    return {
        one.pk
        for line in befell.values()
        for one, after in pairwise(line)
        if one.verb == "submit" and after.verb in {"approve", FIRST}
        if (one.actor_kind, one.actor_id) == (after.actor_kind, after.actor_id)
    }


def _kinds(event: AuditEvent) -> Iterator[NoticeKind]:
    subject = event.subject.partition(":")[0]
    if subject == "channel" and event.verb == "channel.needs_reconnect":
        yield NoticeKind.RECONNECT
    if subject == "organization" and _rules(event):
        yield NoticeKind.RULES
    if subject == "post" and event.verb == FIRST:
        yield NoticeKind.SUBMITTED
    if subject != "post" or event.state_from == event.state_to:
        return
    if event.state_to in BY_STATE:
        yield BY_STATE[event.state_to]
    elif event.state_to == Status.FAILED:
        # One notice says both, where it failed on one channel and is not known on another.
        yield NoticeKind.UNKNOWN if event.details.get("unknown") else NoticeKind.FAILED


def _rules(event: AuditEvent) -> dict[str, bool]:
    """Return the rules of an organization that were changed, as they are from then on."""
    if event.verb != "organization.change":
        return {}
    return {name: bool(after) for name, (_, after) in event.details.get("changed", {}).items() if name in RULES}


def _subject(event: AuditEvent, kind: NoticeKind) -> dict[str, Any]:
    subject, _, pk = event.subject.partition(":")
    about: dict[str, Any] = {"post_id": UUID(pk)} if subject == "post" else {}
    if subject == "channel":
        about = {"channel_id": int(pk)}
    return {**about, "created_at": event.at, "once": f"trail:{event.pk}:{kind}"}


def _details(event: AuditEvent) -> dict[str, Any]:
    quoted = {name: event.details[name] for name in QUOTED if event.details.get(name)}
    if event.verb == FIRST:
        quoted["first"] = True
    if rules := _rules(event):
        quoted["rules"] = rules
    return {**quoted, "by": {"kind": event.actor_kind, "id": event.actor_id, "name": event.actor_name}}
