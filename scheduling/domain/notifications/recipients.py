"""Recipients of notifications: members by e-mail, unless they muted the kind, and the organization's webhooks."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet

from accounts import clock
from accounts.domain import audit_log
from accounts.domain.actors import Actor
from accounts.domain.reviewers import can_review_channels
from accounts.exceptions import Forbidden
from accounts.models import ActorKind, Membership, Organization, Role, User
from scheduling.domain import enqueue, event_feed
from scheduling.models import (
    Delivery,
    NoticeKind,
    Notification,
    NotificationDelivery,
    NotificationMedium,
    PostAuthor,
    Webhook,
)

K = NoticeKind
BATCH = 200
UNDO_PERIOD = timedelta(seconds=12)  # a little longer than undo.UNDO_WITHIN: an undone approval is not announced
TAKEN_BACK = {K.REVERTED, K.DELETED}
CHANNEL = {
    K.RECONNECT, K.BLOCKED, K.DEAUTHORIZED, K.TOKEN_EXPIRES, K.DATA_ACCESS_EXPIRES, K.PERMISSIONS_LOST
}  # fmt: skip
FOR_REVIEWERS = {K.SUBMITTED, K.UNAPPROVED, K.FAILED, K.UNKNOWN, K.RULES} | CHANNEL | TAKEN_BACK
FOR_AUTHORS = {K.REJECTED, K.APPROVED, K.PUBLISHED, K.FAILED, K.UNKNOWN} | TAKEN_BACK
FOR_LAST_EDITOR = {K.OVERWRITTEN}
FOR_ADMINISTRATORS = {K.RULES, K.WEBHOOK_STOPPED, K.HELD, K.PAUSED} | CHANNEL
# Without a recipient they are deleted. Others stay, so that the log shows that they reached no one.
KEPT_IF_SENT = {K.CREATED, K.EDITED, K.APPROVED, K.PUBLISHED}
MAILED = [kind for kind in K if kind in FOR_REVIEWERS | FOR_AUTHORS | FOR_LAST_EDITOR | FOR_ADMINISTRATORS]


@transaction.atomic
def fan_out() -> int:
    """Create a delivery per recipient of the notifications that have none yet; return how many notifications.

    Deletes those of KEPT_IF_SENT that have no recipient.
    Enqueues the deliveries on commit. The lock keeps a second sweep from creating the deliveries again.
    """
    waiting = Notification.objects.filter(fanned_out_at=None)
    waiting = waiting.exclude(kind=K.APPROVED, created_at__gt=clock.now() - UNDO_PERIOD)
    rows = waiting.select_for_update(of=("self",), skip_locked=True)
    notifications = list(rows.select_related("organization", "channel").order_by("created_at")[:BATCH])
    if not notifications:
        return 0
    event_feed.record_notifications(row for row in notifications if not row.dedupe_key.startswith("trail:"))
    organizations = {row.organization_id for row in notifications if row.organization.active}
    members = _by_organization(members_with_email().filter(organization__in=organizations).order_by("id"))
    active = Webhook.objects.filter(organization__in=organizations, active=True)
    webhooks = _by_organization(active.order_by("created_at"))
    posts = {row.post_id for row in notifications if row.post_id is not None}
    authors, channels = _authors(posts), _channels(posts)
    deliveries: list[NotificationDelivery] = []
    for notification in notifications:
        wrote = authors.get(notification.post_id) or set(notification.details.get("authors", []))
        on = channels.get(notification.post_id) or set(notification.details.get("channels", []))
        if notification.channel:
            on = {notification.channel.public_id}
        deliveries += [
            NotificationDelivery(notice=notification, means=NotificationMedium.EMAIL, user_id=member.user_id)
            for member in members.get(notification.organization_id, [])
            if _should_notify(notification, member, authors=wrote, channels=on)
        ]
        if notification.kind == K.HELD and notification.organization_id == _first_organization():
            notified = [row.user_id for row in deliveries if row.notice == notification and row.user_id]
            deliveries += [
                NotificationDelivery(notice=notification, means=NotificationMedium.EMAIL, user=user)
                for user in superusers_with_email().exclude(pk__in=notified)
            ]
        deliveries += [
            NotificationDelivery(notice=notification, means=NotificationMedium.WEBHOOK, webhook=webhook)
            for webhook in webhooks.get(notification.organization_id, [])
            if set(notification.kinds) & set(webhook.kinds)
        ]
    created = NotificationDelivery.objects.bulk_create(deliveries)
    sent = {delivery.notice_id for delivery in created}
    Notification.objects.filter(
        pk__in=[row.pk for row in notifications if row.kind in KEPT_IF_SENT and row.pk not in sent]
    ).delete()
    Notification.objects.filter(pk__in=[row.pk for row in notifications]).update(fanned_out_at=clock.now())
    enqueue.deliver_after_commit([delivery.pk for delivery in created])
    return len(notifications)


def _should_notify(notification: Notification, member: Membership, *, authors: set[int], channels: set[str]) -> bool:
    """Whether the member gets the e-mail: it concerns them, is not muted, and they did not cause it."""
    by = notification.details.get("by") or {}
    if by.get("kind") == ActorKind.PERSON and by.get("id") == str(member.user_id):
        return False
    muted = set(notification.kinds) & set(MAILED) <= set(member.muted_notification_kinds)
    return not muted and bool(
        (notification.kind in FOR_REVIEWERS and can_review_channels(member, channels))
        or member.user_id in notification.details.get("approvers", [])
        or (member.user_id in authors and notification.kind in FOR_AUTHORS)
        or (notification.kind in FOR_LAST_EDITOR and member.user_id == notification.details["overwritten"])
        or (member.role == Role.ADMIN and notification.kind in FOR_ADMINISTRATORS)
    )


def available_kinds(membership: Membership) -> list[NoticeKind]:
    kinds: set[NoticeKind] = set()
    if membership.role != Role.VIEWER:
        kinds |= FOR_AUTHORS | FOR_LAST_EDITOR
    if membership.may_review:
        kinds |= FOR_REVIEWERS | FOR_LAST_EDITOR | {K.REJECTED}  # also to the first of two approvers
    if membership.role == Role.ADMIN:
        kinds |= FOR_ADMINISTRATORS
    return [kind for kind in MAILED if kind in kinds]


def update_preferences(actor: Actor, membership: Membership, *, wanted: Sequence[str], offered: Sequence[str]) -> bool:
    """Mute the kinds in `offered` that are not in `wanted`; return whether that changed anything. Raises Forbidden."""
    if actor.user is None or actor.user.pk != membership.user_id:
        raise Forbidden("You can change only your own notification settings")
    kept = [kind for kind in membership.muted_notification_kinds if kind not in offered]
    muted = [str(kind) for kind in MAILED if kind in kept or (kind in offered and kind not in wanted)]
    if muted == membership.muted_notification_kinds:
        return False
    with transaction.atomic():
        Membership.objects.filter(pk=membership.pk).update(muted_notification_kinds=muted)
        subject = f"membership:{membership.pk}"
        audit_log.record(
            actor, "membership.mute", organization_id=membership.organization_id, subject=subject, muted=muted
        )
    membership.muted_notification_kinds = muted
    return True


def members_with_email() -> Any:
    """Return the memberships of active people with an e-mail address; none when e-mail is switched off."""
    members = Membership.objects.filter(user__is_active=True, organization__active=True).exclude(user__email="")
    return members if settings.MAIL_GOES_OUT else members.none()


def superusers_with_email() -> QuerySet[User]:
    """Return the administrators of the installation, who may be members of no organization."""
    users = User.objects.filter(is_active=True, is_superuser=True).exclude(email="")
    return users if settings.MAIL_GOES_OUT else users.none()


def _first_organization() -> UUID | None:
    """Return the organization whose notification of a hold goes to superusers as well: they get one e-mail of it."""
    return Organization.objects.filter(active=True).order_by("pk").values_list("pk", flat=True).first()


def _by_organization(rows: Any) -> dict[UUID, list[Any]]:
    grouped: dict[UUID, list[Any]] = {}
    for row in rows:
        grouped.setdefault(row.organization_id, []).append(row)
    return grouped


def _authors(posts: set[UUID]) -> dict[UUID | None, set[int]]:
    """Return by post the people who wrote it. API keys have no e-mail address."""
    authors: dict[UUID | None, set[int]] = {}
    for post, user in PostAuthor.objects.filter(post__in=posts, user__isnull=False).values_list("post", "user"):
        authors.setdefault(post, set()).add(user)
    return authors


def _channels(posts: set[UUID]) -> dict[UUID | None, set[str]]:
    channels: dict[UUID | None, set[str]] = {}
    for post, channel in Delivery.objects.filter(post__in=posts).values_list("post", "channel__public_id"):
        channels.setdefault(post, set()).add(channel)
    return channels
