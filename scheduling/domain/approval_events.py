"""The audit events of approvals. An approval row is valid only with the event that its transaction recorded.

Write access to the database suffices to write the rows; the events need an AUDIT_KEY.
"""

from collections.abc import Iterator
from itertools import islice
from typing import Any
from uuid import UUID

from django.db.models import Exists, F, OuterRef, Q, QuerySet

from accounts.domain import audit_log
from accounts.models import ActorKind, AuditEvent, Organization
from scheduling.domain import archive_files
from scheduling.lifecycle import Status
from scheduling.models import Approval, Attempt, ScheduledPost

SCHEDULES, FIRST = ("approve", "retry"), "approve_first"
CLAIM = "claim"
ENDS = ("revert", "succeed", "fail")  # after these an approval is not valid any more
BATCH = 500  # events read at once


def find_forgery(post: ScheduledPost, approval: Approval) -> str:
    """Return why the audit log does not confirm that the approval is valid now; empty when it does. One query.

    Confirmed: an authentic event of the reviewer with the approval's id and digest, and one of its first approval;
    after it no end of the approval, no other approval, and at most the claim of the present worker.
    """
    verbs = (*SCHEDULES, FIRST, CLAIM, *ENDS)
    events = list(AuditEvent.objects.filter(subject=f"post:{post.pk}", verb__in=verbs).order_by("id"))
    confirmed = [_confirms(event, approval, SCHEDULES, post.organization_id) for event in events]
    if True not in confirmed:
        return "The audit log has no genuine record of this approval"
    at, first = confirmed.index(True), approval.first_approval
    if first is not None and not any(_confirms(event, first, (FIRST,), post.organization_id) for event in events[:at]):
        return "The audit log has no genuine record of the first approval"
    later = [event.verb for event in events[at + 1 :]]
    if later.count(CLAIM) > 1 or {*SCHEDULES, *ENDS} & set(later):
        return "According to the audit log this approval is used up or withdrawn"
    return ""


def _confirms(event: AuditEvent, approval: Approval, verbs: tuple[str, ...], organization_id: UUID) -> bool:
    """Whether the event is authentic and recorded this approval."""
    return (
        event.verb in verbs
        and event.organization_id == organization_id
        and event.subject == f"post:{approval.post_id}"
        and event.digest == approval.digest
        and (event.actor_kind, event.actor_id) == (ActorKind.PERSON, str(approval.reviewer_id))
        and isinstance(event.details, dict)
        and event.details.get("approval") == approval.pk
        and event.details.get("mfa") == approval.mfa_verified
        and event.details.get("first") == approval.first_approval_id
        and audit_log.is_authentic(event)
    )


def needed_events(organization_id: UUID) -> list[int]:
    """Return the ids of the events that publishing still needs: those of unspent approvals and of their first ones."""
    rows = Approval.objects.filter(_is_open(), post__organization_id=organization_id)
    needed = {pk for pair in rows.values_list("pk", "first_approval_id") for pk in pair}
    events = _approval_events(organization_id).values_list("pk", "details__approval")
    return [pk for pk, approval in events if isinstance(approval, int) and approval in needed]


def find_inconsistencies(organization_id: UUID | None = None) -> Iterator[str]:
    """Yield a sentence for each approval without its event, with another event, and for each event without approval."""
    organizations = Organization.objects.order_by("pk").values_list("pk", flat=True)
    for pk in organizations.filter(pk=organization_id) if organization_id else organizations:
        yield from _compare(pk)


def _compare(organization_id: UUID) -> Iterator[str]:
    purged_before = audit_log.purged_before(organization_id)
    events = _approval_events(organization_id).values_list("details__approval", "pk")
    recorded = {approval: pk for approval, pk in events if isinstance(approval, int)}
    rows = Approval.objects.filter(post__organization_id=organization_id).annotate(open=_is_open())
    approvals = set()
    for approval, event in _with_events(rows.order_by("pk").iterator(), recorded):
        approvals.add(approval.pk)
        name = f"approval {approval.pk} of post {approval.post_id}"
        if event is None:
            purged = purged_before is not None and approval.created_at < purged_before
            if vars(approval)["open"] or not purged:
                yield f"{name} has no event"
        elif not _confirms(event, approval, (*SCHEDULES, FIRST), organization_id):
            yield f"{name} does not match event {event.pk}"
        elif audit_log.canonical_sha256(approval.content) != approval.digest:
            yield f"{name} has content that does not match its digest"
    yield from _compare_missing(
        organization_id, {pk: event_id for pk, event_id in recorded.items() if pk not in approvals}
    )


def _with_events(
    approvals: Iterator[Approval], recorded: dict[int, int]
) -> Iterator[tuple[Approval, AuditEvent | None]]:
    """Yield each approval with its event, which are read in batches. `recorded`: the ids of events, by approval."""
    while batch := list(islice(approvals, BATCH)):
        events = AuditEvent.objects.in_bulk([recorded[approval.pk] for approval in batch if approval.pk in recorded])
        for approval in batch:
            yield approval, events.get(recorded.get(approval.pk, 0))


def _compare_missing(organization_id: UUID, event_ids: dict[int, int]) -> Iterator[str]:
    """Compare the approvals that the database lacks with the archive. `event_ids`: their events, by approval."""
    archived, problems = archive_files.archived_approvals(organization_id)
    yield from problems
    remaining = iter(event_ids.items())
    while batch := dict(islice(remaining, BATCH)):
        events = AuditEvent.objects.in_bulk(batch.values())
        for pk, event in ((pk, events[event_id]) for pk, event_id in batch.items()):
            if pk in archived:
                if not _confirms_archived(event, archived[pk]):
                    yield f"archived approval {pk} does not match event {event.pk}"
            elif not _was_deleted(organization_id, event.subject):
                yield f"approval {pk} of {event.subject}, which event {event.pk} recorded, is missing"


def _confirms_archived(event: AuditEvent, row: dict[str, Any]) -> bool:
    """Whether the event is authentic and recorded the approval with these columns, whose content has its digest."""
    names = {field.attname for field in Approval._meta.concrete_fields}
    approval = Approval(**{name: value for name, value in row.items() if name in names})
    matches = audit_log.canonical_sha256(approval.content) == approval.digest
    return matches and _confirms(event, approval, (*SCHEDULES, FIRST), event.organization_id)


def _approval_events(organization_id: UUID) -> QuerySet[AuditEvent]:
    return AuditEvent.objects.filter(organization_id=organization_id, verb__in=(*SCHEDULES, FIRST)).order_by("pk")


def _is_open() -> Q:
    """Approvals that can still publish: not revoked, and without an attempt or of a post that is being published."""
    publishing = Q(post__approval=F("pk"), post__status__in=(Status.SCHEDULED, Status.PUBLISHING))
    return Q(revoked_at=None) & (publishing | ~Q(Exists(Attempt.objects.filter(approval=OuterRef("pk")))))


def _was_deleted(organization_id: UUID, subject: str) -> bool:
    """Whether the audit log has an authentic event of the deletion of the post. Its approvals were deleted with it."""
    events = AuditEvent.objects.filter(organization_id=organization_id, subject=subject, verb="delete")
    return any(audit_log.is_authentic(event) for event in events)
