"""Publish: exactly once, whatever is killed, repeated, lost or timed out.

Each delivery of a claimed post is driven until it is settled: published, failed with a reason, or unknown.
1. The gate recomputes the digest of what is about to be sent.
2. What is not staged yet is staged; ids are saved before the next call.
3. An attempt row is written: the intent. Then one outward call: the commit. Then the outcome.
4. An outcome that is not known is never repeated blindly: `reconcile` reads back first, and only proof of absence,
   twice and spaced, allows another try.
A worker that dies anywhere leaves a lease that runs out; the next one starts from the ledger.
"""

import logging
import time
from datetime import datetime, timedelta

from django.db.models import Q

from accounts import clock
from posts.graph.account import Account
from posts.graph.errors import GraphError, NotReady
from scheduling.domain import enqueue
from scheduling.domain.content import Content
from scheduling.domain.publishing import gate, outcomes, payload, reconcile, retry_policy
from scheduling.domain.publishing.commit import ReadyDelivery, publish_ready
from scheduling.domain.publishing.lease import LeaseLost, PublishRun, claim, fail_unclaimed, finish, load, take_over
from scheduling.domain.publishing.outcomes import SETTLED
from scheduling.domain.publishing.stage import PostChanged, stage
from scheduling.models import Attempt, Delivery, DeliveryState

log = logging.getLogger(__name__)
EARLY_TOLERANCE = 1.0  # seconds; timers of brokers and workers fire a little early now and then
MISSED = "MISSED", "Its instant passed more than the late limit ago; a person decides whether it still goes out."


def publish(post_id: str, task_id: str) -> str:
    """Publish a due post for the message with this task id; return what happened, in a word, for the log.

    Any number of deliveries of the same message, anywhere, publish once: all but one lose the claim.
    """
    found = load(post_id)
    if found is None or str(found[0].task_id) != task_id:
        return "void"
    post, deliveries = found
    if gate.is_past_late_limit(post):
        return "missed" if fail_unclaimed(post, code=MISSED[0], message=MISSED[1]) else "void"
    if post.scheduled_for is not None and not _wait_for(post.scheduled_for):
        enqueue.enqueue_publish(post)
        return "early"
    run = claim(post, deliveries, task_id=task_id)
    return advance(run, fresh=True) if run else "void"


def resume(post_id: str) -> str:
    """Go on with a PUBLISHING post whose lease has run out: after a crash, a pause, or an outcome that is not known."""
    run = take_over(post_id)
    return advance(run, fresh=False) if run else "void"


def advance(run: PublishRun, *, fresh: bool) -> str:
    """Take each unsettled delivery one step on, then settle the post or let go of it until the next step is due."""
    unsettled = {} if fresh else reconcile.open_attempts(run)
    try:
        content = gate.authorize(run.post, run.deliveries)
    except gate.GateClosed as closed:
        return _close(run, closed, unsettled)
    try:
        _go_on(run, content, unsettled)
    except LeaseLost:
        return "overtaken"
    return _settle(run)


def _wait_for(instant: datetime) -> bool:
    """Sleep through what is left until `instant`, when that is next to nothing; return whether it has come."""
    left = (instant - clock.now()).total_seconds()
    if 0 < left <= EARLY_TOLERANCE:
        time.sleep(left)
    return clock.now() >= instant


def _go_on(run: PublishRun, content: Content, unsettled: dict[int, Attempt]) -> None:
    digest = run.post.approval.digest if run.post.approval else ""
    staged: list[ReadyDelivery] = []
    unstaged: list[Delivery] = []
    for delivery in run.deliveries:
        due = delivery.retry_at is None or delivery.retry_at <= clock.now()
        due = due or (delivery.pk not in unsettled and gate.is_past_late_limit(run.post))
        if not due or delivery.state in SETTLED or delivery.channel.public_id not in content["channels"]:
            continue
        if payload.is_staged(delivery, digest):
            staged += _ready(run, delivery, content, unsettled.get(delivery.pk))
        else:
            unstaged.append(delivery)
    publish_ready(run, staged, content)
    for item in unstaged:  # staging takes its time, and what was ready has not waited for it
        publish_ready(run, _ready(run, item, content, unsettled.get(item.pk)), content)


def _ready(run: PublishRun, delivery: Delivery, content: Content, last: Attempt | None) -> list[ReadyDelivery]:
    """Return the delivery when it may go out now, prepared; else nothing, with what stands in the way noted on it.

    An error of our own stops neither the other channels nor the end of this one.
    """
    try:
        return _prepared(run, delivery, content, last)
    except LeaseLost:
        raise
    except Exception as error:
        log.exception("delivery %s", delivery.pk)
        reconcile.handle_internal_error(run, delivery, error)
        return []


def _prepared(run: PublishRun, delivery: Delivery, content: Content, last: Attempt | None) -> list[ReadyDelivery]:
    if last is not None and not reconcile.reconcile(delivery, content, last):
        return []
    if _missed(run, delivery):
        return []
    try:
        account = _prepare(run, delivery, content)
    except gate.GateClosed as closed:
        outcomes.failed(delivery, closed.code, closed.message)
    except NotReady as error:
        # Not a failed try: the platform is still at work on what was staged.
        again = payload.seconds_from_now(retry_policy.retry_delay(error, 0))
        outcomes.update_delivery(delivery, retry_at=again, error_message=outcomes.in_words(error)[1])
    except GraphError as error:
        outcomes.handle_refusal(delivery, error)
    else:
        # Staging a film takes minutes: what was in time before may not be any more.
        return [] if _missed(run, delivery) else [ReadyDelivery(delivery, account)]
    return []


def _missed(run: PublishRun, delivery: Delivery) -> bool:
    """Fail the delivery when the late limit has passed; return whether it has."""
    late = gate.is_past_late_limit(run.post)
    if late:
        code, message = MISSED
        outcomes.failed(delivery, code, f"{message} {delivery.error_message}".strip())
    return late


def _prepare(run: PublishRun, delivery: Delivery, content: Content) -> Account:
    """Stage what is not staged yet; return the account, opened, that it goes out through."""
    gate.ensure_channel_connected(delivery)
    account = payload.delivery_account(delivery)
    digest = run.post.approval.digest if run.post.approval else ""
    if payload.is_staged(delivery, digest):
        return account
    run.extend(payload.stage_seconds(payload.build_payload(content, delivery)))
    try:
        stage(delivery, content, digest, only_if=Q(post__lease_id=run.id))
    except PostChanged:
        raise LeaseLost from None
    return account


def _close(run: PublishRun, closed: gate.GateClosed, unsettled: dict[int, Attempt]) -> str:
    for delivery in run.deliveries:
        if delivery.state in SETTLED:
            continue
        if delivery.pk in unsettled:
            # It may have gone out before the gate closed: what is not known stays visible as not known.
            outcomes.unknown(delivery, closed.code, closed.message)
        else:
            outcomes.failed(delivery, closed.code, closed.message)
    finish(run, "fail", failure=closed.message)
    return "refused"


def _settle(run: PublishRun) -> str:
    covered = run.post.approval.content["channels"] if run.post.approval else {}
    pending = [
        delivery
        for delivery in run.deliveries
        if delivery.channel.public_id in covered and delivery.state not in SETTLED
    ]
    if pending:
        soonest = min(item.retry_at or clock.now() for item in pending)
        limit = gate.publish_deadline(run.post)
        if clock.now() < limit < soonest:
            soonest = limit + timedelta(milliseconds=100)  # a person is told then, whatever the platform asks for
        soonest = max(soonest, clock.now() + timedelta(milliseconds=200))
        run.release(soonest)
        enqueue.send_task("resume", str(run.post.pk), eta=soonest)
        return "pending"
    failed = [delivery for delivery in run.deliveries if delivery.state != DeliveryState.PUBLISHED]
    if failed:
        finish(run, "fail", failure="; ".join(f"{item.channel.name}: {item.error_message}" for item in failed))
        return "failed"
    finish(run, "succeed")
    return "published"
