"""The order in which a reviewer meets what waits."""

from collections.abc import Iterable
from typing import NamedTuple

from django.db.models import F, Q, QuerySet, prefetch_related_objects

from accounts.domain.api_keys import keys_rotated_by
from accounts.domain.reviewers import can_review_channels
from accounts.models import Membership, User
from scheduling.domain.review import is_author
from scheduling.lifecycle import Status
from scheduling.models import ScheduledPost

AHEAD = 50
COUNTED = 999
SOONEST = (F("scheduled_for").asc(nulls_last=True), "id")
LATEST = (F("scheduled_for").desc(nulls_first=True), "-id")


class Neighbours(NamedTuple):
    """What this person may decide on before and after a post."""

    previous: ScheduledPost | None
    next: ScheduledPost | None


def waiting(user: User) -> QuerySet[ScheduledPost]:
    """Return what waits in the organizations where the person may review, soonest first."""
    rows = ScheduledPost.objects.filter(
        organization__memberships__user=user,
        organization__memberships__may_review=True,
        status=Status.WAITING_FOR_APPROVAL,
    )
    return rows.order_by(*SOONEST)


def waiting_count(user: User) -> int:
    """Return how many posts wait in the person's organizations, counted up to one more than COUNTED."""
    rows = ScheduledPost.objects.filter(organization__memberships__user=user, status=Status.WAITING_FOR_APPROVAL)
    return rows[: COUNTED + 1].count()


def neighbours(user: User, post: ScheduledPost) -> Neighbours:
    """Return the posts before and after this one in the queue. After the last comes the first.

    Looks AHEAD posts in either direction, in a number of queries that does not depend on how many wait.
    """
    rows = waiting(user).select_related("organization", "created_by_key", "last_edited_by_key", "content_edited_by_key")
    after = list(rows.filter(after_in_queue(post))[:AHEAD])
    before = list(rows.filter(_before(post)).order_by(*LATEST)[:AHEAD])
    first = list(rows.exclude(pk=post.pk)[:AHEAD])
    mine = _undecidable(user, [post, *after, *before, *first])
    return Neighbours(_one(before, mine), _one([*after, *first], mine))


def next_for_review(user: User, post: ScheduledPost) -> ScheduledPost | None:
    """Return the waiting post after `post` that this person may decide on; from the top when there is none."""
    return neighbours(user, post).next


def rotated_key_ids(user: User, posts: Iterable[ScheduledPost]) -> set[str]:
    """Return which of the keys that wrote or edited the posts the person has rotated. One query."""
    written = {
        key
        for post in posts
        for key in (post.created_by_key_id, post.last_edited_by_key_id, post.content_edited_by_key_id)
    }
    return keys_rotated_by(user, {key for key in written if key is not None})


def _undecidable(user: User, posts: list[ScheduledPost]) -> set[object]:
    rotated = rotated_key_ids(user, posts)
    own = {
        post.pk
        for post in posts
        if not post.organization.allow_self_approval and is_author(user, post, rotated=rotated)
    }
    return own | _out_of_reach(user, posts)


def _out_of_reach(user: User, posts: list[ScheduledPost]) -> set[object]:
    """Return what goes to a channel that the person does not review. One query more where they are limited."""
    limited = {
        membership.organization_id: membership
        for membership in Membership.objects.filter(user=user, review_channels__isnull=False)
    }
    theirs = [post for post in posts if post.organization_id in limited]
    prefetch_related_objects(theirs, "deliveries__channel")
    return {
        item.pk
        for item in theirs
        if not can_review_channels(
            limited[item.organization_id], [each.channel.public_id for each in item.deliveries.all()]
        )
    }


def _one(posts: list[ScheduledPost], left_out: set[object]) -> ScheduledPost | None:
    return next((post for post in posts if post.pk not in left_out), None)


def after_in_queue(post: ScheduledPost) -> Q:
    """Return what comes later. Whatever waits has an instant: without one it could not have been submitted."""
    at = post.scheduled_for
    return Q(scheduled_for__gte=at) & (Q(scheduled_for__gt=at) | Q(pk__gt=post.pk)) if at else Q(pk__in=[])


def _before(post: ScheduledPost) -> Q:
    at = post.scheduled_for
    return Q(scheduled_for__lte=at) & (Q(scheduled_for__lt=at) | Q(pk__lt=post.pk)) if at else Q(pk__in=[])
