"""Does the trail hold? Reads only."""

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from django.conf import settings

from accounts import hashing
from accounts.domain import audit_log
from accounts.models import AuditChainLink, AuditEvent

PAGE = 1000


@dataclass(frozen=True)
class ChainHead:
    """Where an organization's chain ended. Kept elsewhere, it proves later that nothing was cut off the end."""

    organization_id: UUID
    position: int
    hash: str

    def __str__(self) -> str:
        return f"{self.organization_id}:{self.position}:{self.hash}"

    @classmethod
    def read(cls, text: str) -> "ChainHead":
        """Return the head that was written as text. Raises ValueError."""
        organization, position, made = text.strip().split(":")
        return cls(UUID(organization), int(position), made)


@dataclass
class _Chain:
    """How far the chain of one organization has been followed. `forgotten`: up to where events may be missing."""

    organization_id: UUID
    forgotten: dict[int, str]
    position: int = 0
    previous: str = audit_log.GENESIS


def chain_heads(organization_id: UUID | None = None) -> list[ChainHead]:
    """Return where each chain ends now."""
    found = []
    for organization in _organizations(organization_id):
        last = AuditChainLink.objects.filter(organization_id=organization).order_by("-position").first()
        if last is not None:
            found.append(ChainHead(organization, last.position, last.hash))
    return found


def find_tampering(organization_id: UUID | None = None) -> Iterator[str]:
    """Yield a sentence for each place where the trail does not hold, an organization's first break first."""
    for organization in _organizations(organization_id):
        yield from _breaks(organization)


def check_truncation(head: ChainHead) -> str:
    """Return what is wrong with a chain that once ended at `head`, empty when it still contains it."""
    row = AuditChainLink.objects.filter(organization_id=head.organization_id, position=head.position).first()
    if row is None:
        return f"the chain of organization {head.organization_id} no longer reaches seal {head.position}"
    if row.hash != head.hash:
        return f"seal {head.position} of organization {head.organization_id} is another than it was"
    return ""


def _organizations(organization_id: UUID | None) -> list[UUID]:
    if organization_id is not None:
        return [organization_id]
    known = set(AuditChainLink.objects.order_by().values_list("organization_id", flat=True).distinct())
    return sorted(known | set(AuditEvent.objects.order_by().values_list("organization_id", flat=True).distinct()))


def _breaks(organization_id: UUID) -> Iterator[str]:
    chain = _Chain(organization_id, _forgotten(organization_id))
    seals = AuditChainLink.objects.filter(organization_id=organization_id).order_by("position")
    after = 0
    while page := list(seals.filter(position__gt=after)[:PAGE]):
        events = AuditEvent.objects.in_bulk([item.event_id for item in page])
        for item in page:
            yield from _judge(chain, item, events.get(item.event_id))
        after = page[-1].position
    yield from _unsealed(organization_id)


def _judge(chain: _Chain, one: AuditChainLink, event: AuditEvent | None) -> Iterator[str]:
    chain.position += 1
    where = f"seal {one.position} of organization {chain.organization_id}"
    if one.position != chain.position:
        yield f"seal {chain.position} of organization {chain.organization_id} is missing"
        chain.position = one.position
    elif one.previous != chain.previous:
        yield f"{where} does not follow the one before it"
    if event is None:
        if one.position > max(chain.forgotten, default=0):
            yield f"event {one.event_id} ({where}) was removed"
    elif event.organization_id != chain.organization_id or one.hash not in _hashes(one, event):
        yield f"event {event.pk} ({where}) was altered"
    elif not audit_log.is_authentic(event):
        yield f"event {event.pk} ({where}) was not written by Dynamo"
    elif not _recomputes(event):
        yield f"event {event.pk} ({where}) carries another content than its digest says"
    if chain.forgotten.get(one.position, one.hash) != one.hash:
        yield f"{where} is another than when the events up to it were forgotten"
    chain.previous = one.hash


def _hashes(one: AuditChainLink, event: AuditEvent) -> set[str]:
    return {audit_log.chain_hash(one.previous, event, key) for key in settings.AUDIT_KEYS}


def _recomputes(event: AuditEvent) -> bool:
    """Whether the content that the event kept still has the digest that was seen and approved."""
    content = event.details.get("content") if isinstance(event.details, dict) else None
    return not (event.digest and isinstance(content, dict)) or hashing.canonical_sha256(content) == event.digest


def _forgotten(organization_id: UUID) -> dict[int, str]:
    """Return, by position, the hashes up to which events were deleted on purpose, as genuine events say."""
    said = AuditEvent.objects.filter(
        organization_id=organization_id, verb=audit_log.FORGOTTEN, subject=f"trail:{organization_id}"
    )
    return {item.details["upTo"]: item.details["hash"] for item in said if audit_log.is_authentic(item)}


def _unsealed(organization_id: UUID) -> Iterator[str]:
    events = AuditEvent.objects.filter(organization_id=organization_id)
    for event in events.exclude(pk__in=AuditChainLink.objects.values("event_id")).iterator():
        if not audit_log.is_authentic(event):
            yield f"event {event.pk}, which is not sealed yet, was not written by Dynamo as it stands"
