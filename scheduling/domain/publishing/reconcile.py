"""Reads back an attempt whose outcome is not known. Nothing here can publish."""

import logging
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import DatabaseError, transaction
from django.db.models import QuerySet

from accounts import clock
from posts.graph.errors import GraphError
from posts.graph.publishers import LookupResult, LookupStatus
from posts.models import Channel, PublishedPost
from scheduling.domain.content import Content
from scheduling.domain.publishing import hold, outcomes, payload, retry_policy
from scheduling.models import Attempt, Delivery, DeliveryState, Outcome, PublishingState, ScheduledPost

log = logging.getLogger(__name__)
ABSENCES_REQUIRED = 2  # spaced read-backs without the post that allow another attempt
LATE = "LATE"  # error code of the row that stands for an attempt of which this database knows nothing
LOST = "LOST"  # the same, for one that a copy of the database had that is lost
NEVER_SEEN = (LATE, LOST)
LATE_AFTER = timedelta(seconds=5)
HELD_BACK = "The platform classified this as spam and did not publish it."
CLAIMED_WITHIN = timedelta(days=1)
MESSAGES = {
    LATE: "Late: read back first, because another copy of the database may have sent it.",
    LOST: "Read back first: before the database was restored it may have been published.",
}
MAX_CLOCK_ERROR = timedelta(days=1)  # by which our clock may have been fast where the platform's was not known


def reconcile(delivery: Delivery, content: Content, last: Attempt) -> bool:
    """Read back `last`; return whether another attempt is allowed: only after ABSENCES_REQUIRED absences.

    Found: the delivery is settled as published. Unclear for longer than RECONCILE_LIMIT: settled as unknown.
    """
    result = LookupResult(LookupStatus.NOT_FOUND)
    if last.error_code != LOST:
        result = _look_up(delivery, content, last, by_content=last.error_code == LATE or is_overdue(delivery))
    if result.verdict is LookupStatus.NOT_FOUND and delivery.lost_since is not None:
        result = look_up_lost(delivery, content, delivery.lost_since)
    if result.verdict is LookupStatus.PUBLISHED:
        if not mark_found(delivery, content, last, result.post_id):
            read_back_soon(delivery)
    elif result.verdict is LookupStatus.NOT_FOUND:
        return _handle_absence(delivery, last)
    elif clock.now() - last.started_at > timedelta(seconds=settings.RECONCILE_LIMIT):
        message = f"{result.note}, then enter the result." if result.note else outcomes.NOT_KNOWN
        outcomes.mark_unknown(delivery, message=message)
    else:
        age = (clock.now() - last.started_at).total_seconds()
        _read_back_in(delivery, min(60.0, max(retry_policy.READ_BACK_AFTER, age / 3)))
    return False


def is_overdue(delivery: Delivery) -> bool:
    """Whether its next step was due more than LATE_AFTER ago.

    The post may then have been sent in the meantime although this database has no attempt: it was restored from a
    backup, or a replica without the last transactions took over.
    """
    planned = [at for at in (delivery.post.scheduled_for, delivery.retry_at) if at is not None]
    return bool(planned) and clock.now() - max(planned) > LATE_AFTER


def lost_attempt(post: ScheduledPost, code: str = LATE) -> dict[str, Any]:
    """Return the columns of the Attempt that stands for one which the database may have lost; `code`: LATE or LOST.

    It begins before the scheduled time by CLOCK_MARGIN, and where the platform may date a post by its staging, by
    STAGE_LEAD.
    """
    begun = post.scheduled_for or clock.now()
    staged_earlier = settings.STAGE_TEXT_POSTS or post.type == "REEL" or post.media_type == "VIDEO"
    margin = hold.CLOCK_MARGIN + timedelta(seconds=settings.STAGE_LEAD if staged_earlier else 0)
    return {
        "started_at": begun,
        "platform_at": begun - margin,
        "outcome": Outcome.UNKNOWN,
        "error_code": code,
        "error_message": MESSAGES[code],
    }


def look_up(delivery: Delivery, content: Content, last: Attempt) -> LookupResult:
    """Read back an attempt, by its ids and by its content, without any consequence."""
    return _look_up(delivery, content, last, by_content=True)


def look_up_lost(delivery: Delivery, content: Content, since: datetime) -> LookupResult:
    """Read back by content what a copy of the database that is lost may have published, without any consequence.

    It published from `since` on, under another approval, and nothing after the hold was released.
    """
    until = PublishingState.objects.filter(held_at=None).values_list("released_at", flat=True).first() or clock.now()
    return _look_up_since(delivery, content, since, by_content=True, lost_until=until)


def claimed_deliveries(channel: Channel) -> QuerySet[Delivery]:
    """Return the deliveries published to the channel's Page or account, whichever organization connected it.

    For ids only: an organization must not read another's rows.
    """
    return Delivery.objects.filter(channel__in=_same_account(channel)).exclude(platform_post_id="")


def _published_by_others(delivery: Delivery) -> QuerySet[PublishedPost]:
    """Return what other posts published to the same Page or account, also those that are archived. For ids only."""
    ours = PublishedPost.objects.filter(channel__in=_same_account(delivery.channel), scheduled_post_id__isnull=False)
    return ours.exclude(scheduled_post_id=delivery.post_id)


def _same_account(channel: Channel) -> QuerySet[Channel]:
    return Channel.objects.filter(type=channel.type, platform_id=channel.platform_id)


def _read_back_in(delivery: Delivery, seconds: float, **columns: int) -> None:
    retry_at = payload.seconds_from_now(seconds)
    outcomes.update_delivery(delivery, state=DeliveryState.PENDING, retry_at=retry_at, **columns)


def read_back_soon(delivery: Delivery) -> None:
    """Let the worker that takes the post over read the delivery back again."""
    _read_back_in(delivery, retry_policy.READ_BACK_AFTER)


def mark_found(delivery: Delivery, content: Content, last: Attempt, post_id: str) -> bool:
    """Settle it as published; return False when another delivery of the Page has claimed the post just now."""
    channel = delivery.channel
    with transaction.atomic():
        # Locks every channel of the Page or account, in one order: two deliveries cannot claim one post.
        list(_same_account(channel).select_for_update(no_key=True).order_by("pk").values_list("pk", flat=True))
        claimed = claimed_deliveries(channel).filter(platform_post_id=post_id).exclude(pk=delivery.pk)
        if post_id and (claimed.exists() or _published_by_others(delivery).filter(platform_id=post_id).exists()):
            return False
        outcomes.mark_published(delivery, last, content, post_id)
    return True


def _look_up(delivery: Delivery, content: Content, last: Attempt, *, by_content: bool) -> LookupResult:
    """Read back from the first attempt on, by the platform's clock where it was known then.

    Where it was not known or is implausible, our clock may have been fast, and the post may be older than the window.
    What is found further back is no evidence, neither that it is ours nor that ours is absent.
    """
    attempts = [*delivery.attempts.filter(approval=last.approval_id), last]
    begun = min(attempt.started_at for attempt in attempts)
    since = min(attempt.platform_at or begun - MAX_CLOCK_ERROR for attempt in attempts)
    sure = all(attempt.platform_at for attempt in attempts) and begun - since <= MAX_CLOCK_ERROR
    result = _look_up_since(delivery, content, min(begun, since) if sure else begun, by_content=by_content)
    if sure or result.verdict is not LookupStatus.NOT_FOUND:
        return result
    result = _look_up_since(delivery, content, since, by_content=by_content)
    return result if result.verdict is LookupStatus.NOT_FOUND else LookupResult(LookupStatus.UNKNOWN)


def _look_up_since(
    delivery: Delivery, content: Content, since: datetime, *, by_content: bool, lost_until: datetime | None = None
) -> LookupResult:
    try:
        claimed = claimed_deliveries(delivery.channel).filter(published_at__gte=since - CLAIMED_WITHIN)
        archived = _published_by_others(delivery).filter(published_at__gte=since - CLAIMED_WITHIN)
        taken = {*claimed.values_list("platform_post_id", flat=True), *archived.values_list("platform_id", flat=True)}
        publisher, account = payload.delivery_publisher(delivery), payload.delivery_account(delivery)
        item, staged = payload.build_payload(content, delivery), delivery.staged
        known: dict[str, Any] = {"since": since, "claimed": taken}
        if lost_until is not None:
            result = publisher.find_lost(account, item, **known, until=lost_until)
        else:
            result = publisher.find(account, item, staged, **known)
            if by_content and result.verdict is LookupStatus.NOT_FOUND:
                result = publisher.find_by_content(account, item, staged, **known)
        if by_content and not result.post_id and result.candidates:
            # Of several equal posts each delivery claims one, so that one that was never sent is not taken for sent.
            return replace(result, post_id=result.candidates[0])
        return result
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
    required = 1 if last.error_code in NEVER_SEEN else ABSENCES_REQUIRED
    if delivery.absence_count + 1 < required or may_appear:
        _read_back_in(delivery, settings.ABSENCE_SPACING, absence_count=delivery.absence_count + 1)
        return False
    message = last.error_message or "Read back twice: it was not published."
    if not outcomes.write_outcome(last, Outcome.REFUSED, error_message=message):
        return False  # another worker has found the outcome
    if last.error_code in retry_policy.BLOCKS_WHEN_ABSENT:
        outcomes.mark_blocked(delivery, last.error_code, HELD_BACK)
        return False
    outcomes.update_delivery(delivery, absence_count=0, retry_at=None, lost_since=None)
    return True
