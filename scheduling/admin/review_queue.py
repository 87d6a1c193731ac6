"""The review queue: its order, and the neighbours of a post in it."""

from typing import NamedTuple
from uuid import UUID

from django.db.models import F, Q, prefetch_related_objects

from accounts.domain.reviewers import can_review_channels
from accounts.models import Membership, User
from scheduling.domain.authors import authored_by
from scheduling.lifecycle import Status
from scheduling.models import ScheduledPost

NEIGHBOURS = 50  # posts read in each direction
MAX_COUNT = 999
SOONEST = (F("scheduled_for").asc(nulls_last=True), "id")
LATEST = (F("scheduled_for").desc(nulls_first=True), "-id")


class Neighbours(NamedTuple):
    """The nearest posts that this user can review."""

    previous: ScheduledPost | None
    next: ScheduledPost | None


def waiting_count(user: User) -> int:
    """Return the number of waiting posts in the user's organizations, at most MAX_COUNT + 1."""
    rows = ScheduledPost.objects.filter(organization__memberships__user=user, status=Status.WAITING_FOR_APPROVAL)
    return rows[: MAX_COUNT + 1].count()


def neighbours(user: User, post: ScheduledPost) -> Neighbours:
    """Return the previous and next post that the user can review; after the last comes the first.

    Reads NEIGHBOURS posts in each direction, with a constant number of queries.
    """
    waiting = ScheduledPost.objects.filter(
        organization__memberships__user=user,
        organization__memberships__may_review=True,
        status=Status.WAITING_FOR_APPROVAL,
    )
    rows = waiting.select_related("organization").order_by(*SOONEST)
    after = list(rows.filter(after_in_queue(post))[:NEIGHBOURS])
    before = list(rows.filter(_before(post)).order_by(*LATEST)[:NEIGHBOURS])
    first = list(rows.exclude(pk=post.pk)[:NEIGHBOURS])
    excluded = _not_reviewable(user, [post, *after, *before, *first])
    return Neighbours(_first_except(before, excluded), _first_except([*after, *first], excluded))


def _not_reviewable(user: User, posts: list[ScheduledPost]) -> set[UUID]:
    """Return the user's own posts, and those with a channel that the user does not review."""
    excluded = authored_by(user, [post for post in posts if not post.organization.allow_self_approval])
    memberships = Membership.objects.filter(user=user, review_channels__isnull=False)
    limited = {membership.organization_id: membership for membership in memberships}
    candidates = [post for post in posts if post.organization_id in limited]
    prefetch_related_objects(candidates, "deliveries__channel")
    for post in candidates:
        channels = [delivery.channel.public_id for delivery in post.deliveries.all()]
        if not can_review_channels(limited[post.organization_id], channels):
            excluded.add(post.pk)
    return excluded


def _first_except(posts: list[ScheduledPost], excluded: set[UUID]) -> ScheduledPost | None:
    return next((post for post in posts if post.pk not in excluded), None)


def after_in_queue(post: ScheduledPost) -> Q:
    """Return the filter for posts after this one. Every waiting post has a scheduled time."""
    at = post.scheduled_for
    return Q(scheduled_for__gte=at) & (Q(scheduled_for__gt=at) | Q(pk__gt=post.pk)) if at else Q(pk__in=[])


def _before(post: ScheduledPost) -> Q:
    at = post.scheduled_for
    return Q(scheduled_for__lte=at) & (Q(scheduled_for__lt=at) | Q(pk__lt=post.pk)) if at else Q(pk__in=[])
