"""An outcome that is not known is read back. Reads only: nothing here can publish."""

import logging
from datetime import datetime, timedelta

from django.conf import settings
from django.db import DatabaseError, transaction
from django.db.models import QuerySet

from accounts import clock
from posts.graph.errors import GraphError
from posts.graph.publishers import LookupResult, LookupStatus
from posts.models import Channel
from scheduling.domain.content import Content
from scheduling.domain.publishing import outcomes, payload, retry_policy
from scheduling.domain.publishing.lease import PublishRun
from scheduling.models import Attempt, Delivery, DeliveryState, Outcome

log = logging.getLogger(__name__)
FIRST_LOOK = 2.0  # seconds after an unclear answer; most late successes are readable by then
PROOFS = 2  # spaced absence_count that allow another try
HELD_BACK = "The platform took this for spam and held it back; it did not go live."
CLAIMED_WITHIN = timedelta(days=1)
FAST = timedelta(days=1)  # by which our clock may have been ahead where the platform's was not known


def open_attempts(run: PublishRun) -> dict[int, Attempt]:
    """Return by delivery its latest attempt of which nobody knows how it ended, whatever was tried after it."""
    rows = Attempt.objects.filter(delivery__in=run.deliveries, approval=run.post.approval).order_by("id")
    return {row.delivery_id: row for row in rows.filter(outcome__in=outcomes.OPEN)}


def handle_internal_error(run: PublishRun, delivery: Delivery, error: Exception) -> None:
    """An error of our own broke off a step: go on later, from the ledger, and not for ever.

    What was never sent ends by the late limit, what may have been sent as not known.
    """
    last = open_attempts(run).get(delivery.pk)
    if last is not None and clock.now() - last.started_at > timedelta(seconds=settings.RECONCILE_LIMIT):
        outcomes.unknown(delivery)
    else:
        outcomes.schedule_retry(delivery, error, seconds=min(60.0, FIRST_LOOK * 2 ** min(delivery.attempt_count, 5)))


def reconcile(delivery: Delivery, content: Content, last: Attempt) -> bool:
    """Read back what became of `last`; return whether another try is allowed: only after proof of absence, twice.

    Found live: the delivery is settled as published. Unclear for longer than the limit: settled as unknown.
    """
    finding = _look(delivery, content, last)
    if finding.verdict is LookupStatus.PUBLISHED:
        _live(delivery, content, last, finding.post_id)
    elif finding.verdict is LookupStatus.NOT_FOUND:
        return _absent(delivery, last)
    elif clock.now() - last.started_at > timedelta(seconds=settings.RECONCILE_LIMIT):
        outcomes.unknown(delivery)
    else:
        age = (clock.now() - last.started_at).total_seconds()
        pause = min(60.0, max(FIRST_LOOK, age / 3))
        outcomes.update_delivery(delivery, state=DeliveryState.PENDING, retry_at=payload.seconds_from_now(pause))
    return False


def _live(delivery: Delivery, content: Content, last: Attempt, post_id: str) -> None:
    """Settle it as published, unless somebody else who reads the same Page back has claimed the post just now."""
    channel = delivery.channel
    with transaction.atomic():
        same = Channel.objects.filter(type=channel.type, platform_id=channel.platform_id)
        list(same.select_for_update(no_key=True).order_by("pk").values_list("pk", flat=True))
        if post_id and claimed_deliveries(channel).filter(platform_post_id=post_id).exclude(pk=delivery.pk).exists():
            outcomes.update_delivery(
                delivery, state=DeliveryState.PENDING, retry_at=payload.seconds_from_now(FIRST_LOOK)
            )
            return
        outcomes.mark_published(delivery, last, content, post_id)


def claimed_deliveries(channel: Channel) -> QuerySet[Delivery]:
    """Return the deliveries that are live on the channel's Page or account, whichever organization connected it.

    For ids alone: one organization learns nothing of another.
    """
    same = Channel.objects.filter(type=channel.type, platform_id=channel.platform_id)
    return Delivery.objects.filter(channel__in=same).exclude(platform_post_id="")


def _look(delivery: Delivery, content: Content, last: Attempt) -> LookupResult:
    """Read back from the first attempt on: by the platform's clock where that was known then.

    Where it was not, or says what cannot be, ours may have been fast, and the post stand in front of the window. What
    is found further back proves nothing, neither that it is ours nor that ours is absent.
    """
    tries = [*delivery.attempts.filter(approval=last.approval_id), last]
    begun = min(item.started_at for item in tries)
    since = min(item.platform_at or begun - FAST for item in tries)
    sure = all(item.platform_at for item in tries) and begun - since <= FAST
    finding = _find(delivery, content, min(begun, since) if sure else begun)
    if sure or finding.verdict is not LookupStatus.NOT_FOUND:
        return finding
    finding = _find(delivery, content, since)
    return finding if finding.verdict is LookupStatus.NOT_FOUND else LookupResult(LookupStatus.UNKNOWN)


def _find(delivery: Delivery, content: Content, since: datetime) -> LookupResult:
    try:
        claimed = claimed_deliveries(delivery.channel).filter(published_at__gte=since - CLAIMED_WITHIN)
        return payload.delivery_publisher(delivery).find(
            payload.delivery_account(delivery),
            payload.build_payload(content, delivery),
            delivery.staged,
            since=since,
            claimed=set(claimed.values_list("platform_post_id", flat=True)),
        )
    except GraphError:
        return LookupResult(LookupStatus.UNKNOWN)
    except DatabaseError:
        raise
    except Exception:
        # An answer of a shape that nobody expected proves nothing.
        log.exception("reading back delivery %s", delivery.pk)
        return LookupResult(LookupStatus.UNKNOWN)


def _may_still_come(last: Attempt) -> bool:
    """Whether the platform may still be at work on an attempt that it did not answer."""
    since = clock.now() - last.started_at
    return retry_policy.may_land_late(last.error_code) and since < timedelta(seconds=settings.LANDING_LIMIT)


def _absent(delivery: Delivery, last: Attempt) -> bool:
    """Whether another try is allowed: once the absence was seen often enough, and is not to be waited for longer."""
    if delivery.absence_count + 1 < PROOFS or _may_still_come(last):
        again = payload.seconds_from_now(settings.ABSENCE_SPACING)
        outcomes.update_delivery(
            delivery, state=DeliveryState.PENDING, absence_count=delivery.absence_count + 1, retry_at=again
        )
        return False
    said = last.error_message or "Read back twice: it did not go live."
    if not outcomes.write(last, Outcome.REFUSED, error_message=said):
        return False  # another has found out meanwhile
    if last.error_code in retry_policy.BLOCKS_WHEN_ABSENT:
        outcomes.mark_blocked(delivery, last.error_code, HELD_BACK)
        return False
    outcomes.update_delivery(delivery, absence_count=0, retry_at=None)
    return True
