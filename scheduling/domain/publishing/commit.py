"""The publishing call: attempts for all channels first, then one call per channel in parallel, then the outcomes."""

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from django.db import transaction

from accounts import clock
from posts.graph import client
from posts.graph.errors import Ambiguous, Duplicate, GraphError
from scheduling.domain.content import Content
from scheduling.domain.publishing import outcomes, payload, retry_policy
from scheduling.domain.publishing.lease import LeaseLost, PublishRun
from scheduling.lifecycle import Status
from scheduling.models import Attempt, Delivery, DeliveryState, Outcome

log = logging.getLogger(__name__)
Answer = str | Exception  # the id of the post, empty while the platform processes it; or the error


def publish_ready(run: PublishRun, ready: list[Delivery], content: Content) -> None:
    """Make the publishing call of each staged delivery and store its outcome. A slow channel does not delay another.

    Raises LeaseLost before any call when another worker holds the post.
    """
    if not ready:
        return
    run.extend(payload.commit_seconds())
    calls = [_commit_call(delivery, content) for delivery in ready]
    attempts = insert_attempts(run, ready, {"started_at": clock.now(), "platform_at": client.platform_now()})
    try:
        # If this worker was paused after the insert, another may have taken over, and it has read these attempts.
        run.extend(payload.commit_seconds() - payload.MARGIN)
    except LeaseLost as lost:
        for attempt in attempts:
            outcomes.write_outcome(attempt, Outcome.REFUSED, lost)
        raise
    for delivery, attempt, answer in zip(ready, attempts, _call_in_parallel(calls), strict=True):
        try:
            _store_answer(delivery, attempt, content, answer)
        except Exception as error:
            log.exception("outcome of delivery %s", delivery.pk)
            outcomes.handle_internal_error(run, delivery, error)


def insert_attempts(run: PublishRun, deliveries: list[Delivery], columns: dict[str, Any]) -> list[Attempt]:
    """Insert an attempt with these columns per delivery while the post's row is locked and has this worker's lease.

    Leases expire by clocks, and clocks differ. Because of the lock, a worker that takes the post over either commits
    first, and nothing is inserted here, or waits for this transaction and then reads the attempts. Raises LeaseLost
    when another worker has the lease or a delivery is published already.
    """
    attempts = [
        Attempt(delivery=delivery, approval=run.post.approval, lease_id=run.id, **columns) for delivery in deliveries
    ]
    held = Delivery.objects.filter(
        pk__in=[delivery.pk for delivery in deliveries], post__status=Status.PUBLISHING, post__lease_id=run.id
    ).exclude(state=DeliveryState.PUBLISHED)
    # The post is locked before its deliveries, as everywhere. FOR NO KEY UPDATE: inserts of rows that refer to these
    # do not wait.
    rows = held.select_related("post").only("id", "post__id").order_by("pk")
    locked = rows.select_for_update(no_key=True, of=("post", "self"))
    with transaction.atomic():
        if len(locked) != len(deliveries):
            raise LeaseLost
        return Attempt.objects.bulk_create(attempts)


def _commit_call(delivery: Delivery, content: Content) -> Callable[[], Answer]:
    """Return the publishing call of a delivery. It runs no query, so that it can run in a thread."""
    publisher, account = payload.delivery_publisher(delivery), payload.delivery_account(delivery)
    item, staged = payload.build_payload(content, delivery), delivery.staged

    def call() -> Answer:
        try:
            return publisher.commit(account, item, staged)
        except Exception as error:  # noqa: BLE001  any error is an answer, which _store_answer classifies
            return error

    return call


def _call_in_parallel(calls: list[Callable[[], Answer]]) -> list[Answer]:
    if len(calls) == 1:
        return [calls[0]()]
    with ThreadPoolExecutor(len(calls)) as pool:
        return [future.result() for future in [pool.submit(call) for call in calls]]


def _store_answer(delivery: Delivery, attempt: Attempt, content: Content, answer: Answer) -> None:
    if isinstance(answer, str):
        if answer:
            outcomes.mark_published(delivery, attempt, content, answer)
        else:
            outcomes.mark_processing(delivery, attempt)
        return
    # A duplicate of an earlier attempt is evidence that that attempt was published.
    of_earlier = isinstance(answer, Duplicate) and delivery.attempts.exclude(pk=attempt.pk).exists()
    if isinstance(answer, GraphError) and not isinstance(answer, Ambiguous) and not of_earlier:
        outcomes.write_outcome(attempt, Outcome.REFUSED, answer)
        outcomes.handle_refusal(delivery, answer)
        return
    # Also after an internal error the post may have been published: it is read back.
    if not isinstance(answer, GraphError):
        log.error("commit of delivery %s", delivery.pk, exc_info=answer)
    outcomes.write_outcome(attempt, Outcome.UNKNOWN, answer)
    outcomes.schedule_retry(delivery, answer, seconds=retry_policy.READ_BACK_AFTER, absence_count=0)
