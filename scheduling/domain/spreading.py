"""Who is told: the people whom a notice concerns, unless they muted its kind, and the organization's webhooks."""

from typing import Any, NamedTuple
from uuid import UUID

from django.conf import settings
from django.db import transaction

from accounts import clock
from accounts.domain.reviewers import reaches
from accounts.models import ActorKind, Membership, Role
from scheduling.models import Delivery, Dispatch, Means, Notice, NoticeKind, ScheduledPost, Webhook

K = NoticeKind
BATCH = 200
FOR_REVIEWERS = {K.SUBMITTED, K.UNAPPROVED, K.FAILED, K.UNKNOWN, K.RECONNECT, K.RULES}
FOR_AUTHORS = {K.REJECTED, K.APPROVED, K.PUBLISHED, K.FAILED, K.UNKNOWN}
FOR_ADMINISTRATORS = {K.RECONNECT, K.RULES}
MAILED = [kind for kind in K if kind in FOR_REVIEWERS | FOR_AUTHORS | FOR_ADMINISTRATORS]


class Concerned(NamedTuple):
    """The ids of the people who wrote what a notice is about, and of the channels that it goes to."""

    authors: set[int]
    channels: set[str]


def spread() -> int:
    """Make a dispatch for each address of the notices that have none yet; return how many notices there were.

    Twice at the same time makes each dispatch once.
    """
    rows = Notice.objects.filter(spread_at=None).select_related("organization", "channel").order_by("created_at")
    notices = list(rows[:BATCH])
    if not notices:
        return 0
    organizations = {one.organization_id for one in notices if one.organization.active}
    people, hooks = _people(organizations), _webhooks(organizations)
    posts = {one.post_id for one in notices if one.post_id is not None}
    authors, channels = _authors(posts), _channels(posts)
    dispatches: list[Dispatch] = []
    for one in notices:
        on = {one.channel.wire_id} if one.channel else channels.get(one.post_id, set())
        concerned = Concerned(authors.get(one.post_id, set()), on)
        told = [each.user_id for each in people.get(one.organization_id, []) if concerns(one, each, concerned)]
        called = [each for each in hooks.get(one.organization_id, []) if set(one.kinds) & set(each.kinds)]
        dispatches += [Dispatch(notice=one, means=Means.EMAIL, user_id=each) for each in told]
        dispatches += [Dispatch(notice=one, means=Means.WEBHOOK, webhook=each) for each in called]
    with transaction.atomic():
        Dispatch.objects.bulk_create(dispatches, ignore_conflicts=True)
        Notice.objects.filter(pk__in=[one.pk for one in notices], spread_at=None).update(spread_at=clock.now())
    return len(notices)


def concerns(notice: Notice, membership: Membership, concerned: Concerned) -> bool:
    """Whether that member is told by e-mail: it is theirs to know, not muted, and not of their own doing."""
    by = notice.details.get("by") or {}
    if by.get("kind") == ActorKind.PERSON and by.get("id") == str(membership.user_id):
        return False
    return not set(notice.kinds) <= set(membership.muted_notices) and bool(
        (notice.kind in FOR_REVIEWERS and reaches(membership, concerned.channels))
        or (membership.user_id in concerned.authors and notice.kind in FOR_AUTHORS)
        or (membership.role == Role.ADMIN and notice.kind in FOR_ADMINISTRATORS)
    )


def kinds_for(membership: Membership) -> list[NoticeKind]:
    """Return the kinds of e-mail that the member may get at all."""
    mine: set[NoticeKind] = set()
    if membership.role != Role.VIEWER:
        mine |= FOR_AUTHORS
    if membership.may_review:
        mine |= FOR_REVIEWERS
    if membership.role == Role.ADMIN:
        mine |= FOR_ADMINISTRATORS
    return [kind for kind in MAILED if kind in mine]


def reachable() -> Any:
    """Return the memberships of people to whom e-mail can go."""
    reached = Membership.objects.filter(user__is_active=True, organization__active=True).exclude(user__email="")
    return reached if settings.MAIL_GOES_OUT else reached.none()


def _people(organizations: set[UUID]) -> dict[UUID, list[Membership]]:
    return _grouped(reachable().filter(organization__in=organizations).order_by("id"))


def _webhooks(organizations: set[UUID]) -> dict[UUID, list[Webhook]]:
    return _grouped(Webhook.objects.filter(organization__in=organizations, active=True).order_by("created_at"))


def _grouped(rows: Any) -> dict[UUID, list[Any]]:
    found: dict[UUID, list[Any]] = {}
    for one in rows:
        found.setdefault(one.organization_id, []).append(one)
    return found


def _authors(posts: set[UUID]) -> dict[UUID | None, set[int]]:
    """Return by post the people who wrote or last edited it. What a key wrote is nobody's to be mailed about."""
    rows = ScheduledPost.objects.filter(pk__in=posts).values_list("pk", "created_by_user", "edited_by_user")
    return {pk: {one for one in people if one is not None} for pk, *people in rows}


def _channels(posts: set[UUID]) -> dict[UUID | None, set[str]]:
    found: dict[UUID | None, set[str]] = {}
    for post, channel in Delivery.objects.filter(post__in=posts).values_list("post", "channel__wire_id"):
        found.setdefault(post, set()).add(channel)
    return found
