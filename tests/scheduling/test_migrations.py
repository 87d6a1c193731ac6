"""Migrations beside the tables: the guards and the index that only PostgreSQL has."""

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from tests.helpers import switch_truncate_triggers

TABLES = [("accounts", "0001_initial"), ("scheduling", "0001_initial")]


def triggers() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT tgname FROM pg_trigger WHERE NOT tgisinternal")
        return {name for (name,) in cursor.fetchall()}


@pytest.mark.skipif(connection.vendor != "postgresql", reason="the guards are PostgreSQL triggers; SQLite has none")
def test_guards_reversed_and_applied_again_are_complete(transactional_db: None) -> None:
    complete = triggers()
    assert {"append_only", "no_truncate", "second_approval_matches_first"} <= complete
    executor = MigrationExecutor(connection)
    executor.migrate(TABLES)
    assert triggers() == set()
    executor = MigrationExecutor(connection)
    executor.migrate(executor.loader.graph.leaf_nodes())
    assert triggers() == complete
    switch_truncate_triggers("DISABLE")  # the flush after the test truncates every table
