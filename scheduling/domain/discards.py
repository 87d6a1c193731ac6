"""Deletes at the platform what a delivery staged and nothing published: a row for each, and an audit event.

The row is written in the transaction that clears the delivery. A message carries the row's id only, so that a message
made by hand deletes nothing.
"""

import logging
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django.db import transaction

from accounts import clock
from accounts.domain import audit_log
from accounts.domain.actors import WORKER
from accounts.encryption import InvalidToken
from posts.graph.errors import GraphError
from posts.graph.publishers import PUBLISHERS, Account
from scheduling.domain import enqueue
from scheduling.models import Delivery, DeliveryState, Discard

log = logging.getLogger(__name__)
REPEAT = timedelta(minutes=2)  # between two tries; longer than one takes
GIVE_UP = timedelta(days=2)  # after which what is staged stays at the platform, invisible
KEPT = timedelta(days=30)
BATCH = 50
KEPT_STATES = (DeliveryState.PUBLISHED, DeliveryState.UNKNOWN)
DELETABLE = ("photo", "video", "post")  # containers cannot be deleted; they expire


def add(deliveries: Iterable[Delivery]) -> None:
    """Insert a row for what each delivery staged, in the caller's transaction; enqueue the deletions on commit.

    Not for a delivery that is published, or may be.
    """
    discarded = [delivery for delivery in deliveries if delivery.state not in KEPT_STATES]
    _insert([row for delivery in discarded for row in _rows(delivery, delivery.staged)])


def add_objects(delivery: Delivery, staged: dict[str, Any]) -> None:
    """The same for objects that the delivery's row does not contain: it has others, or its post was reverted."""
    _insert(_rows(delivery, staged))


def _rows(delivery: Delivery, staged: dict[str, Any]) -> list[Discard]:
    """Return a row for each object."""
    photos = [{"kind": "photo", "photo": photo} for photo in staged.get("photos", [])]
    objects = photos or ([staged] if object_id(staged) else [])
    given = {"channel_id": delivery.channel_id, "post_id": delivery.post_id, "delivery_id": delivery.pk or 0}
    return [Discard(**given, staged=each) for each in objects]


def _insert(rows: list[Discard]) -> None:
    ids = [row.pk for row in Discard.objects.bulk_create(rows)]
    if ids:
        transaction.on_commit(lambda: [enqueue.send_task("discard", pk) for pk in ids])


def object_id(staged: dict[str, Any]) -> str:
    """Return the platform's id of what was staged and can be deleted; empty when there is nothing."""
    return str(next((staged[name] for name in DELETABLE if staged.get(name)), ""))


def discard(discard_id: int) -> bool:
    """Delete what the row names and return whether it was deleted. A second call does nothing.

    Nothing is deleted that the platform shows as published or that a delivery has now. The audit event is written
    before the call. When the platform does not answer, a later sweep tries again.
    """
    due = Discard.objects.filter(pk=discard_id, done_at=None, retry_at__lte=clock.now())
    if not due.update(retry_at=clock.now() + REPEAT):
        return False
    row = Discard.objects.select_related("channel").get(pk=discard_id)
    deleted = False
    if clock.now() - row.created_at < GIVE_UP and not _is_in_use(row):
        try:
            deleted = _delete(row)
        except (GraphError, InvalidToken) as error:
            log.info("discarding %s: %s", row.pk, type(error).__name__)
            return False
    Discard.objects.filter(pk=row.pk).update(done_at=clock.now())
    return deleted


def enqueue_due() -> int:
    """Enqueue the rows whose messages were lost or whose try failed, and delete the rows of long ago."""
    Discard.objects.filter(done_at__lt=clock.now() - KEPT).delete()
    due = Discard.objects.filter(done_at=None, retry_at__lte=clock.now() - timedelta(seconds=10))
    return sum(enqueue.send_task("discard", pk) for pk in due.order_by("pk").values_list("pk", flat=True)[:BATCH])


def _is_in_use(row: Discard) -> bool:
    """Whether the delivery has the object again, or a delivery of the account published it."""
    staged = object_id(row.staged)
    current = Delivery.objects.filter(pk=row.delivery_id).values_list("staged", flat=True).first()
    account = {"channel__type": row.channel.type, "channel__platform_id": row.channel.platform_id}
    published = Delivery.objects.filter(**account, platform_post_id=staged)
    in_use = {object_id(current or {}), *(current or {}).get("photos", [])}
    return staged in in_use or published.exists()


def _delete(row: Discard) -> bool:
    channel = row.channel
    account = Account(channel.type, channel.platform_id, channel.token)
    publisher = PUBLISHERS[channel.type]
    unpublished = publisher.find_unpublished(account, row.staged)
    if not unpublished:
        return False
    if not row.recorded:
        with transaction.atomic():
            Discard.objects.filter(pk=row.pk).update(recorded=True)
            audit_log.record(
                WORKER,
                "discard",
                organization_id=channel.organization_id,
                subject=f"post:{row.post_id}",
                channel=channel.public_id,
                object=unpublished,
            )
    publisher.delete_unpublished(account, unpublished)
    return True
