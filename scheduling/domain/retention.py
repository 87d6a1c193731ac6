"""Deletes notifications and events after their retention period, in batches until none is left."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from itertools import takewhile
from uuid import UUID

from django.core.cache import cache
from django.db.models import Min, OuterRef, Subquery

from accounts import clock
from accounts.models import Organization
from posts.domain import media_store
from scheduling.domain import event_feed
from scheduling.models import Event, Notification

NOTIFICATIONS_KEPT = timedelta(days=90)
BATCH = 1000
LOCK, LOCK_SECONDS = "retention", 600


def delete_old() -> int:
    """Delete notifications with their deliveries, and events; return how many rows. One process at a time.

    Each batch is a transaction of its own. The oldest rows of an organization are found by its indexes, so that the
    cost follows what is deleted and not what is kept.
    """
    count = 0
    with locked() as is_ours:
        organizations = Organization.objects.values_list("pk", flat=True) if is_ours else []
        for organization_id in organizations:
            for delete_batch in (_delete_notifications, _delete_events):
                while deleted := delete_batch(organization_id):
                    count += deleted
                    cache.touch(LOCK, LOCK_SECONDS)
    return count


@contextmanager
def locked() -> Iterator[bool]:
    """Yield whether no other process deletes; it expires LOCK_SECONDS after a process that was killed."""
    is_ours = cache.add(LOCK, 1, timeout=LOCK_SECONDS)
    try:
        yield is_ours
    finally:
        if is_ours:
            cache.delete(LOCK)


def overdue() -> float:
    """Return for how many seconds the oldest row or media file should have been deleted; 0.0 when none should.

    Deletion of rows runs hourly, so that up to an hour is normal. Files are deleted daily, and late a day afterwards.
    """
    notifications = Notification.objects.filter(organization=OuterRef("pk")).order_by("created_at")
    same = Event.objects.filter(organization=OuterRef("organization"), position__isnull=False)
    last = Subquery(same.order_by("-position").values("position")[:1])  # it stays
    events = Event.objects.filter(organization=OuterRef("pk"), position__lt=last).order_by("position")
    oldest = Organization.objects.aggregate(
        notification=Min(Subquery(notifications.values("created_at")[:1])), event=Min(Subquery(events.values("at")[:1]))
    )
    now = clock.now()
    ages = [
        (now - at - kept).total_seconds()
        for at, kept in (
            (oldest["notification"], NOTIFICATIONS_KEPT),
            (oldest["event"], event_feed.KEPT),
            (media_store.oldest_orphan(), media_store.ORPHAN_AGE + timedelta(days=1)),
        )
        if at is not None
    ]
    return max(0.0, *ages) if ages else 0.0


def _delete_notifications(organization_id: UUID) -> int:
    old = Notification.objects.filter(
        organization=organization_id, created_at__lt=clock.now() - NOTIFICATIONS_KEPT
    ).order_by("created_at")
    return Notification.objects.filter(pk__in=list(old.values_list("pk", flat=True)[:BATCH])).delete()[0]


def _delete_events(organization_id: UUID) -> int:
    """Delete the first events by position while they are old. The newest stays: it has the last position."""
    numbered = Event.objects.filter(organization=organization_id, position__isnull=False)
    last = numbered.order_by("-position").values_list("position", flat=True).first() or 0
    until = clock.now() - event_feed.KEPT
    first = numbered.filter(position__lt=last).order_by("position").values_list("pk", "at")[:BATCH]
    old = [pk for pk, _ in takewhile(lambda row: row[1] < until, first)]
    return Event.objects.filter(pk__in=old).delete()[0] if old else 0
