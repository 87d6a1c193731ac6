"""Claims of an idempotency key against transactions that are open, and against crashes."""

import threading
import time
from typing import Any

import pytest
from django.db import connection, transaction

from accounts.domain import idempotency
from accounts.domain.idempotency import InProgress, StoredAnswer
from accounts.models import IdempotencyKey
from tests.helpers import at_once

pytestmark = [pytest.mark.embedded, pytest.mark.django_db(transaction=True)]
POSTGRESQL = connection.vendor == "postgresql"
ANSWER = StoredAnswer(201, {"Location": "/v1/things/1"}, '{"id": "1"}')


def test_crash_leaves_neither_the_claim_nor_the_answer(key: Any) -> None:
    def crash() -> None:
        with transaction.atomic():
            assert idempotency.claim(key, "k1", "digest") is None
            idempotency.store(key, "k1", ANSWER)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        crash()
    assert not IdempotencyKey.objects.exists()
    with transaction.atomic():
        assert idempotency.claim(key, "k1", "digest") is None


@pytest.mark.parametrize(
    ("seconds", "commits", "expected"),
    [
        (0.3, True, ANSWER),
        (0.3, False, None),
        (idempotency.WAIT + 1, True, InProgress if POSTGRESQL else ANSWER),  # SQLite waits longer
    ],
)
def test_second_claim_waits_for_the_first(key: Any, seconds: float, commits: bool, expected: Any) -> None:
    claimed = threading.Event()

    def first() -> None:
        with transaction.atomic():
            idempotency.claim(key, "k1", "digest")
            claimed.set()
            time.sleep(seconds)
            idempotency.store(key, "k1", ANSWER)
            transaction.set_rollback(not commits)

    def second() -> Any:
        claimed.wait()
        with transaction.atomic():
            stored = idempotency.claim(key, "k1", "digest")
            if POSTGRESQL:
                with connection.cursor() as cursor:
                    cursor.execute("SHOW lock_timeout")
                    assert cursor.fetchone() == ("0",)
            return stored

    found = at_once(first, second)[1]
    assert found == expected or type(found) is expected
