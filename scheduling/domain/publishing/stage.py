"""Staging before the scheduled time: everything that can be prepared invisibly, so that publishing costs one call."""

import logging
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Q

from accounts import clock
from posts.graph.errors import GraphError, NotReady, Throttled
from scheduling.domain import discards
from scheduling.domain.content import Content
from scheduling.domain.publishing import gate, hold, outcomes, payload, retry_policy
from scheduling.domain.publishing.lease import load_post
from scheduling.lifecycle import Status
from scheduling.models import Delivery, DeliveryState, ScheduledPost

log = logging.getLogger(__name__)


class StagedByAnother(Exception):
    """Another worker has staged the same in the meantime; the ids in the row are used."""


class PostChanged(Exception):
    """The post was reverted or taken over while it was being staged."""


def prestage(post_id: str) -> int:
    """Stage each delivery of a SCHEDULED post that needs it; return how many are ready now. Publishes nothing.

    A failure has no consequence: publishing stages what is missing. Stored are the channel's new state and the error
    message, which is shown when the delivery misses the late limit.
    """
    loaded = load_post(post_id)
    if loaded is None or loaded[0].status != Status.SCHEDULED:
        return 0
    post, deliveries = loaded
    state = hold.current()
    if state.held_at is not None or hold.pause_reason(state, post.organization):
        return 0
    try:
        content = gate.authorize(post, deliveries)
    except gate.GateClosed:
        return 0  # publishing reports it at the scheduled time
    digest = post.approved_digest
    ready = 0
    for delivery in deliveries:
        waiting = delivery.retry_at is not None and delivery.retry_at > clock.now()
        if delivery.channel.public_id not in content["channels"] or waiting:
            continue
        if payload.is_staged(delivery, digest) or _stage_or_record(post, delivery, content, digest):
            ready += 1
    return ready


def stage(delivery: Delivery, content: Content, digest: str, *, only_if: Q) -> None:
    """Stage one delivery and save each id that the platform returns before the next call.

    The ids are saved only in a row that matches `only_if`; otherwise what was staged is discarded, unless the row
    holds the same object. Of two workers that stage the same, the first to save wins.
    Raises PostChanged and GraphErrors: NotReady while the platform is processing.
    """
    publisher, account = payload.delivery_publisher(delivery), payload.delivery_account(delivery)
    item = payload.build_payload(content, delivery)
    outdated: dict[str, Any] = {}
    if delivery.staged and delivery.staged_digest != digest:
        outdated, delivery.staged = delivery.staged, {}

    def save(staged: dict[str, Any]) -> None:
        _save_staged(delivery, staged, digest, outdated, only_if)

    try:
        save(publisher.stage(account, item, dict(delivery.staged), save))
    except StagedByAnother:
        delivery.refresh_from_db(fields=["staged", "staged_digest", "staged_at"])
        if not payload.is_staged(delivery, digest):
            raise NotReady("Another worker is staging it") from None


def _save_staged(delivery: Delivery, staged: dict[str, Any], digest: str, outdated: dict[str, Any], only_if: Q) -> None:
    """Save what was staged, and discard what the row then does not refer to: `outdated`, or when it lost, `staged`."""
    columns: dict[str, Any] = {"staged": staged, "staged_digest": digest, "staged_at": clock.now()}
    if staged.get("ready"):
        columns |= {"state": DeliveryState.STAGED, "error_message": ""}
    rows = Delivery.objects.filter(only_if, pk=delivery.pk)
    with transaction.atomic():
        saved = rows.filter(staged_at=delivery.staged_at).update(**columns)
        if saved and outdated:
            discards.add_objects(delivery, dict(outdated))
        elif not saved:
            row = Delivery.objects.filter(pk=delivery.pk).values_list("staged", flat=True).first()
            if payload.staged_id(row or {}) != payload.staged_id(staged):
                discards.add_objects(delivery, staged)
    if not saved:
        raise StagedByAnother if rows.exists() else PostChanged
    outdated.clear()
    for name, value in columns.items():
        setattr(delivery, name, value)


def _stage_or_record(post: ScheduledPost, delivery: Delivery, content: Content, digest: str) -> bool:
    """Stage the delivery and return True; on an error store it, with the time of the next try, and return False."""
    unchanged = Q(post__status=Status.SCHEDULED, post__task_id=post.task_id)
    columns: dict[str, Any] = {}
    try:
        gate.ensure_channel_connected(delivery)
        stage(delivery, content, digest, only_if=unchanged)
        return True
    except (gate.GateClosed, PostChanged):
        return False
    except NotReady as error:
        columns = {"retry_at": _retry_at(post, error, 2), "error_message": outcomes.describe_error(error)[1]}
    except GraphError as error:
        log.info("staging %s: %s", delivery.pk, error.label)
        outcomes.update_channel_state(delivery, error)
        pause = retry_policy.retry_delay(error, delivery.attempt_count)
        columns = {
            "retry_at": _retry_at(post, error, max(pause, 5)),
            "attempt_count": delivery.attempt_count + 1,
            "error_message": outcomes.describe_error(error)[1],
        }
        if retry_policy.find_rule(error).then == retry_policy.RESTAGE:
            columns["staged"] = {}
    except Exception:
        log.exception("staging %s", delivery.pk)  # publishing tries again; the other channels are not affected
        return False
    Delivery.objects.filter(unchanged, pk=delivery.pk).update(**columns)
    return False


def _retry_at(post: ScheduledPost, error: GraphError, seconds: float) -> datetime:
    """Return when to try again: at the scheduled time at the latest, unless the platform requires a longer pause."""
    again = payload.seconds_from_now(seconds)
    if post.scheduled_for is None or isinstance(error, Throttled):
        return again
    return min(again, post.scheduled_for)
