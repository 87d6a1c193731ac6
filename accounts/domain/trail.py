"""The trail: append-only, hash-chained per organization, verifiable.

An event is written in the transaction of what it speaks of. Its seal, which chains it, follows within a sweep, so
that two writers never wait for one another.
"""

import hashlib
import json
from collections.abc import Iterator
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction

from accounts import clock
from accounts.domain.actors import Actor
from accounts.models import AuditEvent, AuditSeal, Organization

GENESIS = "0" * 64


def record(
    actor: Actor,
    verb: str,
    *,
    organization_id: UUID,
    subject: str,
    step: tuple[str, str] = ("", ""),
    digest: str = "",
    **details: Any,
) -> None:
    """Append one event. `subject` is kind:id; `step` is the state before and after; `details` must be JSON."""
    AuditEvent.objects.create(
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


def _hash(previous: str, event: AuditEvent) -> str:
    line = [
        event.pk, str(event.organization_id), event.at.isoformat(), event.actor_kind, event.actor_id, event.actor_name,
        event.verb, event.subject, event.state_from, event.state_to, event.digest, event.details,
    ]  # fmt: skip
    text = json.dumps(line, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(f"{previous}{text}".encode()).hexdigest()


def seal(*, limit: int = 1000) -> int:
    """Chain events that are not chained yet, oldest first; return how many. Safe to run anywhere, at any time."""
    sealed = 0
    waiting = AuditEvent.objects.exclude(pk__in=AuditSeal.objects.values("event_id"))
    for organization_id in set(waiting.order_by().values_list("organization_id", flat=True)[:limit]):
        try:
            with transaction.atomic():
                sealed += _seal_organization(organization_id, limit)
        except IntegrityError:
            continue  # another sealed at the same time, and one of us is enough
    return sealed


def _seal_organization(organization_id: UUID, limit: int) -> int:
    last = AuditSeal.objects.filter(organization_id=organization_id).order_by("-position").first()
    position, previous = (last.position, last.hash) if last else (0, GENESIS)
    seals = []
    waiting = AuditEvent.objects.filter(organization_id=organization_id).exclude(
        pk__in=AuditSeal.objects.filter(organization_id=organization_id).values("event_id")
    )
    for event in waiting.order_by("id")[:limit]:
        position += 1
        digest = _hash(previous, event)
        seals.append(
            AuditSeal(
                organization_id=organization_id,
                position=position,
                event_id=event.pk,
                previous=previous,
                hash=digest,
            )
        )
        previous = digest
    AuditSeal.objects.bulk_create(seals)
    return len(seals)


def breaks(organization: Organization | None = None) -> Iterator[str]:
    """Yield a sentence for each place where the chain does not hold, first break first. Reads only."""
    seals = AuditSeal.objects.order_by("organization_id", "position")
    if organization is not None:
        seals = seals.filter(organization_id=organization.pk)
    where: UUID | None = None
    position, previous = 0, GENESIS
    for one in seals.iterator():
        if one.organization_id != where:
            where, position, previous = one.organization_id, 0, GENESIS
        position += 1
        event = AuditEvent.objects.filter(pk=one.event_id, organization_id=one.organization_id).first()
        if one.position != position:
            yield f"seal {position} of organization {where} is missing"
        elif event is None:
            yield f"event {one.event_id} (seal {position}) was removed"
        elif one.previous != previous:
            yield f"seal {position} does not follow the one before it"
        elif _hash(previous, event) != one.hash:
            yield f"event {one.event_id} (seal {position}) was altered"
        position, previous = one.position, one.hash
