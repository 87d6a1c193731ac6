"""Creates notifications from audit events and for posts close to their scheduled time."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import Exists, OuterRef, Q

from accounts import clock
from accounts.domain.organization_policy import RULES
from accounts.models import AuditEvent
from scheduling.domain import event_feed
from scheduling.domain.correction_events import corrections_in_force
from scheduling.domain.representation import serialize_current
from scheduling.lifecycle import Status
from scheduling.models import NoticeKind, Notification, PostAuthor, ScheduledPost, Webhook

BATCH = 500
NOTIFICATION_GRACE = timedelta(minutes=5)
BY_STATE: dict[str, NoticeKind] = {
    Status.WAITING_FOR_APPROVAL: NoticeKind.SUBMITTED,
    Status.REJECTED: NoticeKind.REJECTED,
    Status.SCHEDULED: NoticeKind.APPROVED,
    Status.PUBLISHED: NoticeKind.PUBLISHED,
}
# By verb; created only for the webhooks that subscribe to them.
FOR_WEBHOOKS = {
    "create": NoticeKind.CREATED,
    "edit": NoticeKind.EDITED,
    "redraft": NoticeKind.EDITED,
    "correct": NoticeKind.EDITED,
}
APPROVE, FIRST, UNDO = "approve", "approve_first", "undo"
TAKEN_BACK = {"revert": NoticeKind.REVERTED, "delete": NoticeKind.DELETED}  # by verb, of an approved post
OF_CHANNELS = {
    "channel.needs_reconnect": NoticeKind.RECONNECT,
    "channel.block": NoticeKind.BLOCKED,
    "channel.deauthorize": NoticeKind.DEAUTHORIZED,
}
OF_PUBLISHING = {"publishing.hold": NoticeKind.HELD, "publishing.pause": NoticeKind.PAUSED}  # of an organization
# Details of the event that the notification repeats.
QUOTED = ("notes", "failure", "unknown", "absent", "reason", "overwritten")


def create_notifications(*, event: AuditEvent, **_signal: Any) -> None:
    """Create one notification per kind that `event` stands for, in the transaction that records the event.

    Receives `audit_log.event_recorded`. Deletes what the same person has caused and is not fanned out yet when it is no
    longer true: a rescheduled post is reverted, submitted and approved in one transaction, and an undone approval is
    not announced.
    The organization and the channel of the event exist, because the transaction has changed a row of theirs.
    """
    if event.verb == UNDO:
        _delete_pending(event, NoticeKind.APPROVED)
    notifications = [
        Notification(organization_id=event.organization_id, kind=kind, details=_details(event), **_subject(event, kind))
        for kind in _kinds(event)
    ]
    if not notifications:
        return
    if event.verb in {APPROVE, FIRST}:
        _delete_pending(event, NoticeKind.SUBMITTED, NoticeKind.REVERTED)
    Notification.objects.bulk_create(notifications)


def remind() -> int:
    """Create a notification for each unapproved post close to its scheduled time; return how many.

    Reviewers notified of the submission less than NOTIFICATION_GRACE ago are not reminded yet. There is no second
    reminder of a post that is rescheduled by less than the lead.
    """
    now, lead = clock.now(), timedelta(seconds=settings.UNAPPROVED_REMINDER_LEAD)
    reminders = Notification.objects.filter(
        kind=NoticeKind.UNAPPROVED, post_id=OuterRef("pk"), created_at__gte=OuterRef("scheduled_for") - lead
    )
    waiting = ScheduledPost.objects.filter(
        ~Exists(reminders),
        Q(updated_at__lte=now - NOTIFICATION_GRACE) | Q(scheduled_for__lte=now + NOTIFICATION_GRACE),
        status=Status.WAITING_FOR_APPROVAL,
        scheduled_for__gt=now,
        scheduled_for__lte=now + lead,
        organization__active=True,
    )
    notifications = [
        Notification(
            organization_id=post.organization_id,
            kind=NoticeKind.UNAPPROVED,
            post_id=post.pk,
            dedupe_key=f"unapproved:{post.pk}:{post.scheduled_for.timestamp():.3f}",
            created_at=now,
        )
        for post in waiting.order_by("scheduled_for")[:BATCH]
        if post.scheduled_for is not None
    ]
    Notification.objects.bulk_create(notifications, ignore_conflicts=True)
    return len(notifications)


def _delete_pending(event: AuditEvent, *kinds: NoticeKind) -> None:
    # A row that `fan_out` has locked is being sent: it stays, and approving does not wait for it.
    rows = Notification.objects.select_for_update(skip_locked=True).filter(
        post_id=UUID(event.subject.partition(":")[2]), kind__in=kinds, fanned_out_at=None
    )
    own = [
        notification.pk
        for notification in rows
        if notification.details["by"]["kind"] == event.actor_kind and notification.details["by"]["id"] == event.actor_id
    ]
    if own:
        Notification.objects.filter(pk__in=own).delete()


def _kinds(event: AuditEvent) -> Iterator[NoticeKind]:
    subject = event.subject.partition(":")[0]
    if subject == "post":
        yield from _kinds_of_post(event)
    if subject == "channel" and event.verb in OF_CHANNELS:
        yield OF_CHANNELS[event.verb]
    if subject == "organization" and event.verb in OF_PUBLISHING:
        yield OF_PUBLISHING[event.verb]
    if subject == "organization" and _rules(event):
        yield NoticeKind.RULES


def _kinds_of_post(event: AuditEvent) -> Iterator[NoticeKind]:
    if event.verb == FIRST:
        yield NoticeKind.SUBMITTED
    if event.details.get("overwritten"):
        yield NoticeKind.OVERWRITTEN
    if event.verb in FOR_WEBHOOKS and _is_subscribed(event, FOR_WEBHOOKS[event.verb]):
        yield FOR_WEBHOOKS[event.verb]
    if event.verb in TAKEN_BACK and (event.state_from == Status.SCHEDULED or event.details.get("approvedBy")):
        yield TAKEN_BACK[event.verb]
        return
    if event.state_from == event.state_to or event.verb == UNDO:
        return
    if event.state_to in BY_STATE:
        yield BY_STATE[event.state_to]
    elif event.state_to == Status.FAILED:
        # One notification covers a post that failed on one channel and is unknown on another.
        yield NoticeKind.UNKNOWN if event.details.get("unknown") else NoticeKind.FAILED


def _is_subscribed(event: AuditEvent, kind: NoticeKind) -> bool:
    """Whether an active webhook of the organization gets notifications of the kind."""
    subscriptions = Webhook.objects.filter(organization=event.organization_id, active=True)
    return any(kind in kinds for kinds in subscriptions.values_list("kinds", flat=True))


def _rules(event: AuditEvent) -> dict[str, bool]:
    """Return the organization's rules that the event changed, with their new values."""
    if event.verb != "organization.change":
        return {}
    return {name: bool(after) for name, (_, after) in event.details.get("changed", {}).items() if name in RULES}


def _subject(event: AuditEvent, kind: NoticeKind) -> dict[str, Any]:
    subject, _, pk = event.subject.partition(":")
    about: dict[str, Any] = {"post_id": UUID(pk)} if subject == "post" else {}
    if subject == "channel":
        about = {"channel_id": int(pk)}
    return {**about, "created_at": event.at, "dedupe_key": f"trail:{event.pk}:{kind}"}


def _details(event: AuditEvent) -> dict[str, Any]:
    quoted = {name: event.details[name] for name in QUOTED if event.details.get(name)}
    if event.verb == FIRST:
        quoted["first"] = True
    if event.verb in {APPROVE, FIRST}:
        corrections = corrections_in_force(UUID(event.subject.partition(":")[2]))
        if corrections:
            quoted["corrections"] = [correction._asdict() for correction in corrections]
    if rules := _rules(event):
        quoted["rules"] = rules
    if event_feed.type_of(event) == event_feed.OF_KINDS[NoticeKind.LATE]:
        quoted["late"] = True
    if event.details.get("approvedBy"):
        quoted["approvers"] = event.details["approvedBy"]
    if event.verb in TAKEN_BACK:
        quoted |= _taken_back(event)
    return {**quoted, "by": {"kind": event.actor_kind, "id": event.actor_id, "name": event.actor_name}}


def _taken_back(event: AuditEvent) -> dict[str, Any]:
    """Return what the notification needs when the post changes or is deleted: recipients, channels, title, snapshot."""
    content, post_id = event.details["content"], UUID(event.subject.partition(":")[2])
    captions = [channel["caption"] for channel in content["channels"].values()]
    authors = PostAuthor.objects.filter(post=post_id, user__isnull=False)
    return {
        "title": next((caption for caption in captions if caption.strip()), ""),
        "scheduledFor": content["scheduledFor"],
        "channels": list(content["channels"]),
        "authors": list(authors.values_list("user", flat=True)),
        "post": serialize_current(event.organization_id, post_id),
    }
