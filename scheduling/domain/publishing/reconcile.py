"""Reads back an attempt whose outcome is not known. Nothing here can publish."""

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
from scheduling.models import Attempt, Delivery, DeliveryState, Outcome

log = logging.getLogger(__name__)
ABSENCES_REQUIRED = 2  # spaced read-backs without the post that allow another attempt
HELD_BACK = "The platform classified this as spam and did not publish it."
CLAIMED_WITHIN = timedelta(days=1)
MAX_CLOCK_ERROR = timedelta(days=1)  # by which our clock may have been fast where the platform's was not known


def reconcile(delivery: Delivery, content: Content, last: Attempt) -> bool:
    """Read back `last`; return whether another attempt is allowed: only after ABSENCES_REQUIRED absences.

    Found: the delivery is settled as published. Unclear for longer than RECONCILE_LIMIT: settled as unknown.
    """
    result = _look_up(delivery, content, last)
    if result.verdict is LookupStatus.PUBLISHED:
        _mark_published(delivery, content, last, result.post_id)
    elif result.verdict is LookupStatus.NOT_FOUND:
        return _handle_absence(delivery, last)
    elif clock.now() - last.started_at > timedelta(seconds=settings.RECONCILE_LIMIT):
        message = f"{result.note}, then enter the result." if result.note else outcomes.NOT_KNOWN
        outcomes.mark_unknown(delivery, message=message)
    else:
        age = (clock.now() - last.started_at).total_seconds()
        _read_back_in(delivery, min(60.0, max(retry_policy.READ_BACK_AFTER, age / 3)))
    return False


def claimed_deliveries(channel: Channel) -> QuerySet[Delivery]:
    """Return the deliveries published to the channel's Page or account, whichever organization connected it.

    For ids only: an organization must not read another's rows.
    """
    return Delivery.objects.filter(channel__in=_same_account(channel)).exclude(platform_post_id="")


def _same_account(channel: Channel) -> QuerySet[Channel]:
    return Channel.objects.filter(type=channel.type, platform_id=channel.platform_id)


def _read_back_in(delivery: Delivery, seconds: float, **columns: int) -> None:
    retry_at = payload.seconds_from_now(seconds)
    outcomes.update_delivery(delivery, state=DeliveryState.PENDING, retry_at=retry_at, **columns)


def _mark_published(delivery: Delivery, content: Content, last: Attempt, post_id: str) -> None:
    """Settle it as published, unless another delivery that reads the same Page has claimed the post just now."""
    channel = delivery.channel
    with transaction.atomic():
        # Locks every channel of the Page or account, in one order: two deliveries cannot claim one post.
        list(_same_account(channel).select_for_update(no_key=True).order_by("pk").values_list("pk", flat=True))
        if post_id and claimed_deliveries(channel).filter(platform_post_id=post_id).exclude(pk=delivery.pk).exists():
            _read_back_in(delivery, retry_policy.READ_BACK_AFTER)
            return
        outcomes.mark_published(delivery, last, content, post_id)


def _look_up(delivery: Delivery, content: Content, last: Attempt) -> LookupResult:
    """Read back from the first attempt on, by the platform's clock where it was known then.

    Where it was not known or is implausible, our clock may have been fast, and the post may be older than the window.
    What is found further back is no evidence, neither that it is ours nor that ours is absent.
    """
    attempts = [*delivery.attempts.filter(approval=last.approval_id), last]
    begun = min(attempt.started_at for attempt in attempts)
    since = min(attempt.platform_at or begun - MAX_CLOCK_ERROR for attempt in attempts)
    sure = all(attempt.platform_at for attempt in attempts) and begun - since <= MAX_CLOCK_ERROR
    result = _look_up_since(delivery, content, min(begun, since) if sure else begun)
    if sure or result.verdict is not LookupStatus.NOT_FOUND:
        return result
    result = _look_up_since(delivery, content, since)
    return result if result.verdict is LookupStatus.NOT_FOUND else LookupResult(LookupStatus.UNKNOWN)


def _look_up_since(delivery: Delivery, content: Content, since: datetime) -> LookupResult:
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
        # A response of an unexpected shape is no evidence.
        log.exception("reading back delivery %s", delivery.pk)
        return LookupResult(LookupStatus.UNKNOWN)


def _handle_absence(delivery: Delivery, last: Attempt) -> bool:
    """Return whether another attempt is allowed: the post was absent often enough and cannot appear late."""
    fresh = clock.now() - last.started_at < timedelta(seconds=settings.LANDING_LIMIT)
    may_appear = fresh and retry_policy.may_land_late(last.error_code)
    if delivery.absence_count + 1 < ABSENCES_REQUIRED or may_appear:
        _read_back_in(delivery, settings.ABSENCE_SPACING, absence_count=delivery.absence_count + 1)
        return False
    message = last.error_message or "Read back twice: it was not published."
    if not outcomes.write_outcome(last, Outcome.REFUSED, error_message=message):
        return False  # another worker has found the outcome
    if last.error_code in retry_policy.BLOCKS_WHEN_ABSENT:
        outcomes.mark_blocked(delivery, last.error_code, HELD_BACK)
        return False
    outcomes.update_delivery(delivery, absence_count=0, retry_at=None)
    return True
