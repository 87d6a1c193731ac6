"""Answers to requests with an idempotency key, so that a repeated request has no second effect."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import OperationalError, connection

from accounts import clock, encryption
from accounts.exceptions import Conflict, DomainError
from accounts.models import ApiKey, IdempotencyKey

LIFETIME = timedelta(hours=24)
TRIES = 3
WAIT = 2  # seconds, for a concurrent request with the same key
LOCK_NOT_AVAILABLE = "55P03"  # PostgreSQL's code for a lock that was not free within lock_timeout


class InProgress(Conflict):
    """A concurrent request with the same key has not ended within WAIT. `wait` is in seconds."""

    default_code = "idempotency.in_progress"
    wait = 1

    def __init__(self) -> None:
        super().__init__("A request with this Idempotency-Key is in progress")


class Mismatch(DomainError):
    """The key was used with another path or body."""

    default_code = "idempotency.mismatch"

    def __init__(self) -> None:
        super().__init__("This Idempotency-Key was used for another request")


@dataclass(frozen=True)
class StoredAnswer:
    status: int
    headers: dict[str, str]
    body: str


def is_answered(api_key: ApiKey, name: str) -> bool:
    """Whether the key has an answer. Needs no transaction, and does not wait for a concurrent one."""
    rows = IdempotencyKey.objects.filter(api_key=api_key, name=name, created_at__gt=clock.now() - LIFETIME)
    return rows.exists()


def claim(api_key: ApiKey, name: str, request_digest: str) -> StoredAnswer | None:
    """Return the stored answer to the request; None when it has none and the caller has to execute it.

    Call it first in the transaction of the effect, and `store` last. In PostgreSQL a concurrent claim of the same key
    waits for that transaction: after a commit it returns its answer, after a rollback None. SQLite has one writer at a
    time, so that there the whole transaction waits. Raises InProgress, Mismatch.
    """
    row = _insert_or_get(api_key, name, request_digest)
    if row is None:
        return None
    if row.request_digest != request_digest:
        raise Mismatch
    return StoredAnswer(row.status, row.headers, encryption.decrypt(row.body_encrypted))


def _insert_or_get(api_key: ApiKey, name: str, request_digest: str) -> IdempotencyKey | None:
    """Return the row that has the key; None when this call has inserted it."""
    for _ in range(TRIES):
        own = IdempotencyKey(api_key=api_key, name=name, request_digest=request_digest)
        _insert(own)
        row = IdempotencyKey.objects.filter(api_key=api_key, name=name).first()
        if row is None:
            continue  # it has expired and was deleted between the two statements
        if row.pk == own.pk:
            return None
        if row.created_at > clock.now() - LIFETIME:
            return row
        IdempotencyKey.objects.filter(pk=row.pk).delete()
    raise InProgress


def _insert(row: IdempotencyKey) -> None:
    """Insert the row unless the key has one. Raises InProgress."""
    postgresql = connection.vendor == "postgresql"
    with connection.cursor() as cursor:
        if postgresql:
            cursor.execute("SELECT set_config('lock_timeout', %s, true)", [f"{WAIT}s"])
        try:
            IdempotencyKey.objects.bulk_create([row], ignore_conflicts=True)
        except OperationalError as error:
            if getattr(error.__cause__, "sqlstate", "") == LOCK_NOT_AVAILABLE:
                raise InProgress from None
            raise
        if postgresql:
            cursor.execute("SET LOCAL lock_timeout TO DEFAULT")


def store(api_key: ApiKey, name: str, answer: StoredAnswer) -> None:
    """Keep the answer to the request that claimed the key. It is encrypted, because some answers contain a secret."""
    columns: dict[str, Any] = {"status": answer.status, "headers": answer.headers}
    rows = IdempotencyKey.objects.filter(api_key=api_key, name=name)
    rows.update(**columns, body_encrypted=encryption.encrypt(answer.body))


def release(api_key: ApiKey, name: str) -> None:
    """Free the key in the transaction that claimed it: the answer is not kept."""
    IdempotencyKey.objects.filter(api_key=api_key, name=name).delete()


def delete_expired() -> int:
    """Delete the answers that are older than LIFETIME; return their number."""
    return IdempotencyKey.objects.filter(created_at__lte=clock.now() - LIFETIME).delete()[0]
