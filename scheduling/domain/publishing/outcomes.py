"""How one delivery ends, or why it is tried again. The only writers of a delivery's and of an attempt's outcome."""

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Min

from accounts import clock
from accounts.domain.actors import WORKER
from posts.domain import channels
from posts.domain.published_posts import record_published
from posts.graph.errors import GraphError
from scheduling.domain import discards
from scheduling.domain.content import Content
from scheduling.domain.publishing import gate, payload, quota, retry_policy
from scheduling.domain.publishing.lease import PublishRun
from scheduling.models import Attempt, Delivery, DeliveryState, Outcome

SETTLED = {DeliveryState.PUBLISHED, DeliveryState.FAILED, DeliveryState.UNKNOWN}
OPEN = ("", Outcome.UNKNOWN)  # outcomes of attempts that may have been published
DAY = timedelta(days=1)
SOONEST, LATEST = 5.0, 60.0  # seconds until a used-up quota is read again: other apps publish through the account too
NOT_KNOWN = "The platform did not confirm whether this was published. Check the channel and enter the result."


def open_attempts(run: PublishRun) -> dict[int, Attempt]:
    """Return by delivery its latest attempt without a known outcome, whatever was tried after it."""
    rows = Attempt.objects.filter(delivery__in=run.deliveries, approval=run.post.approval).order_by("id")
    return {row.delivery_id: row for row in rows.filter(outcome__in=OPEN)}


def mark_published(delivery: Delivery, attempt: Attempt, content: Content, platform_post_id: str) -> None:
    """Mark the delivery as published, in one transaction with the row of the published post.

    Unconditional: it is true whichever worker has the lease now.
    """
    at = clock.now()
    with transaction.atomic():
        write_published(delivery, platform_post_id, at)
        write_outcome(attempt, Outcome.PUBLISHED, error_code="", error_message="")
        if platform_post_id:
            record_copy(delivery, content, platform_post_id, at)
        if delivery.staged.get("post", platform_post_id) != platform_post_id:
            # It was sent to the feed instead: the staged copy is not needed.
            unused, kept = delivery.staged, {**delivery.staged, "post": ""}
            update_delivery(delivery, staged=kept)
            discards.add_objects(delivery, unused)


def write_published(delivery: Delivery, platform_post_id: str, at: datetime) -> None:
    update_delivery(
        delivery,
        state=DeliveryState.PUBLISHED,
        platform_post_id=platform_post_id,
        published_at=at,
        retry_at=None,
        error_code="",
        error_message="",
    )


def record_copy(delivery: Delivery, content: Content, platform_post_id: str, at: datetime) -> None:
    """Record the published post of a delivery, for the lists of published posts."""
    item = payload.build_payload(content, delivery)
    record_published(
        channel=delivery.channel,
        platform_id=platform_post_id,
        type=item.type,
        caption=item.caption,
        media_url=item.media,
        media_type=item.listed_type,
        permalink=None,
        published_at=at,
        superpower=content["channels"][delivery.channel.public_id]["superpower"],
        scheduled_post_id=delivery.post_id,
        media_sha256=item.media_sha256,
    )


def write_outcome(attempt: Attempt, outcome: Outcome, error: Exception | None = None, **columns: Any) -> bool:
    """Write the outcome of an attempt, with `error` or other columns; return whether it was written.

    PUBLISHED replaces any outcome. Another outcome replaces an open one only.
    """
    if error is not None:
        columns["error_code"], columns["error_message"] = describe_error(error)
    columns |= {"outcome": outcome, "finished_at": clock.now()}
    rows = Attempt.objects.filter(pk=attempt.pk)
    if outcome != Outcome.PUBLISHED:
        rows = rows.filter(outcome__in=OPEN)
    if not rows.update(**columns):
        return False
    for name, value in columns.items():
        setattr(attempt, name, value)
    return True


def mark_processing(delivery: Delivery, attempt: Attempt) -> None:
    """The platform accepted a video and is processing it: whether it was published, and its id, is read back."""
    write_outcome(attempt, Outcome.UNKNOWN)
    update_delivery(
        delivery,
        state=DeliveryState.PENDING,
        error_code="PROCESSING",
        error_message="The platform accepted it and is still processing it.",
        absence_count=0,
        retry_at=payload.seconds_from_now(retry_policy.READ_BACK_AFTER),
    )


def handle_refusal(delivery: Delivery, error: GraphError) -> None:
    """Nothing was published: retry later, or give up, as the retry policy says for this class of error."""
    rule = retry_policy.find_rule(error)
    update_channel_state(delivery, error)
    if rule.then == retry_policy.GIVE_UP:
        mark_failed(delivery, *describe_error(error))
    elif rule.then == retry_policy.DEFER:
        _defer(delivery, error)
    else:
        staged: dict[str, Any] = {"staged": {}} if rule.then == retry_policy.RESTAGE else {}
        schedule_retry(delivery, error, seconds=retry_policy.retry_delay(error, delivery.attempt_count), **staged)


def handle_internal_error(run: PublishRun, delivery: Delivery, error: Exception) -> None:
    """An error in Dynamo ended a step: retry it later, for a limited time.

    What was never sent ends by the late limit; what may have been sent ends as unknown.
    """
    last = open_attempts(run).get(delivery.pk)
    if last is not None and clock.now() - last.started_at > timedelta(seconds=settings.RECONCILE_LIMIT):
        mark_unknown(delivery)
    else:
        seconds = min(60.0, retry_policy.READ_BACK_AFTER * 2 ** min(delivery.attempt_count, 5))
        schedule_retry(delivery, error, seconds=seconds)


def mark_failed(delivery: Delivery, code: str, message: str) -> None:
    _end(delivery, DeliveryState.FAILED, code, message)


def mark_unknown(delivery: Delivery, code: str = "UNKNOWN", message: str = NOT_KNOWN) -> None:
    _end(delivery, DeliveryState.UNKNOWN, code, message)


def mark_blocked(delivery: Delivery, code: str, message: str) -> None:
    """The platform blocked the post, which is known to be absent: fail it, and stop the channel until a person acts."""
    channels.block(WORKER, delivery.channel, reason=message)
    mark_failed(delivery, code, message)


def update_channel_state(delivery: Delivery, error: GraphError) -> None:
    """Mark the channel when the error means that nothing can be published to it until a person acts."""
    consequence = retry_policy.find_rule(error).channel
    if consequence == "reconnect":
        channels.mark_needs_reconnect(WORKER, delivery.channel, reason=str(error))
    elif consequence == "block":
        channels.block(WORKER, delivery.channel, reason=str(error))


def describe_error(error: Exception) -> tuple[str, str]:
    """Return (code, message) of an error, cut to the length of the columns."""
    if isinstance(error, GraphError):
        return str(error.label)[:40], str(error)[:500]
    return type(error).__name__[:40], "An error inside Dynamo; its log has the details."


def update_delivery(delivery: Delivery, **columns: Any) -> None:
    """Write columns of the delivery, in the row and in memory.

    PUBLISHED is not replaced by another state. Other states are written only by the worker that has the lease.
    """
    for name, value in columns.items():
        setattr(delivery, name, value)
    rows = Delivery.objects.filter(pk=delivery.pk)
    if columns.get("state", DeliveryState.PUBLISHED) != DeliveryState.PUBLISHED:
        rows = rows.exclude(state=DeliveryState.PUBLISHED)
        if delivery.post.lease_id is not None:
            rows = rows.filter(post__lease_id=delivery.post.lease_id)
    rows.update(**columns)


def schedule_retry(delivery: Delivery, error: Exception, *, seconds: float, **columns: Any) -> None:
    """Keep the delivery pending; its next step is due in `seconds`."""
    code, message = describe_error(error)
    update_delivery(
        delivery,
        state=DeliveryState.PENDING,
        error_code=code,
        error_message=message,
        attempt_count=delivery.attempt_count + 1,
        retry_at=payload.seconds_from_now(seconds),
        **columns,
    )


def _defer(delivery: Delivery, error: GraphError) -> None:
    """Retry when the account's daily quota of posts has a free slot; fail the delivery when that is too late.

    The platform counts a rolling day and does not report when it began; our own published posts show it.
    """
    now = clock.now()
    free_at = quota.next_reel_at(delivery)
    if free_at is None:
        ours = Delivery.objects.filter(channel=delivery.channel_id, published_at__gt=now - DAY)
        oldest = ours.aggregate(at=Min("published_at"))["at"]
        free_at = oldest + DAY if oldest else None
    seconds = max(SOONEST, min(LATEST, (free_at - now).total_seconds())) if free_at else LATEST
    if now + timedelta(seconds=seconds) <= gate.publish_deadline(delivery.post):
        schedule_retry(delivery, error, seconds=seconds)
        return
    code, message = describe_error(error)
    free = f"from {free_at:%-d %B, %H:%M} UTC on" if free_at else "within a day at the latest"
    mark_failed(delivery, code, f"{message.rstrip('.')}. The next one is possible {free}.")


def _end(delivery: Delivery, state: DeliveryState, code: str, message: str) -> None:
    update_delivery(delivery, state=state, error_code=code[:40], error_message=message[:500], retry_at=None)
