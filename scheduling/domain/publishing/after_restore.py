"""What `manage.py after_restore` does while publishing is held: reads back what was perhaps sent, and settles it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from django.conf import settings
from django.db import transaction

from accounts import clock
from accounts.domain.actors import WORKER
from posts.graph.publishers import LookupStatus
from scheduling.domain.audit import record_post_event
from scheduling.domain.content import Content
from scheduling.domain.publishing import commit, hold, lease, outcomes, reconcile, run
from scheduling.lifecycle import Status
from scheduling.models import Attempt, Delivery, DeliveryState, ScheduledPost

FAILED_WITHIN = timedelta(days=7)


@dataclass(frozen=True)
class ReadBack:
    """What the platform has of one delivery. `attempt` is unsaved where the database has none without an outcome."""

    delivery: Delivery
    attempt: Attempt
    verdict: LookupStatus
    post_id: str


def due_posts() -> list[UUID]:
    """Return the posts whose time has passed and that are neither published nor failed, oldest first."""
    due = ScheduledPost.objects.filter(
        status__in=[Status.SCHEDULED, Status.PUBLISHING], scheduled_for__lte=clock.now(), approval__isnull=False
    )
    return list(due.order_by("scheduled_for", "pk").values_list("pk", flat=True))


def failed_posts() -> list[UUID]:
    """Return the posts that failed within FAILED_WITHIN, oldest first: a retry may have been approved and lost.

    Older ones are read back when a retry is approved.
    """
    failed = ScheduledPost.objects.filter(
        status=Status.FAILED, scheduled_for__gte=clock.now() - FAILED_WITHIN, approval__isnull=False
    )
    return list(failed.order_by("scheduled_for", "pk").values_list("pk", flat=True))


def undecided_posts() -> int:
    """Return how many posts wait for an approval although their time has passed: it may have been given and lost."""
    return ScheduledPost.objects.filter(status=Status.WAITING_FOR_APPROVAL, scheduled_for__lte=clock.now()).count()


def readable_at() -> datetime | None:
    """Return the time from which what was sent before the restore is readable: LANDING_LIMIT after the last number."""
    row = hold.current()
    marker = hold.read_marker(row.installation)
    return datetime.fromisoformat(marker["at"]) + timedelta(seconds=settings.LANDING_LIMIT) if marker else None


def read_back(post_id: UUID) -> list[ReadBack]:
    """Look up each unsettled delivery of the post on its platform; of a FAILED post, each failed one. Reads only."""
    loaded = lease.load_post(str(post_id))
    return list(_read_back(*loaded)) if loaded else []


def _read_back(post: ScheduledPost, deliveries: list[Delivery]) -> Iterator[ReadBack]:
    content, failed = _content(post), post.status == Status.FAILED
    since = hold.lost_since(hold.current())
    for delivery in deliveries:
        if delivery.channel.public_id not in content["channels"]:
            continue
        if failed and delivery.state == DeliveryState.FAILED:
            columns = reconcile.lost_attempt(post, reconcile.LOST)
            lost = Attempt(delivery=delivery, approval=post.approval, lease_id=uuid4(), **columns)
            result = reconcile.look_up_lost(delivery, content, delivery.lost_since or since)
            yield ReadBack(delivery, lost, result.verdict, result.post_id)
        if failed or delivery.state in outcomes.SETTLED:
            continue
        known = delivery.attempts.filter(approval=post.approval, outcome__in=outcomes.OPEN).order_by("-id").first()
        lost = Attempt(delivery=delivery, approval=post.approval, lease_id=uuid4(), **reconcile.lost_attempt(post))
        result = reconcile.look_up(delivery, content, known or lost)
        yield ReadBack(delivery, known or lost, result.verdict, result.post_id)


def settle(post_id: UUID) -> str:
    """Read the post back, store what was found, and return the result as `run.settle`; `absent`, `void`: no change.

    Of a FAILED post the result is `published`, or `still failed` where some or all of it was not found.

    Of several equal posts the first takes the oldest on the platform, so call it in the order of `due_posts`, then of
    `failed_posts`.
    A post that was found nowhere stays as it is: after the release the workers publish it, or fail it past the late
    limit. Where it is not certain, the workers read it back again before anything is sent. Raises LeaseLost.
    """
    found, loaded = read_back(post_id), lease.load_post(str(post_id))
    if loaded is None:
        return "void"
    post, deliveries = loaded
    if post.status == Status.FAILED:
        return _settle_failed(post, deliveries, found)
    if all(item.verdict is LookupStatus.NOT_FOUND for item in found):
        return "absent"
    if post.task_id is not None:  # SCHEDULED
        claimed = lease.claim(post, deliveries, task_id=str(post.task_id), although_held=True)
    else:
        claimed = lease.take_over(str(post_id))
    if claimed is None:
        return "void"
    content, by_id = _content(claimed.post), {delivery.pk: delivery for delivery in claimed.deliveries}
    for item in found:
        if item.verdict is LookupStatus.NOT_FOUND:
            continue
        delivery, attempt = by_id[item.delivery.pk], item.attempt
        if attempt._state.adding:
            attempt = commit.insert_attempts(claimed, [delivery], reconcile.lost_attempt(claimed.post))[0]
        if item.verdict is LookupStatus.PUBLISHED and not reconcile.mark_found(
            delivery, content, attempt, item.post_id
        ):
            reconcile.read_back_soon(delivery)
    return run.settle(claimed)


def _settle_failed(post: ScheduledPost, deliveries: list[Delivery], found: list[ReadBack]) -> str:
    """Settle what was found of a FAILED post; it becomes PUBLISHED when all its deliveries are."""
    content, by_id = _content(post), {delivery.pk: delivery for delivery in deliveries}
    with transaction.atomic():
        # Locked as by a person who enters the result: one of the two sees what the other has stored.
        same = ScheduledPost.objects.select_for_update().filter(pk=post.pk, revision=post.revision)
        if same.first() is None:
            return "void"
        for item in found:
            delivery = by_id[item.delivery.pk]
            if item.verdict is LookupStatus.PUBLISHED:
                item.attempt.save(force_insert=True)
                if not reconcile.mark_found(delivery, content, item.attempt, item.post_id):
                    item.attempt.delete()
        left = [delivery for delivery in deliveries if delivery.state != DeliveryState.PUBLISHED]
        if left:
            post.failure_reason = "; ".join(f"{item.channel.name}: {item.error_message}" for item in left)[:300]
            post.save(update_fields=["failure_reason"])
            return "still failed"
        previous = post.apply_transition("settle", failure_reason="")
        record_post_event(WORKER, "settle", post, previous)
    return "published"


def _content(post: ScheduledPost) -> Content:
    """Return the approved content. What is only looked up need not pass the gate."""
    content: Content = post.approval.content if post.approval else {"channels": {}}
    return content
