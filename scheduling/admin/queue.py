"""The order in which a reviewer meets what waits."""

from django.db.models import F, QuerySet, prefetch_related_objects

from accounts.domain.keys import rotated_by
from accounts.domain.reviewers import reaches
from accounts.models import Membership, User
from scheduling.domain.review import wrote
from scheduling.lifecycle import Status
from scheduling.models import ScheduledPost

AHEAD = 200
SOONEST = (F("scheduled_for").asc(nulls_last=True), "id")


def waiting(user: User) -> QuerySet[ScheduledPost]:
    """Return what waits in the organizations where the person may review, soonest first."""
    rows = ScheduledPost.objects.filter(
        organization__memberships__user=user,
        organization__memberships__may_review=True,
        status=Status.WAITING_FOR_APPROVAL,
    )
    return rows.order_by(*SOONEST)


def following(user: User, post: ScheduledPost) -> ScheduledPost | None:
    """Return the waiting post that comes after `post` and that this person may decide on; from the top when none does.

    Looks at the first `AHEAD` posts of the queue, in two queries.
    """
    rows = list(waiting(user).select_related("organization", "created_by_key", "edited_by_key")[:AHEAD])
    rows = _within_reach(user, rows)
    keys = {key for one in rows for key in (one.created_by_key_id, one.edited_by_key_id) if key is not None}
    rotated = rotated_by(user, keys)
    others = [
        one
        for one in rows
        if one.pk != post.pk and (one.organization.allow_self_approval or not wrote(user, one, rotated=rotated))
    ]
    return next((one for one in others if _place(one) > _place(post)), others[0] if others else None)


def _within_reach(user: User, rows: list[ScheduledPost]) -> list[ScheduledPost]:
    """Leave out what goes to a channel that the person does not review. One query more where they are limited."""
    limited = {one.organization_id: one for one in Membership.objects.filter(user=user, review_channels__isnull=False)}
    if limited:
        prefetch_related_objects(rows, "deliveries__channel")
    return [
        one
        for one in rows
        if one.organization_id not in limited
        or reaches(limited[one.organization_id], [each.channel.wire_id for each in one.deliveries.all()])
    ]


def _place(post: ScheduledPost) -> tuple[bool, float, str]:
    instant = post.scheduled_for
    return (instant is None, instant.timestamp() if instant else 0.0, str(post.pk))
