"""Another instant for a post that is scheduled. Its approval stood for the old one, so a person approves the new one.

There is no step from SCHEDULED to SCHEDULED: the post goes back to draft, to the reviewers, and through an approval, by
the verbs that do this anyway, in one transaction. Either all of it happens or the old approval still stands.
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


def resubmit(actor: Actor, post: ScheduledPost, *, instant: datetime, expected_version: int) -> ScheduledPost:
    """Take the post back, give it `instant` and hand it to the reviewers; it goes out once one of them approves.

    Raises Stale (`expected_version` is not the current one), StateConflict, Invalid.
    """
    with transaction.atomic():
        _must_be(post, expected_version)
        review.revert(actor, post)
        post = drafts.edit(actor, post, changes={"scheduled_for": instant}, expected_version=expected_version)
        return review.submit(actor, post)


def reapprove(
    reviewer: Reviewer,
    post: ScheduledPost,
    *,
    digest: str,
    revision: int,
    instant: datetime,
    expected_version: int,
    checks: Sequence[Check] = (),
) -> Approval:
    """Approve the post, exactly as the reviewer's page showed it, for `instant` instead of the one that it has.

    `revision` is the page's. Raises Stale, StateConflict and what `review.approve` raises: nobody moves by this what
    they
    wrote themselves.
    """
    with transaction.atomic():
        _must_be(post, expected_version)
        if post.status != Status.SCHEDULED:
            raise post.conflict("reapprove")
        if post.revision != revision:
            raise StaleVersion("This post was taken back and approved again since you opened it")
        review.revert(reviewer.actor, post)
        review.submit(reviewer.actor, post)
        return review.approve(reviewer, post, digest=digest, revision=post.revision, instant=instant, checks=checks)


def _must_be(post: ScheduledPost, expected_version: int) -> None:
    if post.version != expected_version:
        raise StaleVersion(f"This post is at version {post.version}", {"version": post.version})
