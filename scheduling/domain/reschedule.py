"""Reschedules a scheduled post. Its approval covers the old time, so a person approves the new one.

There is no transition from SCHEDULED to SCHEDULED: the post is reverted, submitted and approved in one transaction.
If a step fails, the old approval stays valid.
"""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from accounts.domain.actors import Actor
from accounts.domain.reviewers import Reviewer
from accounts.exceptions import StaleVersion
from scheduling.domain import drafts, review
from scheduling.domain.preflight.checks import Check
from scheduling.lifecycle import Status
from scheduling.models import Approval, ScheduledPost


def resubmit(actor: Actor, post: ScheduledPost, *, scheduled_for: datetime, expected_version: int) -> ScheduledPost:
    """Revert the post, set `scheduled_for` and submit it. Raises StaleVersion, StateConflict, Invalid."""
    with transaction.atomic():
        drafts.ensure_version(post, expected_version)
        review.revert(actor, post)
        post = drafts.edit(actor, post, changes={"scheduled_for": scheduled_for}, expected_version=expected_version)
        return review.submit(actor, post)


def reapprove(
    reviewer: Reviewer,
    post: ScheduledPost,
    *,
    digest: str,
    revision: int,
    scheduled_for: datetime,
    expected_version: int,
    checks: Sequence[Check] = (),
) -> Approval:
    """Approve the content of the reviewer's page for another `scheduled_for`. `revision` is the page's.

    Raises StaleVersion, StateConflict and what `review.approve` raises, also for the reviewer's own work.
    """
    with transaction.atomic():
        drafts.ensure_version(post, expected_version)
        if post.status != Status.SCHEDULED:
            raise post.conflict("reapprove")
        if post.revision != revision:
            raise StaleVersion("This post was reverted and approved again since you opened it")
        review.revert(reviewer.actor, post)
        review.submit(reviewer.actor, post)
        return review.approve(
            reviewer, post, digest=digest, revision=post.revision, scheduled_for=scheduled_for, checks=checks
        )
