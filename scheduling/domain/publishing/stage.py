"""Ahead of the instant: whatever can be prepared invisibly, so that the instant itself costs one call."""

import logging
from datetime import datetime
from typing import Any

from django.db.models import Q

from accounts import clock
from posts.graph.errors import GraphError, NotReady, Throttled
from scheduling.domain.content import Content
from scheduling.domain.publishing import gate, outcomes, payload, retry_policy
from scheduling.domain.publishing.lease import load
from scheduling.lifecycle import Status
from scheduling.models import Delivery, DeliveryState, ScheduledPost

log = logging.getLogger(__name__)


def prestage(post_id: str) -> int:
    """Stage each delivery of a SCHEDULED post that wants it; return how many are ready now. Changes nothing visible.

    A failure here costs nothing: the publish stages what is missing. Kept is what a person must mend, the channel's
    state, and the words that say what stands in the way, should it come to nothing by the late limit.
    """
    found = load(post_id)
    if found is None or found[0].status != Status.SCHEDULED:
        return 0
    post, deliveries = found
    try:
        content = gate.authorize(post, deliveries)
    except gate.GateClosed:
        return 0  # the publish says so, at the instant, to the people concerned
    digest = post.approval.digest if post.approval else ""
    ready = 0
    for delivery in deliveries:
        waiting = delivery.retry_at is not None and delivery.retry_at > clock.now()
        if delivery.channel.public_id not in content["channels"] or waiting:
            continue
        if payload.is_staged(delivery, digest) or _stage_quietly(post, delivery, content, digest):
            ready += 1
    return ready


def stage(delivery: Delivery, content: Content, digest: str, *, only_if: Q) -> None:
    """Stage one delivery, saving each id that the platform gives before the next call is made.

    `only_if` says on which rows the ids may be kept; when the row has moved on, what was staged is discarded again,
    unless it is what the row holds. Of two workers that stage the same, the one that saves first is followed.
    Raises GraphErrors: NotReady while the platform is still at work.
    """
    platform, account, item = (
        payload.delivery_publisher(delivery),
        payload.delivery_account(delivery),
        payload.build_payload(content, delivery),
    )
    if delivery.staged and delivery.staged_digest != digest:
        platform.discard(account, delivery.staged)
        delivery.staged = {}

    def save(staged: dict[str, Any]) -> None:
        at = clock.now()
        columns: dict[str, Any] = {"staged": staged, "staged_digest": digest, "staged_at": at}
        if staged.get("ready"):
            columns |= {"state": DeliveryState.STAGED, "error_message": ""}
        mine = Delivery.objects.filter(only_if, pk=delivery.pk)
        if not mine.filter(staged_at=delivery.staged_at).update(**columns):
            row = Delivery.objects.filter(pk=delivery.pk).values_list("staged", flat=True).first()
            if payload.staged_id(row or {}) != payload.staged_id(staged):
                platform.discard(account, staged)
            raise StagedByAnother if mine.exists() else PostChanged
        for name, value in columns.items():
            setattr(delivery, name, value)

    try:
        save(platform.stage(account, item, dict(delivery.staged), save))
    except StagedByAnother:
        delivery.refresh_from_db(fields=["staged", "staged_digest", "staged_at"])
        if not payload.is_staged(delivery, digest):
            raise NotReady("Another worker is staging it") from None


class StagedByAnother(Exception):
    """Another worker has staged the same meanwhile; what the row holds is what counts."""


class PostChanged(Exception):
    """The post was reverted, or taken over, while it was being staged."""


def _stage_quietly(post: ScheduledPost, delivery: Delivery, content: Content, digest: str) -> bool:
    still = Q(post__status=Status.SCHEDULED, post__task_id=post.task_id)
    try:
        gate.ensure_channel_connected(delivery)
        stage(delivery, content, digest, only_if=still)
    except (gate.GateClosed, PostChanged):
        return False
    except NotReady as error:
        waiting = {"retry_at": _before(post, error, 2), "error_message": outcomes.in_words(error)[1]}
        Delivery.objects.filter(still, pk=delivery.pk).update(**waiting)
        return False
    except GraphError as error:
        log.info("staging %s: %s", delivery.pk, error.label)
        outcomes.update_channel_state(delivery, error)
        pause = retry_policy.retry_delay(error, delivery.attempt_count)
        again: dict[str, Any] = {
            "retry_at": _before(post, error, max(pause, 5)),
            "attempt_count": delivery.attempt_count + 1,
        }
        again["error_message"] = outcomes.in_words(error)[1]
        if retry_policy.rule(error).then == retry_policy.RESTAGE:
            again["staged"] = {}
        Delivery.objects.filter(still, pk=delivery.pk).update(**again)
        return False
    except Exception:
        log.exception("staging %s", delivery.pk)  # the publish tries again, and the other channels go on
        return False
    return True


def _before(post: ScheduledPost, error: GraphError, seconds: float) -> datetime:
    """Return when to try again: by the instant at the latest, unless the platform itself has named a later time."""
    again = payload.seconds_from_now(seconds)
    if post.scheduled_for is None or isinstance(error, Throttled):
        return again
    return min(again, post.scheduled_for)
