"""The lease: which worker may act on a PUBLISHING post, and until when. After a crash another worker takes over."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from accounts import clock
from accounts.domain import audit_log
from accounts.domain.actors import WORKER
from scheduling.domain.publishing import hold
from scheduling.lifecycle import StateConflict, Status
from scheduling.models import Attempt, Delivery, DeliveryState, ScheduledPost

LONGEST = 300.0  # seconds, more than any worker holds a post: staging a video takes 260
SPENT = Exists(Attempt.objects.filter(approval=OuterRef("post__approval")))


class LeaseLost(Exception):
    """Another worker holds the post; this one must not send anything."""


@dataclass
class PublishRun:
    """One worker's work on one post: the post, its deliveries with their channels, and the lease that it holds."""

    post: ScheduledPost
    deliveries: list[Delivery]
    id: UUID = field(default_factory=uuid4)
    until: datetime = field(default_factory=lambda: clock.now() + timedelta(seconds=settings.LEASE_SECONDS))

    def extend(self, seconds: float) -> None:
        """Make sure that the lease lasts for another `seconds`. Raises LeaseLost."""
        if self.until - clock.now() >= timedelta(seconds=seconds):
            return
        until = clock.now() + timedelta(seconds=max(seconds, settings.LEASE_SECONDS))
        if not self._held().update(lease_expires_at=until):
            raise LeaseLost
        self.until = until

    def release(self, until: datetime) -> None:
        """Give up the lease; any worker may take the post over from `until` on."""
        self._held().update(lease_id=None, lease_expires_at=until)

    def _held(self) -> QuerySet[ScheduledPost]:
        return ScheduledPost.objects.filter(pk=self.post.pk, status=Status.PUBLISHING, lease_id=self.id)


def load_post(post_id: str) -> tuple[ScheduledPost, list[Delivery]] | None:
    """Return a post and its deliveries with all that publishing needs, in one query; None when it was deleted.

    Of a post with two approvals the first one is read when the gate asks for it.
    """
    rows = Delivery.objects.filter(post_id=UUID(post_id)).annotate(spent=SPENT).order_by()
    deliveries: list[Delivery] = sorted(
        rows.select_related(
            "channel",
            "post__organization",
            "post__media_file",
            "post__approval__reviewer",
            "post__approval__membership",
        ),
        key=lambda delivery: delivery.channel.public_id,
    )
    for delivery in deliveries:
        delivery.post = deliveries[0].post  # one object, which carries the lease
    return (deliveries[0].post, deliveries) if deliveries else None


def claim(
    post: ScheduledPost, deliveries: list[Delivery], *, task_id: str, although_held: bool = False
) -> PublishRun | None:
    """Claim a due post, as loaded: SCHEDULED → PUBLISHING, by compare-and-set on id, state, task and version.

    Returns None when the message is obsolete: the post was reverted, edited or claimed, or is not due; and while
    publishing is held or paused, unless `although_held`, for reading back only. An approval with attempts is spent and
    cannot be claimed a second time.
    """
    run = PublishRun(post, deliveries)
    if any(vars(delivery)["spent"] for delivery in deliveries):
        return None
    due = Q(task_id=task_id, scheduled_for__lte=clock.now())
    if not although_held:
        due &= hold.allows_claims()
    try:
        with transaction.atomic():
            previous = post.apply_transition(
                "claim", only_if=due, task_id=None, lease_id=run.id, lease_expires_at=run.until
            )
            _record_event("claim", post, previous)
    except StateConflict:
        return None
    return run


def abandoned_posts() -> QuerySet[ScheduledPost]:
    """Return the PUBLISHING posts whose lease has expired, or lies implausibly far in the future.

    A lease that ends later than any worker sets it was written by a worker with a wrong clock, and is ignored. Taking
    a post from a worker that still has it is safe: that worker checks the lease in the transaction that inserts the
    attempts (commit.py).
    """
    now, held = clock.now(), timedelta(seconds=max(LONGEST, settings.LEASE_SECONDS))
    over = Q(lease_expires_at__lte=now) | Q(lease_id__isnull=False, lease_expires_at__gt=now + held)
    over |= Q(lease_expires_at__gt=now + held + timedelta(seconds=settings.MAX_LATENESS_SECONDS))
    return ScheduledPost.objects.filter(over, status=Status.PUBLISHING)


def take_over(post_id: str) -> PublishRun | None:
    """Take the lease of an abandoned PUBLISHING post; None when another worker holds it or it is settled."""
    run_id, now = uuid4(), clock.now()
    until = now + timedelta(seconds=settings.LEASE_SECONDS)
    if not abandoned_posts().filter(pk=post_id).update(lease_id=run_id, lease_expires_at=until):
        return None
    loaded = load_post(post_id)
    return PublishRun(*loaded, id=run_id, until=until) if loaded else None


def finish(run: PublishRun, step: str, *, failure: str = "") -> None:
    """Settle the post by the step `succeed` or `fail`. Does nothing when another worker has the lease.

    The audit event of a failure names the channels with an unknown outcome and those where it failed.
    """
    details: dict[str, Any] = {}
    if failure:
        for name, state in (("unknown", DeliveryState.UNKNOWN), ("absent", DeliveryState.FAILED)):
            details[name] = [delivery.channel.public_id for delivery in run.deliveries if delivery.state == state]
        details["failure"] = failure[:300]
    released: dict[str, Any] = {"lease_id": None, "lease_expires_at": None, "failure_reason": failure[:300]}
    try:
        with transaction.atomic():
            previous = run.post.apply_transition(step, only_if=Q(lease_id=run.id), **released)
            _record_event(step, run.post, previous, **details)
    except StateConflict:
        return


def fail_unclaimed(post: ScheduledPost, code: str, message: str) -> bool:
    """Fail a SCHEDULED post that must not be sent any more; return whether this call failed it."""
    if post.status != Status.SCHEDULED:
        return False
    try:
        with transaction.atomic():
            previous = post.apply_transition("fail", task_id=None, failure_reason=message[:300])
            post.deliveries.exclude(state=DeliveryState.PUBLISHED).update(
                state=DeliveryState.FAILED, error_code=code, error_message=message[:500]
            )
            _record_event("fail", post, previous, failure=message[:300], code=code)
    except StateConflict:
        return False
    return True


def _record_event(verb: str, post: ScheduledPost, previous: str, **details: Any) -> None:
    audit_log.record(
        WORKER,
        verb,
        organization_id=post.organization_id,
        subject=f"post:{post.pk}",
        step=(previous, str(post.status)),
        digest=post.approved_digest,
        **details,
    )
