"""The audit log: append-only, with a hash chain for each organization.

An event is written in the transaction of the change that it records, with a signature that requires an AUDIT_KEY. Its
chain link is written by the next sweep, so that concurrent writers do not wait for each other; the link of an approval
is written in the approval's own transaction (`seal_event`).
`audit_verification` finds events that were altered, removed, inserted or moved.
"""

import hashlib
import hmac
import json
import secrets
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.db.models import Exists, OuterRef
from django.dispatch import Signal

from accounts import clock
from accounts.domain.actors import Actor
from accounts.models import AuditChainLink, AuditEvent, Organization

GENESIS = "0" * 64  # the `previous` of the first link
PURGE_VERB = "forget"
NEVER_PURGED = ("key.rotate",)  # a user who has seen a key's secret may never approve what the key wrote
SEALED_AT_ONCE = ("approve", "approve_first", "retry")  # by `seal_event`, ahead of older events
RECENT = 20_000  # ids before the newest event that a sweep linked, among which `seal` looks for events without a link
NONCE_LENGTH = 32  # characters at the start of a signature
event_recorded = Signal()  # argument `event`; sent in the transaction that records it, to receivers in other apps


def canonical_sha256(document: dict[str, Any]) -> str:
    """Return the SHA-256 of the canonical JSON (sorted keys, no white space, UTF-8), as lowercase hex."""
    text = json.dumps(document, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def record(
    actor: Actor,
    verb: str,
    *,
    organization_id: UUID,
    subject: str,
    step: tuple[str, str] = ("", ""),
    digest: str = "",
    **details: Any,
) -> AuditEvent:
    """Append a signed event to the audit log, in the caller's transaction, send `event_recorded`, and return it.

    `subject` is kind:id; `step` is the state before and after; `details` JSON.
    """
    if actor.tool:
        details["tool"] = actor.tool
    event = AuditEvent(
        organization_id=organization_id,
        at=clock.now(),
        actor_kind=actor.kind,
        actor_id=actor.id,
        actor_name=actor.name[:200],
        verb=verb,
        subject=subject,
        state_from=step[0],
        state_to=step[1],
        digest=digest,
        details=details,
    )
    nonce = secrets.token_hex(NONCE_LENGTH // 2)
    event.signature = f"{nonce}{_hmac(settings.AUDIT_KEYS[0], nonce, _canonical(event))}"
    with transaction.atomic(savepoint=False):
        event.save(force_insert=True)
        event_recorded.send(AuditEvent, event=event)
    return event


def is_authentic(event: AuditEvent) -> bool:
    """Whether the event's signature is valid for its present columns under any of AUDIT_KEYS."""
    signature = event.signature or ""
    nonce, mac = signature[:NONCE_LENGTH], signature[NONCE_LENGTH:]
    text = _canonical(event)
    return any(hmac.compare_digest(_hmac(key, nonce, text), mac) for key in settings.AUDIT_KEYS)


def chain_hash(previous: str, event: AuditEvent, key: str | None = None) -> str:
    """Return the hash of the event's chain link when it follows the link with the hash `previous`."""
    return _hmac(key or settings.AUDIT_KEYS[0], previous, f"{event.pk}:{event.signature}:{_canonical(event)}")


def _canonical(event: AuditEvent) -> str:
    columns = [
        str(event.organization_id), event.at.isoformat(), event.actor_kind, event.actor_id, event.actor_name,
        event.verb, event.subject, event.state_from, event.state_to, event.digest, _normalize(event.details),
    ]  # fmt: skip
    return json.dumps(columns, sort_keys=True, ensure_ascii=True, separators=(",", ":"))


def _normalize(value: Any) -> Any:
    """Return JSON with whole numbers as int: PostgreSQL returns 1e22 as digits, and -0.0 as 0.0."""
    if isinstance(value, dict):
        return {name: _normalize(member) for name, member in value.items()}
    if isinstance(value, list | tuple):
        return [_normalize(member) for member in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _hmac(key: str, prefix: str, text: str) -> str:
    return hmac.new(key.encode(), f"{prefix}{text}".encode(), hashlib.sha256).hexdigest()


def seal(*, limit: int = 1000, everything: bool = False) -> int:
    """Append a chain link for each event without one, oldest first; return how many. Safe to run concurrently.

    Looks only among the RECENT events, so that the cost does not grow with the log; with `everything` among all.
    """
    count = 0
    links = AuditChainLink.objects.filter(event_id=OuterRef("pk"))
    unlinked = AuditEvent.objects.filter(~Exists(links))
    if not everything:
        linked = AuditEvent.objects.filter(Exists(links))
        newest = linked.exclude(verb__in=SEALED_AT_ONCE).order_by("-pk").values_list("pk", flat=True).first()
        first = (newest or 0) - RECENT
        # The links are limited as well, or PostgreSQL would read all of them.
        unlinked = AuditEvent.objects.filter(~Exists(links.filter(event_id__gt=first)), pk__gt=first)
    for organization_id in set(unlinked.order_by().values_list("organization_id", flat=True)[:limit]):
        try:
            with transaction.atomic():
                _lock_chain(organization_id)
                ids = unlinked.filter(organization_id=organization_id).order_by("id").values_list("pk", flat=True)
                count += _append_links(organization_id, list(ids[:limit]))
        except IntegrityError:
            continue  # a concurrent run has written these links
    return count


def seal_event(event: AuditEvent) -> None:
    """Append the event's chain link in the caller's transaction: from its commit on, a removal is found.

    Locks the organization until the transaction ends, so it is the last step of the transaction: writers that lock a
    post after the organization would deadlock with those that lock the post first.
    """
    _lock_chain(event.organization_id)
    _append_links(event.organization_id, [event.pk])


def _lock_chain(organization_id: UUID) -> None:
    """Make other writers of the organization's chain wait. FOR NO KEY UPDATE: inserts that refer to it do not wait."""
    list(Organization.objects.select_for_update(no_key=True).filter(pk=organization_id).values_list("pk"))


def _append_links(organization_id: UUID, event_ids: list[int]) -> int:
    last = AuditChainLink.objects.filter(organization_id=organization_id).order_by("-position").first()
    position, previous = (last.position, last.hash) if last else (0, GENESIS)
    links = []
    for event in AuditEvent.objects.filter(pk__in=event_ids).order_by("id"):
        position += 1
        link = AuditChainLink(
            organization_id=organization_id,
            position=position,
            event_id=event.pk,
            previous=previous,
            hash=chain_hash(previous, event),
        )
        links.append(link)
        previous = link.hash
    return len(AuditChainLink.objects.bulk_create(links))


def export(organization_id: UUID | None = None, *, after: int = 0) -> Iterator[dict[str, Any]]:
    """Yield the events with an id above `after`, oldest first, as JSON. `seal` is null until an event is linked."""
    events = AuditEvent.objects.filter(pk__gt=after).order_by("pk")
    if organization_id is not None:
        events = events.filter(organization_id=organization_id)
    while page := list(events.filter(pk__gt=after)[:500]):
        links = AuditChainLink.objects.filter(event_id__in=[event.pk for event in page])
        links_by_event = {link.event_id: link for link in links}
        for event in page:
            link = links_by_event.get(event.pk)
            yield {
                "id": event.pk,
                "organization": str(event.organization_id),
                "at": event.at.isoformat(),
                "actor": {"kind": event.actor_kind, "id": event.actor_id, "name": event.actor_name},
                "verb": event.verb,
                "subject": event.subject,
                "from": event.state_from,
                "to": event.state_to,
                "digest": event.digest,
                "details": event.details,
                "signature": event.signature,
                "seal": link and {"position": link.position, "previous": link.previous, "hash": link.hash},
            }
        after = page[-1].pk


def purged_before(organization_id: UUID) -> datetime | None:
    """Return the time before which events may have been purged, None when there was no purge."""
    purges = AuditEvent.objects.filter(
        organization_id=organization_id, verb=PURGE_VERB, subject=purge_subject(organization_id)
    )
    times = [datetime.fromisoformat(event.details["before"]) for event in purges if is_authentic(event)]
    return max(times, default=None)


def purge_subject(organization_id: UUID) -> str:
    return f"trail:{organization_id}"


def purge(actor: Actor, organization_id: UUID, *, before: datetime, keep: Iterable[int] = ()) -> int:
    """Delete the organization's events from before a time, as far as the chain has no gap; return how many.

    Events with a NEVER_PURGED verb and those with a primary key in `keep` stay. All links stay, and the purge is
    recorded as an event with the hash of the last purged link, so that the rest still verifies.
    """
    with transaction.atomic():
        links = AuditChainLink.objects.filter(organization_id=organization_id).order_by("position")
        kept = AuditEvent.objects.filter(organization_id=organization_id, at__gte=before)
        first_kept = links.filter(event_id__in=kept.values("pk")).first()
        old = links.filter(position__lt=first_kept.position) if first_kept else links
        last = old.last()
        purged = AuditEvent.objects.filter(pk__in=old.values("event_id")).exclude(verb__in=NEVER_PURGED)
        purged = purged.exclude(pk__in=list(keep))
        count = purged.count()
        if last is None or not count:
            return 0
        record(
            actor,
            PURGE_VERB,
            organization_id=organization_id,
            subject=purge_subject(organization_id),
            upTo=last.position,
            hash=last.hash,
            count=count,
            before=before.isoformat(),
        )
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SET LOCAL dynamo.retention = 'on'")  # the trigger of migration 0002 allows DELETE
        purged.delete()
    return count
