"""Who may act on a PUBLISHING post, and until when. A worker that is killed is followed by another."""

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
from scheduling.lifecycle import StateConflict, Status
from scheduling.models import Attempt, Delivery, DeliveryState, ScheduledPost

LONGEST = 300.0  # seconds, more than anybody holds a post for: staging a film takes 260
SPENT = Exists(Attempt.objects.filter(approval=OuterRef("post__approval")))


class LeaseLost(Exception):
    """Another worker holds the post now; this one must not send anything any more."""


@dataclass
class PublishRun:
    """One worker's turn at one post: the post, its deliveries with their channels, and the lease that it holds."""

    post: ScheduledPost
    deliveries: list[Delivery]
    id: UUID = field(default_factory=uuid4)
    until: datetime = field(default_factory=lambda: clock.now() + timedelta(seconds=settings.LEASE_SECONDS))

    def extend(self, seconds: float) -> None:
        """Make sure that the lease lasts for another `seconds`. Raises LeaseLost."""
        if self.until - clock.now() >= timedelta(seconds=seconds):
            return
        until = clock.now() + timedelta(seconds=max(seconds, settings.LEASE_SECONDS))
        mine = ScheduledPost.objects.filter(pk=self.post.pk, status=Status.PUBLISHING, lease_id=self.id)
        if not mine.update(lease_expires_at=until):
            raise LeaseLost
        self.until = until

    def release(self, until: datetime) -> None:
        """Let go of the post until `until`, when whoever comes first goes on with it."""
        mine = ScheduledPost.objects.filter(pk=self.post.pk, status=Status.PUBLISHING, lease_id=self.id)
        mine.update(lease_id=None, lease_expires_at=until)


def load(post_id: str) -> tuple[ScheduledPost, list[Delivery]] | None:
    """Return a post with all that publishing needs, in one query; None when it is gone."""
    rows = Delivery.objects.filter(post_id=UUID(post_id)).annotate(spent=SPENT).order_by("channel__public_id")
    deliveries: list[Delivery] = list(
        rows.select_related(
            "channel",
            "post__organization",
            "post__approval__reviewer",
            "post__approval__membership",
            "post__approval__first_approval__reviewer",
            "post__approval__first_approval__membership",
        )
    )
    for delivery in deliveries:
        delivery.post = deliveries[0].post  # the same object, which carries the lease that is held
    return (deliveries[0].post, deliveries) if deliveries else None


def claim(post: ScheduledPost, deliveries: list[Delivery], *, task_id: str) -> PublishRun | None:
    """Take a due post, as loaded: SCHEDULED → PUBLISHING, by compare-and-set on id, state, task and version.

    None when the message does not fit any more (reverted, edited, claimed by another, not due yet): nothing to do then.
    An approval with attempts on the ledger is spent: it cannot be claimed a second time.
    """
    run = PublishRun(post, deliveries)
    if any(vars(delivery)["spent"] for delivery in deliveries):
        return None
    due = Q(task_id=task_id, scheduled_for__lte=clock.now())
    try:
        with transaction.atomic():
            left = post.apply_transition(
                "claim", only_if=due, task_id=None, lease_id=run.id, lease_expires_at=run.until
            )
            _record("claim", post, left)
    except StateConflict:
        return None
    return run


def abandoned_posts() -> QuerySet[ScheduledPost]:
    """Return the PUBLISHING posts that nobody holds any more, or waits for: whoever comes first goes on with them.

    Clocks differ, and are set. An end that is further away than any that we set was written by a wrong one, and is
    not waited for. To take a post from a worker that still has it costs nothing: its intent asks the database.
    """
    now, held = clock.now(), timedelta(seconds=max(LONGEST, settings.LEASE_SECONDS))
    over = Q(lease_expires_at__lte=now) | Q(lease_id__isnull=False, lease_expires_at__gt=now + held)
    over |= Q(lease_expires_at__gt=now + held + timedelta(seconds=settings.MAX_LATENESS_SECONDS))
    return ScheduledPost.objects.filter(over, status=Status.PUBLISHING)


def take_over(post_id: str) -> PublishRun | None:
    """Take a PUBLISHING post whose lease has run out; None when somebody holds it or it is settled."""
    run_id, now = uuid4(), clock.now()
    until = now + timedelta(seconds=settings.LEASE_SECONDS)
    if not abandoned_posts().filter(pk=post_id).update(lease_id=run_id, lease_expires_at=until):
        return None
    found = load(post_id)
    return PublishRun(*found, id=run_id, until=until) if found else None


def finish(run: PublishRun, step: str, *, failure: str = "") -> None:
    """Settle the whole post, succeed or fail, unless the lease has passed to another, who settles it then."""
    details = _why(run, failure) if failure else {}
    released: dict[str, Any] = {"lease_id": None, "lease_expires_at": None, "failure_reason": failure[:300]}
    try:
        with transaction.atomic():
            left = run.post.apply_transition(step, only_if=Q(lease_id=run.id), **released)
            _record(step, run.post, left, **details)
    except StateConflict:
        return


def fail_unclaimed(post: ScheduledPost, *, code: str, message: str) -> bool:
    """Fail a SCHEDULED post that must not be sent any more; return whether this call was the one that did."""
    if post.status != Status.SCHEDULED:
        return False
    try:
        with transaction.atomic():
            left = post.apply_transition("fail", task_id=None, failure_reason=message[:300])
            post.deliveries.exclude(state="PUBLISHED").update(
                state="FAILED", error_code=code, error_message=message[:500]
            )
            _record("fail", post, left, failure=message[:300], code=code)
    except StateConflict:
        return False
    return True


def _why(run: PublishRun, failure: str) -> dict[str, Any]:
    """Return what the trail says of a failure: the reason, and on which channels the outcome is not known."""
    unknown = [delivery.channel.public_id for delivery in run.deliveries if delivery.state == DeliveryState.UNKNOWN]
    absent = [delivery.channel.public_id for delivery in run.deliveries if delivery.state == DeliveryState.FAILED]
    return {"failure": failure[:300], "unknown": unknown, "absent": absent}


def _record(verb: str, post: ScheduledPost, left: str, **details: Any) -> None:
    audit_log.record(
        WORKER,
        verb,
        organization_id=post.organization_id,
        subject=f"post:{post.pk}",
        step=(left, str(post.status)),
        digest=post.approval.digest if post.approval else "",
        **details,
    )
