"""How one delivery ends, or why it goes on: the only writers of a delivery's outcome."""

from datetime import datetime
from typing import Any

from django.db import transaction

from accounts import clock
from accounts.domain.actors import WORKER
from posts.domain import channels
from posts.domain.published_posts import record_published
from posts.graph.errors import GraphError
from scheduling.domain.content import Content
from scheduling.domain.publishing import payload, quota, retry_policy
from scheduling.models import Attempt, Delivery, DeliveryState, Outcome

SETTLED = {DeliveryState.PUBLISHED, DeliveryState.FAILED, DeliveryState.UNKNOWN}
OPEN = ("", Outcome.UNKNOWN)  # of these nobody knows yet how they ended
NOT_KNOWN = "The platform did not say whether this went live. Look at the channel, then say what is true."


def mark_published(delivery: Delivery, attempt: Attempt, content: Content, platform_post_id: str) -> None:
    """Note that the delivery is live, all at once with the copy that readers see.

    Unconditional: what is live is live, whoever holds the lease by now.
    """
    at = clock.now()
    known: dict[str, Any] = {"outcome": Outcome.PUBLISHED, "error_code": "", "error_message": "", "finished_at": at}
    columns: dict[str, Any] = {
        "state": DeliveryState.PUBLISHED,
        "platform_post_id": platform_post_id,
        "published_at": at,
        "retry_at": None,
        "error_code": "",
        "error_message": "",
    }
    with transaction.atomic():
        Delivery.objects.filter(pk=delivery.pk).update(**columns)
        Attempt.objects.filter(pk=attempt.pk).update(**known)
        if platform_post_id:
            record_copy(delivery, content, platform_post_id, at)
    for row, written in ((attempt, known), (delivery, columns)):
        for name, value in written.items():
            setattr(row, name, value)


def record_copy(delivery: Delivery, content: Content, platform_post_id: str, at: datetime) -> None:
    """Record the published post that a delivery became, for the lists of published posts."""
    item = payload.build_payload(content, delivery)
    record_published(
        channel=delivery.channel,
        platform_id=platform_post_id,
        type=item.type,
        caption=item.caption,
        media_url=item.media,
        media_type=item.media_type,
        permalink=None,
        published_at=at,
        superpower=content["channels"][delivery.channel.public_id]["superpower"],
        scheduled_post_id=delivery.post_id,
    )


def record_outcome(attempt: Attempt, outcome: Outcome, error: Exception | None = None) -> bool:
    """Write the outcome of an attempt into the ledger; return whether it is news there.

    What is known stays known: published is the last word, and refused gives way to published alone.
    """
    code, message = in_words(error) if error else ("", "")
    return write(attempt, outcome, error_code=code, error_message=message)


def write(attempt: Attempt, outcome: Outcome, **columns: Any) -> bool:
    """As `conclude`, with the ledger's columns in the caller's words."""
    columns |= {"outcome": outcome, "finished_at": clock.now()}
    rows = Attempt.objects.filter(pk=attempt.pk)
    if outcome != Outcome.PUBLISHED:
        rows = rows.filter(outcome__in=OPEN)
    if not rows.update(**columns):
        return False
    for name, value in columns.items():
        setattr(attempt, name, value)
    return True


def mark_ambiguous(delivery: Delivery, attempt: Attempt, error: Exception, *, look_in: float) -> None:
    """The attempt may have landed: read back in `look_in` seconds, and do nothing else before."""
    record_outcome(attempt, Outcome.UNKNOWN, error)
    schedule_retry(delivery, error, seconds=look_in, absence_count=0)


def mark_processing(delivery: Delivery, attempt: Attempt, *, look_in: float) -> None:
    """The platform has taken it and is still at work, on a video: whether it is live, and its id, is read later."""
    record_outcome(attempt, Outcome.UNKNOWN)
    update_delivery(
        delivery,
        state=DeliveryState.PENDING,
        error_code="PROCESSING",
        error_message="The platform has taken it and is still at work on it.",
        absence_count=0,
        retry_at=payload.seconds_from_now(look_in),
    )


def handle_refusal(delivery: Delivery, error: GraphError) -> None:
    """Nothing went out: try again later, or give up, as the policy for this class of error says."""
    rule = retry_policy.rule(error)
    update_channel_state(delivery, error)
    if rule.then == retry_policy.GIVE_UP:
        failed(delivery, *in_words(error))
        return
    if rule.then == retry_policy.DEFER:
        _defer(delivery, error)
        return
    staged: dict[str, Any] = {"staged": {}} if rule.then == retry_policy.RESTAGE else {}
    schedule_retry(delivery, error, seconds=retry_policy.retry_delay(error, delivery.attempt_count), **staged)


def failed(delivery: Delivery, code: str, message: str) -> None:
    """Settle the delivery as failed, with a reason that a person is shown."""
    update_delivery(
        delivery, state=DeliveryState.FAILED, error_code=code[:40], error_message=message[:500], retry_at=None
    )


def mark_blocked(delivery: Delivery, code: str, message: str) -> None:
    """The platform held this back, and it is known not to be live: fail, and stop the channel until a person acts."""
    channels.block(WORKER, delivery.channel, reason=message)
    failed(delivery, code, message)


def unknown(delivery: Delivery, code: str = "UNKNOWN", message: str = NOT_KNOWN) -> None:
    """Settle the delivery as not known: a person looks, and says."""
    update_delivery(
        delivery, state=DeliveryState.UNKNOWN, error_code=code[:40], error_message=message[:500], retry_at=None
    )


def update_channel_state(delivery: Delivery, error: GraphError) -> None:
    """Mark the channel when the error says that nothing more will go through it until a person acts."""
    consequence = retry_policy.rule(error).channel
    if consequence == "reconnect":
        channels.mark_needs_reconnect(WORKER, delivery.channel, reason=str(error))
    elif consequence == "block":
        channels.block(WORKER, delivery.channel, reason=str(error))


def in_words(error: Exception) -> tuple[str, str]:
    """Return (code, message) of an error as a delivery keeps them, cut to what the columns hold."""
    if isinstance(error, GraphError):
        return str(error.label)[:40], str(error)[:500]
    return type(error).__name__[:40], "An error inside Dynamo; its log has the details."


def update_delivery(delivery: Delivery, **columns: Any) -> None:
    """Write columns of the delivery, in the row and in memory.

    What is live stays live: a worker that was overtaken has nothing else to say of it. How it ended otherwise is for
    the worker to say that has the post.
    """
    for name, value in columns.items():
        setattr(delivery, name, value)
    rows = Delivery.objects.filter(pk=delivery.pk)
    if columns.get("state", DeliveryState.PUBLISHED) != DeliveryState.PUBLISHED:
        rows = rows.exclude(state=DeliveryState.PUBLISHED)
        if delivery.post.lease_id is not None:
            rows = rows.filter(post__lease_id=delivery.post.lease_id)
    rows.update(**columns)


def _defer(delivery: Delivery, error: GraphError) -> None:
    seconds = quota.quota_delay(delivery)
    if seconds is not None:
        schedule_retry(delivery, error, seconds=seconds)
        return
    code, message = in_words(error)
    failed(delivery, code, f"{message.rstrip('.')}. {quota.in_words(delivery)}")


def schedule_retry(delivery: Delivery, error: Exception, *, seconds: float, **columns: Any) -> None:
    """Let the delivery wait for its next step, which is due in `seconds`."""
    code, message = in_words(error)
    update_delivery(
        delivery,
        state=DeliveryState.PENDING,
        error_code=code,
        error_message=message,
        attempt_count=delivery.attempt_count + 1,
        retry_at=payload.seconds_from_now(seconds),
        **columns,
    )
