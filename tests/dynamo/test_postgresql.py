"""A connection that is kept between requests, and a server that ends it meanwhile."""

from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest
from django.db import DataError, connection
from django.test.utils import CaptureQueriesContext

from accounts.compiled import prepared_cursor


@pytest.mark.skipif(connection.vendor != "postgresql", reason="A file has no connection that a server could end")
@pytest.mark.django_db(transaction=True)
def test_a_connection_that_the_server_ended_is_told_from_a_good_one_and_opened_anew() -> None:
    connection.ensure_connection()
    connection.close_if_unusable_or_obsolete()
    first = connection.connection
    assert connection.is_usable()
    with psycopg.connect(**{**connection.get_connection_params(), "prepare_threshold": None}) as other:
        other.execute("SELECT pg_terminate_backend(%s, 5000)", [first.info.backend_pid])
    assert not connection.is_usable()
    connection.close_if_unusable_or_obsolete()
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        assert cursor.fetchone() == (1,)
    assert connection.connection is not first


@pytest.mark.skipif(connection.vendor != "postgresql", reason="Only PostgreSQL prepares statements")
@pytest.mark.django_db(transaction=True)
def test_the_cursor_for_prepared_statements_is_one_per_connection_and_outlives_errors_and_the_connection() -> None:
    def asked(sql: str) -> Any:
        with prepared_cursor(connection) as cursor:
            cursor.execute(sql)
            return cursor.fetchall(), cursor.cursor

    rows, first = asked("SELECT TIMESTAMPTZ '2026-07-01 15:00+02', NULL::timestamptz")
    assert rows == [(datetime(2026, 7, 1, 13, tzinfo=UTC), None)]
    assert rows[0][0].tzinfo is UTC
    with pytest.raises(DataError):
        asked("SELECT 1 / 0")
    assert asked("SELECT 2") == ([(2,)], first)
    connection.close()
    rows, second = asked("SELECT 3")
    assert rows == [(3,)]
    assert second is not first
    with CaptureQueriesContext(connection) as captured:
        asked("SELECT 4")
    assert len(captured) == 1
