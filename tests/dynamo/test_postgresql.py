"""A connection that is kept between requests, and a server that ends it meanwhile."""

import psycopg
import pytest
from django.db import connection


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
