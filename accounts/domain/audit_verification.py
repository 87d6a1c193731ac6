"""Verification of the audit log. Reads only."""

from collections.abc import Iterator
from uuid import UUID

from django.conf import settings
from django.db.models import Exists, OuterRef

from accounts.domain import audit_log
from accounts.models import AuditChainLink, AuditEvent

PAGE = 1000
NEWEST = 100  # events that are tried with AUDIT_KEYS first


def chain_heads(organization_id: UUID | None = None) -> Iterator[str]:
    """Yield the last link of each chain. Stored elsewhere, it later shows whether the end was cut off."""
    for organization in _organizations(organization_id):
        last = AuditChainLink.objects.filter(organization_id=organization).order_by("-position").first()
        if last is not None:
            yield f"{organization}:{last.position}:{last.hash}"


def find_tampering(organization_id: UUID | None = None) -> Iterator[str]:
    """Yield a sentence for each inconsistency, organization by organization, in the order of the chain."""
    for organization in _organizations(organization_id):
        if not _has_a_key_of(organization):
            yield (
                f"no recent event of organization {organization} verifies with any of DYNAMO_AUDIT_KEYS: the key "
                "that signed them is missing, or other software wrote them"
            )
            continue
        yield from _check_chain(organization)
        yield from _check_unlinked_events(organization)


def check_truncation(head: str) -> str:
    """Return what is wrong with a chain that once ended at `head`, empty when nothing is. Raises ValueError."""
    organization, position, link_hash = head.split(":")
    organization_id = UUID(organization)
    link = AuditChainLink.objects.filter(organization_id=organization_id, position=int(position)).first()
    if link is None:
        return f"the chain of organization {organization_id} no longer reaches seal {position}"
    return "" if link.hash == link_hash else f"seal {position} of organization {organization_id} was replaced"


def _organizations(organization_id: UUID | None) -> list[UUID]:
    if organization_id is not None:
        return [organization_id]
    linked = set(AuditChainLink.objects.order_by().values_list("organization_id", flat=True).distinct())
    return sorted(linked | set(AuditEvent.objects.order_by().values_list("organization_id", flat=True).distinct()))


def _has_a_key_of(organization_id: UUID) -> bool:
    """Whether one of the newest events is authentic; with a wrong key each of them would seem altered."""
    newest = AuditEvent.objects.filter(organization_id=organization_id).order_by("-id")[:NEWEST]
    events = list(newest)
    return not events or any(audit_log.is_authentic(event) for event in events)


def _check_chain(organization_id: UUID) -> Iterator[str]:
    purges = _purges(organization_id)
    last_purged = max(purges, default=0)
    links = AuditChainLink.objects.filter(organization_id=organization_id).order_by("position")
    position, previous = 0, audit_log.GENESIS
    while page := list(links.filter(position__gt=position)[:PAGE]):
        events = AuditEvent.objects.in_bulk([link.event_id for link in page])
        for link in page:
            where = f"seal {link.position} of organization {organization_id}"
            if link.position != position + 1:
                yield f"seal {position + 1} of organization {organization_id} is missing"
            elif link.previous != previous:
                yield f"{where} does not follow the one before it"
            event = events.get(link.event_id)
            if event is not None:
                yield from _check_event(link, event, where)
            elif link.position > last_purged:
                yield f"event {link.event_id} ({where}) was removed"
            if purges.get(link.position, link.hash) != link.hash:
                yield f"{where} was replaced after the events up to it were purged"
            position, previous = link.position, link.hash


def _check_event(link: AuditChainLink, event: AuditEvent, where: str) -> Iterator[str]:
    hashes = {audit_log.chain_hash(link.previous, event, key) for key in settings.AUDIT_KEYS}
    if event.organization_id != link.organization_id or link.hash not in hashes:
        yield f"event {event.pk} ({where}) was altered"
    elif not audit_log.is_authentic(event):
        yield f"event {event.pk} ({where}) was not written by Dynamo"
    elif not _has_its_digest(event):
        yield f"event {event.pk} ({where}) contains content that does not match its digest"


def _has_its_digest(event: AuditEvent) -> bool:
    """Whether the content in the event, if any, has the digest that was approved."""
    content = event.details.get("content") if isinstance(event.details, dict) else None
    return not (event.digest and isinstance(content, dict)) or audit_log.canonical_sha256(content) == event.digest


def _purges(organization_id: UUID) -> dict[int, str]:
    """Return the hash of the last purged link by its position, one for each authentic event of a purge."""
    events = AuditEvent.objects.filter(
        organization_id=organization_id, verb=audit_log.PURGE_VERB, subject=audit_log.purge_subject(organization_id)
    )
    return {event.details["upTo"]: event.details["hash"] for event in events if audit_log.is_authentic(event)}


def _check_unlinked_events(organization_id: UUID) -> Iterator[str]:
    events = AuditEvent.objects.filter(organization_id=organization_id)
    for event in events.filter(~Exists(AuditChainLink.objects.filter(event_id=OuterRef("pk")))).iterator():
        if not audit_log.is_authentic(event):
            yield f"event {event.pk}, which is not sealed yet, was altered or not written by Dynamo"
