"""Publishes approved posts, each delivery exactly once, also when workers are killed and messages are lost or repeated.

`publish` runs for a Celery message and `resume` for an expired lease. Both go on with `advance`.

1. Load the post with its approval and its deliveries. Ignore a message whose task id is not that of the post.
2. Do nothing while publishing is held or paused. Fail the post (MISSED) when the late limit has passed. Enqueue it
   again when the message came too early. [hold]
3. Claim it: SCHEDULED → PUBLISHING by compare-and-set, with a lease. `resume` takes an expired lease over. [lease]
4. Recompute the digest of what is about to be sent and compare it with the approval's. [gate]
5. Read back each delivery whose last attempt has no known outcome. It is attempted again only after two spaced
   read-backs that did not find it. A delivery whose next step was due more than 5 s ago is read back as well, once,
   and one that was not published when the database was restored: another copy may have sent it. [reconcile]
6. Stage what is not staged: upload media, create containers. Each id is saved before the next call. [stage]
7. Commit: insert an attempt per delivery, make one publishing call each, store the outcomes. [commit, outcomes]
8. Settle: all deliveries published → PUBLISHED; all settled, some failed or unknown → FAILED. While a delivery is
   pending, release the lease until its next step is due.

A worker that is killed at any step leaves a lease that expires. The next worker reads the attempts and continues at 4.
"""

import logging
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q

from accounts import clock
from posts.graph.errors import GraphError, NotReady
from posts.models import ChannelState
from scheduling.domain import enqueue
from scheduling.domain.content import Content
from scheduling.domain.publishing import (
    commit,
    gate,
    hold,
    lease,
    outcomes,
    payload,
    quota,
    reconcile,
    retry_policy,
    stage,
)
from scheduling.domain.publishing.lease import LeaseLost, PublishRun
from scheduling.domain.publishing.outcomes import SETTLED
from scheduling.models import Attempt, Delivery, DeliveryState, ScheduledPost

log = logging.getLogger(__name__)
EARLY_TOLERANCE = 1.0  # seconds; brokers and workers sometimes deliver a little before the ETA


def publish(post_id: str, task_id: str) -> str:
    """Publish a due post for the message with this task id; return the result in one word, for the log.

    Any number of deliveries of the same message publish once: all but one lose the claim. While publishing is held or
    paused the post stays SCHEDULED; a paused one fails at the late limit, a held one waits for `after_restore`.
    """
    loaded = lease.load_post(post_id)
    if loaded is None or str(loaded[0].task_id) != task_id:
        return "void"
    post, deliveries = loaded
    state = hold.current()
    if state.held_at is not None:
        return "held"
    paused = hold.pause_reason(state, post.organization)
    if gate.is_past_late_limit(post):
        return "missed" if lease.fail_unclaimed(post, *gate.missed(paused)) else "void"
    if paused:
        return "paused"
    if post.scheduled_for is not None and not _wait_until(post.scheduled_for):
        enqueue.enqueue_publish(post)
        return "early"
    run = lease.claim(post, deliveries, task_id=task_id)
    return advance(run, fresh=True) if run else "void"


def resume(post_id: str) -> str:
    """Continue a PUBLISHING post whose lease has expired: after a crash, a pause or an unknown outcome.

    Does nothing while publishing is held or paused.
    """
    state = hold.current()
    if state.held_at is not None:
        return "held"
    post = ScheduledPost.objects.select_related("organization").filter(pk=post_id).first()
    if post is None or (hold.pause_reason(state, post.organization) and not gate.is_past_late_limit(post)):
        return "void" if post is None else "paused"  # past the late limit nothing is sent, and the post is settled
    run = lease.take_over(post_id)
    return advance(run, fresh=False) if run else "void"


def publish_inline() -> Iterator[tuple[str, str]]:
    """Publish due posts and resume abandoned ones in this process, by the workers' claims; yield (post id, result)."""
    for pk, task_id in list(ScheduledPost.objects.due().values_list("pk", "task_id")):
        yield str(pk), publish(str(pk), str(task_id))
    for pk in list(lease.abandoned_posts().order_by("lease_expires_at").values_list("pk", flat=True)):
        yield str(pk), resume(str(pk))


def advance(run: PublishRun, *, fresh: bool) -> str:
    """Take each unsettled delivery one step further, then settle the post or release it until the next step is due.

    `fresh`: the post was claimed just now, so there are no attempts to read back.
    """
    unsettled = {} if fresh else outcomes.open_attempts(run)
    try:
        content = gate.authorize(run.post, run.deliveries)
    except gate.GateClosed as closed:
        return _refuse(run, closed, unsettled)
    try:
        _advance_deliveries(run, content, unsettled)
    except LeaseLost:
        return "overtaken"
    return settle(run)


def _wait_until(scheduled_for: datetime) -> bool:
    """Sleep until `scheduled_for` when at most EARLY_TOLERANCE is left; return whether it has come."""
    left = (scheduled_for - clock.now()).total_seconds()
    if 0 < left <= EARLY_TOLERANCE:
        time.sleep(left)
    return clock.now() >= scheduled_for


def _refuse(run: PublishRun, closed: gate.GateClosed, unsettled: dict[int, Attempt]) -> str:
    for delivery in run.deliveries:
        if delivery.state in SETTLED:
            continue
        if delivery.pk in unsettled:
            # It may have been published before the gate closed: an unknown outcome stays visible as unknown.
            outcomes.mark_unknown(delivery, closed.code, closed.message)
        else:
            outcomes.mark_failed(delivery, closed.code, closed.message)
    lease.finish(run, "fail", failure=closed.message)
    return "refused"


def _advance_deliveries(run: PublishRun, content: Content, unsettled: dict[int, Attempt]) -> None:
    ready: list[Delivery] = []
    unstaged: list[Delivery] = []
    for delivery in run.deliveries:
        due = delivery.retry_at is None or delivery.retry_at <= clock.now()
        due = due or (delivery.pk not in unsettled and gate.is_past_late_limit(run.post))
        if not due or delivery.state in SETTLED or delivery.channel.public_id not in content["channels"]:
            continue
        if not payload.is_staged(delivery, run.post.approved_digest):
            unstaged.append(delivery)
        elif _prepare_or_record(run, delivery, content, unsettled.get(delivery.pk)):
            ready.append(delivery)
    commit.publish_ready(run, ready, content)
    for delivery in unstaged:  # after the others, which do not wait for staging
        if _prepare_or_record(run, delivery, content, unsettled.get(delivery.pk)):
            commit.publish_ready(run, [delivery], content)


def _prepare_or_record(run: PublishRun, delivery: Delivery, content: Content, last: Attempt | None) -> bool:
    """Return whether the delivery can be committed now; if not, store the reason. An internal error stops no other."""
    try:
        return _prepare(run, delivery, content, last)
    except LeaseLost:
        raise
    except Exception as error:
        log.exception("delivery %s", delivery.pk)
        outcomes.handle_internal_error(run, delivery, error)
        return False


def _prepare(run: PublishRun, delivery: Delivery, content: Content, last: Attempt | None) -> bool:
    if last is None and _may_be_sent_by_another_copy(delivery):
        code = reconcile.LATE if reconcile.is_overdue(delivery) else reconcile.LOST
        last = commit.insert_attempts(run, [delivery], reconcile.lost_attempt(run.post, code))[0]
    if last is not None and not reconcile.reconcile(delivery, content, last):
        return False
    if _fail_if_late(run, delivery):
        return False
    try:
        quota.ensure_reels_left(delivery)
        _stage_if_needed(run, delivery, content)
    except gate.GateClosed as closed:
        outcomes.mark_failed(delivery, closed.code, closed.message)
    except NotReady as error:
        # Not a failed try: the platform is still processing what was staged.
        retry_at = payload.seconds_from_now(retry_policy.retry_delay(error, 0))
        outcomes.update_delivery(delivery, retry_at=retry_at, error_message=outcomes.describe_error(error)[1])
    except GraphError as error:
        outcomes.handle_refusal(delivery, error)
    else:
        # Staging a video takes minutes, so the late limit may have passed since the check above.
        return not _fail_if_late(run, delivery)
    return False


def _may_be_sent_by_another_copy(delivery: Delivery) -> bool:
    """Whether to read back before the next write. Not where none follows: past the late limit, on a closed channel."""
    if delivery.channel.state != ChannelState.CONNECTED or gate.is_past_late_limit(delivery.post):
        return False
    return delivery.lost_since is not None or reconcile.is_overdue(delivery)


def _fail_if_late(run: PublishRun, delivery: Delivery) -> bool:
    """Fail the delivery when the late limit has passed; return whether it has."""
    late = gate.is_past_late_limit(run.post)
    if late:
        code, message = gate.MISSED
        outcomes.mark_failed(delivery, code, f"{message} {delivery.error_message}".strip())
    return late


def _stage_if_needed(run: PublishRun, delivery: Delivery, content: Content) -> None:
    gate.ensure_channel_connected(delivery)
    payload.delivery_account(delivery)  # raises here, before any call, when the token cannot be decrypted
    if payload.is_staged(delivery, run.post.approved_digest):
        return
    run.extend(payload.stage_seconds(payload.build_payload(content, delivery)))
    try:
        stage.stage(delivery, content, run.post.approved_digest, only_if=Q(post__lease_id=run.id))
    except stage.PostChanged:
        raise LeaseLost from None


def settle(run: PublishRun) -> str:
    """Settle the post, or release it until the next step of a pending delivery is due; return the result."""
    covered = run.post.approval.content["channels"] if run.post.approval else {}
    pending = [
        delivery
        for delivery in run.deliveries
        if delivery.channel.public_id in covered and delivery.state not in SETTLED
    ]
    if pending:
        soonest = min(delivery.retry_at or clock.now() for delivery in pending)
        deadline = gate.publish_deadline(run.post)
        if clock.now() < deadline < soonest:
            # The post fails at the deadline, however long a pause the platform asks for.
            soonest = deadline + timedelta(milliseconds=100)
        soonest = max(soonest, clock.now() + timedelta(milliseconds=200))
        run.release(soonest)
        enqueue.send_task("resume", str(run.post.pk), eta=soonest)
        return "pending"
    failed = [delivery for delivery in run.deliveries if delivery.state != DeliveryState.PUBLISHED]
    if failed:
        reasons = [f"{delivery.channel.name}: {delivery.error_message}" for delivery in failed]
        lease.finish(run, "fail", failure="; ".join(reasons))
        log.warning("post %s failed: %s", run.post.pk, _states(run), extra=_log_ids(run))
        return "failed"
    lease.finish(run, "succeed")
    log.info("post %s published: %s", run.post.pk, _states(run), extra=_log_ids(run))
    return "published"


def _log_ids(run: PublishRun) -> dict[str, Any]:
    channel_ids = [delivery.channel.public_id for delivery in run.deliveries]
    return {"post_id": str(run.post.pk), "channel_ids": channel_ids}


def _states(run: PublishRun) -> str:
    """Return ids and states for the log, without any content."""
    scheduled_for = run.post.scheduled_for
    words = []
    for delivery in run.deliveries:
        words.append(f"{delivery.channel.public_id} {delivery.platform_post_id or delivery.state}")
        if delivery.published_at and scheduled_for:
            words[-1] += f" after {(delivery.published_at - scheduled_for).total_seconds():.1f} s"
        if delivery.state != DeliveryState.PUBLISHED:
            words[-1] += f" {delivery.error_code}"
    return ", ".join(words)
