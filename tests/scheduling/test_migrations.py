"""Migrations beside the tables: the guards that only PostgreSQL has, and rows that are rewritten."""

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from accounts import clock
from accounts.models import Organization
from scheduling.models import Event
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


@pytest.mark.embedded
def test_events_are_compressed_and_decompressed(transactional_db: None, organization: Organization) -> None:
    document = {"type": "post.created", "post": {"brief": "olá"}}
    Event.objects.create(organization=organization, key="k", type="x", at=clock.now(), document=document)
    executor = MigrationExecutor(connection)
    state = executor.migrate([("scheduling", "0013_publishing_state")])
    assert state.apps.get_model("scheduling", "Event").objects.get().document == document
    executor = MigrationExecutor(connection)
    executor.migrate(executor.loader.graph.leaf_nodes())
    assert Event.objects.get().document == document
