"""The trail: append-only, and chained per organization.

An event is written in the transaction of what it speaks of, with a mark that only a holder of the trail's key can make.
Its seal, which chains it, follows within a sweep, so that two writers never wait for one another.
`verifying` finds what was altered, removed, put in or put elsewhere.
"""

import hashlib
import hmac
import json
import secrets
from collections.abc import Iterator
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.db.models import Max
from django.dispatch import Signal

from accounts import clock
from accounts.domain.actors import Actor
from accounts.models import AuditChainLink, AuditEvent

GENESIS = "0" * 64
FORGOTTEN = "forget"
LASTING = ("key.rotate",)  # whoever has seen a key's secret does not approve what it wrote, however long ago that was
RECENT = 20_000  # events back from the newest sealed one, among which all that are not sealed yet should be
NONCE = 32  # characters of a mark before its HMAC
event_recorded = Signal()  # with `event`, in the transaction that records it, for apps above this one


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
    nonce = secrets.token_hex(NONCE // 2)
    event.signature = f"{nonce}{_mac(settings.AUDIT_KEYS[0], nonce, _line(event))}"
    with transaction.atomic(savepoint=False):
        event.save(force_insert=True)
        event_recorded.send(AuditEvent, event=event)
    return event


def is_authentic(event: AuditEvent) -> bool:
    """Whether Dynamo wrote the event, and as it stands now."""
    mark = event.signature or ""
    nonce, given = mark[:NONCE], mark[NONCE:]
    line = _line(event)
    return any(hmac.compare_digest(_mac(key, nonce, line), given) for key in settings.AUDIT_KEYS)


def chain_hash(previous: str, event: AuditEvent, key: str | None = None) -> str:
    """Return the hash of the event's seal when it follows the seal with the hash `previous`."""
    return _mac(key or settings.AUDIT_KEYS[0], previous, f"{event.pk}:{event.signature}:{_line(event)}")


def _line(event: AuditEvent) -> str:
    columns = [
        str(event.organization_id), event.at.isoformat(), event.actor_kind, event.actor_id, event.actor_name,
        event.verb, event.subject, event.state_from, event.state_to, event.digest, _plain(event.details),
    ]  # fmt: skip
    return json.dumps(columns, sort_keys=True, ensure_ascii=True, separators=(",", ":"))


def _plain(value: Any) -> Any:
    """Return JSON with its whole numbers in one form: PostgreSQL gives 1e22 back as digits, and -0.0 as 0.0."""
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _mac(key: str, first: str, rest: str) -> str:
    return hmac.new(key.encode(), f"{first}{rest}".encode(), hashlib.sha256).hexdigest()


def seal(*, limit: int = 1000, everything: bool = False) -> int:
    """Chain events that are not chained yet, oldest first; return how many. Safe to run anywhere, at any time.

    Looks among the recent ones, which costs the same however long the trail is; with `everything` among all.
    """
    sealed = 0
    waiting = AuditEvent.objects.exclude(pk__in=AuditChainLink.objects.values("event_id"))
    if not everything:
        newest = AuditChainLink.objects.aggregate(newest=Max("event_id"))["newest"] or 0
        waiting = waiting.filter(pk__gt=newest - RECENT)
    for organization_id in set(waiting.order_by().values_list("organization_id", flat=True)[:limit]):
        try:
            with transaction.atomic():
                ids = waiting.filter(organization_id=organization_id).order_by("id").values_list("pk", flat=True)
                sealed += _seal(organization_id, list(ids[:limit]))
        except IntegrityError:
            continue  # another sealed at the same time, and one of us is enough
    return sealed


def _seal(organization_id: UUID, ids: list[int]) -> int:
    last = AuditChainLink.objects.filter(organization_id=organization_id).order_by("-position").first()
    position, previous = (last.position, last.hash) if last else (0, GENESIS)
    seals = []
    for event in AuditEvent.objects.filter(pk__in=ids).order_by("id"):
        position += 1
        made = chain_hash(previous, event)
        seals.append(
            AuditChainLink(
                organization_id=organization_id, position=position, event_id=event.pk, previous=previous, hash=made
            )
        )
        previous = made
    return len(AuditChainLink.objects.bulk_create(seals))


def export(organization_id: UUID | None = None, *, after: int = 0) -> Iterator[dict[str, Any]]:
    """Yield each event with an id above `after`, oldest first, as JSON, with its seal, null when that is to come."""
    events = AuditEvent.objects.filter(pk__gt=after).order_by("pk")
    if organization_id is not None:
        events = events.filter(organization_id=organization_id)
    while page := list(events.filter(pk__gt=after)[:500]):
        seals = {
            audit_chain_link.event_id: audit_chain_link
            for audit_chain_link in AuditChainLink.objects.filter(event_id__in=[event.pk for event in page])
        }
        for event in page:
            yield _as_json(event, seals.get(event.pk))
        after = page[-1].pk


def _as_json(event: AuditEvent, sealed: AuditChainLink | None) -> dict[str, Any]:
    return {
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
        "seal": sealed and {"position": sealed.position, "previous": sealed.previous, "hash": sealed.hash},
    }


def purge(actor: Actor, organization_id: UUID, *, before: Any) -> int:
    """Delete the organization's events from before an instant, as far as the chain has no gap; return how many.

    What decisions rest on stays: see LASTING. All seals stay, and the event that says so is chained like any other, so
    that the rest still verifies.
    """
    with transaction.atomic():
        seals = AuditChainLink.objects.filter(organization_id=organization_id).order_by("position")
        kept = AuditEvent.objects.filter(organization_id=organization_id, at__gte=before)
        first_kept = seals.filter(event_id__in=kept.values("pk")).first()
        old = seals.filter(position__lt=first_kept.position) if first_kept else seals
        last = old.last()
        gone = AuditEvent.objects.filter(pk__in=old.values("event_id")).exclude(verb__in=LASTING)
        count = gone.count()
        if last is None or not count:
            return 0
        record(
            actor,
            FORGOTTEN,
            organization_id=organization_id,
            subject=f"trail:{organization_id}",
            upTo=last.position,
            hash=last.hash,
            count=count,
        )
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SET LOCAL dynamo.retention = 'on'")
        gone.delete()
    return count
