"""The events of GET /events, which are also the bodies of webhooks: what happened, with the post as it was then.

1. `record` inserts the event of an audit event in its transaction; `record_notifications` those that no audit event
   has, such as reminders.
2. `number` gives each committed event the next position of its organization. Numbering under a lock, after the commit,
   keeps a reader from missing an event whose transaction took longer. The audit log's seals have the same property,
   but reminders have none, and approvals are sealed ahead of what happened before them.
3. `read` returns what follows a position.
"""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from django.db import transaction
from django.db.models import Max

from accounts import clock
from accounts.datetimes import format_datetime
from accounts.domain.actors import KINDS, WORKER, actor_json
from accounts.domain.organization_policy import RULES
from accounts.models import ActorKind, ApiKey, AuditEvent, Organization
from posts.models import Channel
from scheduling.domain.representation import serialize_current
from scheduling.models import Event, NoticeKind, Notification

KEPT = timedelta(days=30)
BATCH = 500
GAP = 1_000_000  # more events than an organization has between a backup and its restore
SCANNED = 2000  # events that one read looks at for a key that is limited to channels
LATE = "MISSED"  # publishing.gate.MISSED
OF_POSTS = {
    "create": "post.created",
    "edit": "post.edited",
    "redraft": "post.edited",
    "correct": "post.edited",
    "submit": "post.submitted",
    "reject": "post.rejected",
    "approve": "post.approved",
    "approve_first": "post.submitted",  # it waits for the second of two approvals
    "retry": "post.approved",
    "revert": "post.reverted",
    "undo": "post.reverted",
    "delete": "post.deleted",
    "succeed": "post.published",
    "settle": "post.published",
    "fail": "post.failed",
}
OF_CHANNELS = {
    "channel.needs_reconnect": "channel.needs_reconnect",
    "channel.deauthorize": "channel.needs_reconnect",
    "channel.block": "channel.blocked",
}
OF_PUBLISHING = {
    "publishing.hold": "publishing.held",
    "publishing.release": "publishing.released",
    "publishing.pause": "publishing.paused",
    "publishing.resume": "publishing.resumed",
}
OF_KINDS: dict[str, str] = {
    NoticeKind.CREATED: "post.created",
    NoticeKind.EDITED: "post.edited",
    NoticeKind.SUBMITTED: "post.submitted",
    NoticeKind.REJECTED: "post.rejected",
    NoticeKind.APPROVED: "post.approved",
    NoticeKind.PUBLISHED: "post.published",
    NoticeKind.FAILED: "post.failed",
    NoticeKind.LATE: "post.late",
    NoticeKind.UNKNOWN: "post.unknown",
    NoticeKind.REVERTED: "post.reverted",
    NoticeKind.DELETED: "post.deleted",
    NoticeKind.UNAPPROVED: "post.unapproved",
    NoticeKind.RECONNECT: "channel.needs_reconnect",
    NoticeKind.DEAUTHORIZED: "channel.needs_reconnect",
    NoticeKind.PERMISSIONS_LOST: "channel.needs_reconnect",
    NoticeKind.TOKEN_EXPIRES: "channel.expiring",
    NoticeKind.DATA_ACCESS_EXPIRES: "channel.expiring",
    NoticeKind.BLOCKED: "channel.blocked",
    NoticeKind.RULES: "organization.policy_changed",
    NoticeKind.HELD: "publishing.held",
    NoticeKind.PAUSED: "publishing.paused",
    NoticeKind.TEST: "webhook.test",
}
REVIEWED = ("post.rejected", "post.approved")
TYPES = sorted({*OF_POSTS.values(), *OF_CHANNELS.values(), *OF_PUBLISHING.values(), *OF_KINDS.values()})


def record(*, event: AuditEvent, **_signal: Any) -> None:
    """Insert the event that `event` stands for, if any. Receives `audit_log.event_recorded`, in its transaction."""
    event_type = type_of(event)
    if event_type is None:
        return
    kind, _, pk = event.subject.partition(":")
    actor = {"kind": KINDS[ActorKind(event.actor_kind)], "id": event.actor_id, "name": event.actor_name}
    post = serialize_current(event.organization_id, UUID(pk)) if kind == "post" else None
    channel = Channel.objects.filter(pk=pk).first() if kind == "channel" else None
    row = _build(f"trail:{event.pk}", event_type, event, actor=actor, post=post, channel=channel)
    row.save(force_insert=True)
    if event_type == "publishing.held":  # a restore was noticed: nothing from here on is behind a client's cursor
        _leave_gap(event.organization_id)


def type_of(event: AuditEvent) -> str | None:
    """Return the type of the event that the audit event stands for; None when it stands for none."""
    subject = event.subject.partition(":")[0]
    if subject == "channel":
        return OF_CHANNELS.get(event.verb)
    if subject == "organization":
        policy = event.verb == "organization.change" and set(event.details.get("changed", {})) & set(RULES)
        return "organization.policy_changed" if policy else OF_PUBLISHING.get(event.verb)
    if subject != "post":
        return None
    if event.verb == "fail" and event.details.get("code") == LATE:
        return "post.late"
    if event.verb == "fail" and event.details.get("unknown"):
        return "post.unknown"
    return OF_POSTS.get(event.verb)


def record_notifications(notifications: Iterable[Notification]) -> None:
    """Insert the events of notifications that no audit event caused. One that is recorded already is left alone."""
    rows = []
    for notice in notifications:
        if notice.kind not in OF_KINDS:
            continue
        post = serialize_current(notice.organization_id, notice.post_id) if notice.post_id else None
        rows.append(_from_notice(notice, post))
    Event.objects.bulk_create(rows, ignore_conflicts=True)


def document_of(notice: Notification) -> dict[str, Any]:
    """Return the object that a webhook sends for the notification."""
    key = notice.dedupe_key.rpartition(":")[0] if notice.dedupe_key.startswith("trail:") else notice.dedupe_key
    event = Event.objects.filter(key=key).first() or _from_notice(notice, None)
    document: dict[str, Any] = event.document
    return document


def number() -> int:
    """Give each event without a position the next one of its organization; return how many. Runs in each sweep."""
    count = 0
    waiting = Event.objects.filter(position=None).order_by()
    for organization_id in set(waiting.values_list("organization", flat=True)[: BATCH * 2]):
        with transaction.atomic():
            _lock(organization_id)
            rows = list(waiting.filter(organization=organization_id).order_by("pk").only("pk")[:BATCH])
            numbered = Event.objects.filter(organization=organization_id)
            last = numbered.aggregate(last=Max("position"))["last"] or 0
            for position, row in enumerate(rows, last + 1):
                row.position = position
            Event.objects.bulk_update(rows, ["position"])
            count += len(rows)
    return count


def _leave_gap(organization_id: UUID) -> None:
    """Give the first event without a position one that is GAP after the last.

    Positions that were given after a backup are lost with the database, and clients may have cursors that contain them.
    """
    _lock(organization_id)
    events = Event.objects.filter(organization=organization_id)
    last = events.aggregate(last=Max("position"))["last"] or 0
    first = events.filter(position=None).order_by("pk")[:1]
    Event.objects.filter(pk__in=list(first.values_list("pk", flat=True))).update(position=last + GAP)


def _lock(organization_id: UUID) -> None:
    """Let another process that gives positions wait; by FOR NO KEY UPDATE, inserts that refer to the row do not."""
    list(Organization.objects.select_for_update(no_key=True).filter(pk=organization_id).values_list("pk"))


def read(key: ApiKey, *, after: int, types: Sequence[str], limit: int) -> tuple[list[dict[str, Any]], int]:
    """Return up to `limit` events after the position `after` that the key may see, and the position reached.

    A page may be short although more follows: at most SCANNED events are looked at.
    """
    rows = Event.objects.filter(organization=key.organization_id, position__gt=after, at__gte=clock.now() - KEPT)
    if types:
        rows = rows.filter(type__in=types)
    items: list[dict[str, Any]] = []
    visible = None if key.channels is None else set(key.channels)
    for row in rows.order_by("position")[: limit if visible is None else SCANNED].iterator(chunk_size=limit):
        after = row.position or after
        if visible is None or visible.issuperset(row.channels):
            items.append(row.document)
        if len(items) == limit:
            break
    return items, after


def _from_notice(notice: Notification, post: dict[str, Any] | None) -> Event:
    by = notice.details.get("by")
    actor = {**by, "kind": KINDS[ActorKind(by["kind"])]} if by else actor_json(WORKER)
    return _build(notice.dedupe_key, OF_KINDS[notice.kind], notice, actor=actor, post=post, channel=notice.channel)


def _build(
    key: str,
    event_type: str,
    source: AuditEvent | Notification,
    *,
    actor: dict[str, str],
    post: dict[str, Any] | None,
    channel: Channel | None,
) -> Event:
    at = source.at if isinstance(source, AuditEvent) else source.created_at
    document: dict[str, Any] = {
        # The same in each attempt to deliver it, and in GET /events.
        "id": str(uuid5(NAMESPACE_URL, f"dynamo:event:{source.organization_id}:{key}")),
        "type": event_type,
        "occurredAt": format_datetime(at),
        "organizationId": str(source.organization_id),
        "actor": actor,
        "post": post,
        "channel": {"id": channel.public_id, "type": channel.type, "name": channel.name} if channel else None,
    }
    if event_type in REVIEWED and post:
        document["review"] = post["review"]
    channels = [channel.public_id] if channel else list(post["mediumsData"]) if post else []
    return Event(
        organization_id=source.organization_id, key=key, type=event_type, at=at, channels=channels, document=document
    )
