"""Delivers notifications: one Celery task per delivery. The delivery's row is the outbox; the task is only a hint.

1. `fan_out` creates the rows and enqueues a task for each on commit.
2. A worker of the queue `notifications` claims a row by compare-and-set for LEASE, sends it, and stores the outcome.
3. A failed delivery is retried at `retry_at`, after a pause that doubles, for a day, and not before the receiver's
   Retry-After. After a timeout or a Retry-After all deliveries to the same receiver wait as long. 410 stops the
   webhook.
4. The sweep enqueues what is due: retries, and deliveries whose task was lost.
A worker that is killed leaves a claim that expires: then the notification is sent again, under the same id.

A thread that waits for a receiver cannot be interrupted, so the deadlines are those of the requests (`safe_http`,
EMAIL_TIMEOUT), and the publishing worker does not take from this queue.
"""

import logging
import random
from datetime import datetime, timedelta
from typing import Any

from django.core.cache import cache
from django.db import transaction
from django.db.models import QuerySet

from accounts import clock
from accounts.domain import audit_log
from accounts.domain.actors import Actor
from accounts.exceptions import Conflict
from scheduling.domain import enqueue
from scheduling.domain.notifications import webhooks
from scheduling.domain.notifications.emails import send_email
from scheduling.domain.notifications.exceptions import DeliveryFailed, NotificationObsolete
from scheduling.domain.notifications.webhook_sender import send_webhook
from scheduling.models import DispatchState, NotificationDelivery, NotificationMedium, Webhook

log = logging.getLogger(__name__)
BATCH = 100
LEASE = timedelta(seconds=90)  # longer than the deadline of any request
GIVEN_UP_AFTER = timedelta(days=1)
FIRST_PAUSE, LONGEST_PAUSE = 30.0, 3600.0  # seconds
NEW = timedelta(seconds=10)  # in which a delivery has the task that was enqueued on commit
LOST = 300  # seconds after which the sweep enqueues a delivery once more that no worker has claimed
PENDING = DispatchState.PENDING


def due() -> QuerySet[NotificationDelivery]:
    """Return the deliveries to be sent now, the one that has waited longest first."""
    return NotificationDelivery.objects.filter(state=PENDING, retry_at__lte=clock.now()).order_by("retry_at", "pk")


def enqueue_due() -> int:
    """Enqueue a task for each due delivery; return how many. The cache keeps a full queue from growing each sweep."""
    enqueued = 0
    rows = due().exclude(attempt_count=0, last_error="", retry_at__gt=clock.now() - NEW)
    for pk, retry_at in rows.values_list("pk", "retry_at")[:BATCH]:
        key = f"deliver:{pk}:{retry_at.timestamp()}"
        if not cache.add(key, 1, timeout=LOST):
            continue
        if not enqueue.send_task("deliver_notification", pk):
            cache.delete(key)
            break
        enqueued += 1
    return enqueued


def deliver(delivery_id: int) -> str:
    """Send a due delivery to the receiver of `delivery_id`; return its new state, or "skipped"."""
    delivery = claim(delivery_id)
    if delivery is None:
        return "skipped"
    state = send(delivery)
    if delivery.webhook_id is not None:
        # Its task was skipped while this one held the webhook.
        waiting = due().filter(webhook=delivery.webhook_id).values_list("pk", flat=True).first()
        if waiting is not None:
            enqueue.send_task("deliver_notification", waiting)
    return state


def claim(delivery_id: int) -> NotificationDelivery | None:
    """Claim the longest waiting due delivery to the webhook of `delivery_id`, or the e-mail `delivery_id`, for LEASE.

    Returns None when none is due, and while another task sends to the same webhook, so that a receiver that does not
    respond occupies one thread. The lock on the webhook orders the tasks that claim at the same time.
    """
    with transaction.atomic():
        webhook_id = NotificationDelivery.objects.filter(pk=delivery_id).values_list("webhook", flat=True).first()
        if webhook_id is None:
            rows = due().filter(pk=delivery_id)
        else:
            Webhook.objects.select_for_update(no_key=True).filter(pk=webhook_id).first()
            to_webhook = NotificationDelivery.objects.filter(webhook=webhook_id, state=PENDING)
            if to_webhook.filter(attempt_count__gt=0, last_error="", retry_at__gt=clock.now()).exists():
                return None
            rows = due().filter(webhook=webhook_id)
        delivery = rows.select_related("notice__organization", "notice__channel", "user", "webhook").first()
        if delivery is None:
            return None
        claimed = {"retry_at": clock.now() + LEASE, "attempt_count": delivery.attempt_count + 1, "last_error": ""}
        if not _unchanged(delivery).update(**claimed):
            return None
    for name, value in claimed.items():
        setattr(delivery, name, value)
    return delivery


def send(delivery: NotificationDelivery) -> str:
    """Send a claimed delivery and store the outcome; return its new state."""
    try:
        if delivery.means == NotificationMedium.EMAIL:
            send_email(delivery)
        else:
            send_webhook(delivery)
    except NotificationObsolete as obsolete:
        return _finish(delivery, DispatchState.OBSOLETE, str(obsolete))
    except DeliveryFailed as error:
        if error.gone and delivery.webhook is not None:
            webhooks.stop(delivery.webhook)
            return _finish(delivery, DispatchState.FAILED, str(error)[:500])
        return _retry_or_give_up(delivery, str(error)[:500], timed_out=error.timed_out, retry_after=error.retry_after)
    except Exception as error:
        log.exception("delivery %s", delivery.pk)
        message = f"An error inside Dynamo ({type(error).__name__}); its log has the details."
        return _retry_or_give_up(delivery, message, timed_out=False)
    # Unconditional: it was sent, also when the claim has expired in the meantime.
    sent = {"state": DispatchState.SENT, "sent_at": clock.now(), "last_error": ""}
    NotificationDelivery.objects.filter(pk=delivery.pk).update(**sent)
    return DispatchState.SENT


def resend(actor: Actor, delivery: NotificationDelivery) -> None:
    """Send the delivery now, once more, whatever its state. Raises Conflict while it is being sent."""
    with transaction.atomic():
        rows = NotificationDelivery.objects.filter(
            pk=delivery.pk, state=delivery.state, attempt_count=delivery.attempt_count, last_error=delivery.last_error
        )
        in_progress = delivery.state == PENDING and not delivery.last_error
        if in_progress or not rows.update(
            state=PENDING, attempt_count=0, retry_at=clock.now(), sent_at=None, last_error=""
        ):
            raise Conflict("It is already being sent")
        subject, organization = f"notice:{delivery.notice_id}", delivery.notice.organization_id
        audit_log.record(actor, "notice.resend", organization_id=organization, subject=subject, dispatch=delivery.pk)
        enqueue.deliver_after_commit([delivery.pk])


def _retry_or_give_up(
    delivery: NotificationDelivery, message: str, *, timed_out: bool, retry_after: float | None = None
) -> str:
    now = clock.now()
    pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** min(delivery.attempt_count - 1, 10))
    retry_at = now + timedelta(seconds=pause * random.uniform(1.0, 1.25))  # noqa: S311  jitter, not a secret
    if retry_after is not None:
        retry_at = max(retry_at, now + timedelta(seconds=retry_after))
    if delivery.notice.created_at <= now - GIVEN_UP_AFTER:
        state = _finish(delivery, DispatchState.FAILED, message)
    else:
        _unchanged(delivery).update(retry_at=retry_at, last_error=message)
        state = PENDING
    if timed_out or retry_after is not None:
        _postpone_others(delivery, now, retry_at, message)
    return state


def _postpone_others(delivery: NotificationDelivery, now: datetime, retry_at: datetime, message: str) -> None:
    """Postpone what else is due for the same receiver, and give up what is older than a day."""
    others = NotificationDelivery.objects.filter(
        state=PENDING, retry_at__lte=now, means=delivery.means, webhook=delivery.webhook_id
    )
    old = others.filter(notice__created_at__lte=now - GIVEN_UP_AFTER)
    old.update(state=DispatchState.FAILED, last_error=message)
    others.update(retry_at=retry_at, last_error=message)


def _finish(delivery: NotificationDelivery, state: DispatchState, message: str) -> str:
    _unchanged(delivery).update(state=state, last_error=message)
    return state


def _unchanged(delivery: NotificationDelivery) -> Any:
    """Return the row unless another task has claimed it since: an expired claim stores no outcome."""
    return NotificationDelivery.objects.filter(
        pk=delivery.pk, state=PENDING, retry_at=delivery.retry_at, attempt_count=delivery.attempt_count
    )
