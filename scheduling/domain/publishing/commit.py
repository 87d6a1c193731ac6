"""The instant itself: intents for all channels, then one outward call a channel, side by side, then the outcomes."""

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from django.db import transaction

from accounts import clock
from posts.graph import client
from posts.graph.account import Account
from posts.graph.errors import Ambiguous, Duplicate, GraphError
from scheduling.domain.content import Content
from scheduling.domain.publishing import outcomes, payload, reconcile
from scheduling.domain.publishing.lease import LeaseLost, PublishRun
from scheduling.lifecycle import Status
from scheduling.models import Attempt, Delivery, DeliveryState, Outcome

log = logging.getLogger(__name__)
Answer = str | Exception


@dataclass(frozen=True)
class ReadyDelivery:
    """A delivery with nothing left to prepare, and the account, opened, that it goes out through."""

    delivery: Delivery
    account: Account


def publish_ready(run: PublishRun, ready: list[ReadyDelivery], content: Content) -> None:
    """Send every one of `ready`, each exactly once, and note how it ended. A slow channel does not hold up another.

    Raises LeaseLost before anything is sent, when the post has passed to another worker.
    """
    if not ready:
        return
    run.extend(payload.commit_seconds())
    attempts = _intend(run, [item.delivery for item in ready])
    try:
        # Whoever was held up after writing the intents may have been followed by another, who has seen them.
        run.extend(payload.commit_seconds() - payload.MARGIN)
    except LeaseLost as lost:
        for attempt in attempts:
            outcomes.record_outcome(attempt, Outcome.REFUSED, lost)
        raise
    answers = _side_by_side([_call(item, content) for item in ready])
    for one, attempt, answer in zip(ready, attempts, answers, strict=True):
        try:
            _note(one.delivery, attempt, content, answer)
        except Exception as error:
            log.exception("outcome of delivery %s", one.delivery.pk)
            reconcile.handle_internal_error(run, one.delivery, error)


def _intend(run: PublishRun, deliveries: list[Delivery]) -> list[Attempt]:
    """Insert one attempt per delivery while the post's row is locked and this worker's lease is still on it.

    Leases expire by clocks, and clocks differ. Because of the lock a worker that takes the post over either commits
    first, and nothing is inserted here, or waits for this transaction and then reads the attempts. Raises LeaseLost
    when the lease is another's or a delivery is live already.
    """
    at, theirs = clock.now(), client.platform_now()
    attempts = [
        Attempt(delivery=delivery, approval=run.post.approval, lease_id=run.id, started_at=at, platform_at=theirs)
        for delivery in deliveries
    ]
    mine = Delivery.objects.filter(
        pk__in=[delivery.pk for delivery in deliveries], post__status=Status.PUBLISHING, post__lease_id=run.id
    ).exclude(state=DeliveryState.PUBLISHED)
    # The post before its deliveries, as everywhere. No key changes, so inserts of rows that refer to them do not wait.
    locked = mine.select_related("post").select_for_update(no_key=True, of=("post", "self")).order_by("pk")
    with transaction.atomic():
        if len(locked) != len(deliveries):
            raise LeaseLost
        return Attempt.objects.bulk_create(attempts)


def _call(one: ReadyDelivery, content: Content) -> Callable[[], Answer]:
    """Return the one outward call of a delivery. It touches no row, so that it may run in a thread of its own."""
    platform, item, staged = (
        payload.delivery_publisher(one.delivery),
        payload.build_payload(content, one.delivery),
        one.delivery.staged,
    )

    def call() -> Answer:
        try:
            return platform.commit(one.account, item, staged)
        except Exception as error:  # noqa: BLE001  whatever it was, it is the answer, and is judged below
            return error

    return call


def _side_by_side(calls: list[Callable[[], Answer]]) -> list[Answer]:
    if len(calls) == 1:
        return [calls[0]()]
    with ThreadPoolExecutor(len(calls)) as pool:
        return [future.result() for future in [pool.submit(call) for call in calls]]


def _note(delivery: Delivery, attempt: Attempt, content: Content, answer: Answer) -> None:
    if isinstance(answer, str):
        if answer:
            outcomes.mark_published(delivery, attempt, content, answer)
        else:
            outcomes.mark_processing(delivery, attempt, look_in=reconcile.FIRST_LOOK)
        return
    earlier = isinstance(answer, Duplicate) and delivery.attempts.exclude(pk=attempt.pk).exists()
    if isinstance(answer, GraphError) and not isinstance(answer, Ambiguous) and not earlier:
        outcomes.record_outcome(attempt, Outcome.REFUSED, answer)
        outcomes.handle_refusal(delivery, answer)
        return
    # Ambiguous, or a duplicate of an earlier try, which is evidence that that one has landed, or an error of our own
    # after the intent: the write may have gone out, so read back.
    if not isinstance(answer, GraphError):
        log.error("commit of delivery %s", delivery.pk, exc_info=answer)
    outcomes.mark_ambiguous(delivery, attempt, answer, look_in=reconcile.FIRST_LOOK)
