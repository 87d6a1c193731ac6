"""Whether publishing is open: the hold after a restore or a failover, and the pauses that people order.

The row PublishingState and a file in the storage hold the same number. The sweep raises it, first in the database and
then in the storage, so the database is never below the storage, unless it was restored from a backup, or a replica
without the last transactions took over. Then posts that look SCHEDULED may be published: publishing is held until
`manage.py after_restore` has read them back. A missing file is a hold as well: it is unknown which is older.

The number is never kept in the broker or the cache, which may be emptied at any time.
"""

import json
import logging
import threading
import time
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from django.conf import settings
from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import Exists, F, Max, OuterRef, Q

from accounts import clock
from accounts.domain import audit_log
from accounts.domain.actors import WORKER, Actor
from accounts.exceptions import Conflict
from accounts.models import Organization
from scheduling.lifecycle import Status
from scheduling.models import Attempt, Delivery, DeliveryState, PublishingState, ScheduledPost

log = logging.getLogger(__name__)
FOLDER = "publishing-state"  # in the storage; a backup must not contain it
RAISE_EVERY = timedelta(seconds=10)  # while nothing is sent; after an attempt the next sweep raises it
CLOCK_MARGIN = timedelta(seconds=60)  # by which the clock of the worker that sent a post may have been fast
STORED_WITHIN = timedelta(seconds=60)  # in which the storage must have a raised number
SLOWEST = 30.0  # seconds that a storage takes to answer or to fail; it is not asked again before they have passed
CHECK_EVERY = 5.0  # seconds after which a process compares with the storage again
OLDER = "The database is older than the storage: it was restored from a backup, or a replica took over."
NO_MARKER = "The storage lacks the publishing number: it is unknown whether the database is current."
AFTER_RESTORE = "Run manage.py after_restore."
_lock = threading.Lock()
_seen: dict[UUID, int] = {}  # by installation: the highest number that this process has compared
_asked: dict[UUID, float] = {}  # by installation: time.monotonic() when one of its threads last asked the storage


class Unverified(Exception):
    """The storage does not answer, so that nothing is sent now. The next sweep tries again."""


def current() -> PublishingState:
    """Return the row, compared with the storage within CHECK_EVERY; holds publishing when the database is older.

    Creates row and file in a new database. Raises Unverified while this process could not compare them.
    """
    row = PublishingState.objects.first() or _create()
    if row.held_at is None:
        _verify(row)
    return row


def raise_number() -> PublishingState:
    """Compare with the storage, then raise the number in both. The sweep does so before it enqueues anything."""
    row = PublishingState.objects.first() or _create()
    if row.held_at is None:
        _verify(row, now=True)
    if row.held_at is not None:
        return row
    attempt = Attempt.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    if row.raised_at is None or attempt != row.last_attempt or clock.now() - row.raised_at >= RAISE_EVERY:
        _raise(row, attempt)
    return row


def is_paused() -> bool:
    """Whether a person has paused publishing of the whole installation."""
    return PublishingState.objects.filter(paused_at__isnull=False).exists()


def allows_claims() -> Q:
    """Return the condition, without a join, that neither a hold nor a pause forbids to claim a post."""
    closed = PublishingState.objects.filter(Q(held_at__isnull=False) | Q(paused_at__isnull=False))
    paused = Organization.objects.filter(pk=OuterRef("organization"), publishing_paused_at__isnull=False)
    return ~Exists(closed) & ~Exists(paused)


def pause_reason(row: PublishingState, organization: Organization) -> str:
    """Return a sentence when the installation or the organization is paused, else an empty string."""
    if row.paused_at is not None:
        return f"Publishing is paused: {row.pause_reason}"
    return organization_pause(organization)


def organization_pause(organization: Organization) -> str:
    """Return a sentence when the organization is paused, else an empty string."""
    if organization.publishing_paused_at is None:
        return ""
    return f"Publishing is paused for {organization}: {organization.publishing_pause_reason}"


def problems() -> list[str]:
    """Return a sentence each for a hold, a pause of the installation and a silent storage. Reads the row only."""
    row = PublishingState.objects.first()
    if row is None:
        return []
    found = [f"Publishing is held. {row.hold_reason} {AFTER_RESTORE}"] if row.held_at else []
    if row.raised_at and row.stored_at and row.raised_at - row.stored_at > STORED_WITHIN:
        found.append(
            f"The storage has not taken the publishing number since {row.stored_at:%H:%M} UTC. Posts with media fail, "
            "and the restore of a backup from this time would not be noticed."
        )
    return [*found, f"Publishing is paused: {row.pause_reason}"] if row.paused_at else found


def ensure_not_in_doubt(post: ScheduledPost) -> None:
    """Raise Conflict while publishing is held and the post fell due: it may be published, and no row says so yet.

    Call it before a post is reverted or deleted, in the same transaction.
    """
    if post.status not in {Status.SCHEDULED, Status.FAILED} or not post.scheduled_for:
        return
    if post.scheduled_for > clock.now():
        return
    try:
        held = current().held_at is not None
    except Unverified:
        message = "The storage does not answer, which knows whether this post may be published: try again later"
        raise Conflict(message, code="publishing.unverified") from None
    if held:
        message = "Publishing is held after a restore, and this post may be published: wait for manage.py after_restore"
        raise Conflict(message, code="publishing.held")


def ensure_not_held() -> None:
    """Raise Conflict while publishing is held: what is approved then may be published already.

    Of a post that was approved and published after the backup, the database has neither until `after_restore`.
    """
    if PublishingState.objects.exclude(held_at=None).exists():
        raise Conflict("Publishing is held after a restore: approve when it is released", code="publishing.held")


def hold_by_person(actor: Actor, reason: str) -> None:
    """Hold publishing although no restore was noticed, for example after a snapshot of the whole machine."""
    _hold(current(), reason[:300], actor)


def lost_since(row: PublishingState) -> datetime:
    """Return the time from which a copy of the database that is lost may have published what this one does not know.

    That is when this database last raised its number: less than RAISE_EVERY before the backup while beat ran. Earlier
    by CLOCK_MARGIN, and by STAGE_LEAD, because the platform may date a post by its staging.
    """
    known = row.raised_at
    if known is None:  # a database from before there was a number
        known = Attempt.objects.aggregate(at=Max("started_at"))["at"] or row.held_at or clock.now()
    return known - CLOCK_MARGIN - timedelta(seconds=settings.STAGE_LEAD)


def release(actor: Actor) -> None:
    """End the hold: the number rises above that of the storage, and each organization gets an audit event.

    Marks everything that is not published: a retry, an approval or a new time may have been lost together with the
    publication, so it is read back before it is sent. Raises Unverified when the storage does not take the number.
    """
    with transaction.atomic():
        row = PublishingState.objects.select_for_update().first() or _create()
        unpublished = Delivery.objects.exclude(state=DeliveryState.PUBLISHED)
        unpublished.filter(lost_since=None).update(lost_since=lost_since(row))
        row.number = max(row.number, (read_marker(row.installation) or {}).get("number", 0)) + 1
        row.held_at, row.hold_reason, row.released_at, row.raised_at = None, "", clock.now(), clock.now()
        row.save()
        _record(actor, "publishing.release")
        _write_marker(row)  # before the commit: a storage that is ahead of the database is a hold
    _remember(row)


def set_pause(actor: Actor, reason: str | None) -> bool:
    """Pause publishing of the installation for a reason, or resume it with None; return whether that changed it."""
    with transaction.atomic():
        row = PublishingState.objects.select_for_update().first() or _create()
        if (row.paused_at is None) == (reason is None):
            return False
        row.paused_at, row.pause_reason = (clock.now(), reason[:300]) if reason is not None else (None, "")
        row.save(update_fields=["paused_at", "pause_reason"])
        if reason is None:
            _record(actor, "publishing.resume", installation=True)
        else:
            _record(actor, "publishing.pause", installation=True, reason=reason[:300])
    return True


def read_marker(installation: UUID) -> dict[str, Any] | None:
    """Return the storage's {"number", "at"}, None without the file. Raises Unverified for another answer."""
    try:
        with default_storage.open(_name(installation)) as file:
            marker = json.loads(file.read())
            return {"number": int(marker["number"]), "at": str(marker["at"])}
    except FileNotFoundError:
        return None
    except Exception as error:
        raise Unverified(f"The storage does not answer ({type(error).__name__}).") from error


def _create() -> PublishingState:
    """Create the row and the file of a new database; hold publishing in one that has attempts already."""
    row = PublishingState(installation=uuid4())
    if not Attempt.objects.exists():
        _write_marker(row)  # before the row, because a row without a file is a hold
    PublishingState.objects.bulk_create([row], ignore_conflicts=True)
    return PublishingState.objects.get()


def _verify(row: PublishingState, *, now: bool = False) -> None:
    compared, seen = row.installation in _seen, _seen.get(row.installation, 0)
    if compared and not now and row.number >= seen and time.monotonic() - _asked[row.installation] < CHECK_EVERY:
        return
    # Before the answer: the other threads do not wait for a slow storage as well.
    _asked[row.installation] = time.monotonic() + SLOWEST
    try:
        marker = read_marker(row.installation)
    except Unverified:
        if not compared or row.number < seen:
            raise
        log.warning("the publishing number cannot be compared with the storage", exc_info=True)
        return
    _asked[row.installation] = time.monotonic()
    if marker is None:
        _hold(row, NO_MARKER)
    elif max(marker["number"], seen) > row.number:
        # Read again: another sweep may have raised both since the row was read.
        row.refresh_from_db()
        if max(marker["number"], seen) > row.number:
            _hold(row, f"{OLDER} Its last number is {row.number}, the storage has {marker['number']}.")
    if row.held_at is None:
        _remember(row)


def _remember(row: PublishingState) -> None:
    with _lock:
        _seen[row.installation] = max(_seen.get(row.installation, 0), row.number)
        _asked.setdefault(row.installation, time.monotonic())  # a new file was written, not read


def _raise(row: PublishingState, attempt: int) -> None:
    changes = {"number": F("number") + 1, "raised_at": clock.now(), "last_attempt": attempt}
    if PublishingState.objects.filter(pk=row.pk, held_at=None).update(**changes):
        row.refresh_from_db()
        try:
            _write_marker(row)
        except Unverified as error:
            # Publishing goes on: this process compares with what it has seen, and a post that is late is read back.
            log.error("the publishing number was not stored. %s", error)  # noqa: TRY400  the reason is in the message
        else:
            PublishingState.objects.filter(pk=row.pk).update(stored_at=clock.now())
        _remember(row)


def _hold(row: PublishingState, reason: str, actor: Actor = WORKER) -> None:
    log.error("publishing is held: %s", reason)
    with transaction.atomic():
        if PublishingState.objects.filter(pk=row.pk, held_at=None).update(held_at=clock.now(), hold_reason=reason):
            _record(actor, "publishing.hold", reason=reason)
    row.refresh_from_db()


def _record(actor: Actor, verb: str, **details: Any) -> None:
    """Record an event in each active organization, with the number of its posts that are due."""
    for organization in Organization.objects.filter(active=True).order_by("pk"):
        due = ScheduledPost.objects.due().filter(organization=organization, status=Status.SCHEDULED).count()
        subject = f"organization:{organization.pk}"
        audit_log.record(actor, verb, organization_id=organization.pk, subject=subject, due=due, **details)


def _name(installation: UUID) -> str:
    return f"{FOLDER}/{installation}.json"


def _write_marker(row: PublishingState) -> None:
    """Replace the file in the storage; of a local file at once, so that no reader finds it incomplete.

    Raises Unverified when the storage does not take it.
    """
    try:
        _replace_file(_name(row.installation), row.number)
    except Exception as error:
        raise Unverified(f"The storage does not answer ({type(error).__name__}).") from error


def _replace_file(name: str, number: int) -> None:
    content = json.dumps({"number": number, "at": clock.now().isoformat()})
    with suppress(NotImplementedError):
        path = Path(default_storage.path(name))
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        part = path.with_name(f".{uuid4().hex}")
        part.touch(mode=0o600)
        part.write_text(content, encoding="ascii")
        part.replace(path)
        return
    with default_storage.open(name, "wb") as file:  # `save` would choose another name
        file.write(content.encode())
