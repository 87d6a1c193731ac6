"""What a request did to the database: its statements, and the rows of all tables before and after."""

import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any
from uuid import UUID

from django.apps import apps
from django.db import connection
from django.db.models import ForeignKey, Model

from accounts.models import Organization
from scheduling.lifecycle import NEEDS_APPROVAL

READS = ("SELECT", "SAVEPOINT", "RELEASE", "ROLLBACK", "BEGIN", "SET", "DECLARE", "FETCH", "CLOSE")
WRITTEN = re.compile(r'(?:INSERT INTO|UPDATE|DELETE FROM) "(\w+)"')
Rows = dict[tuple[str, Any], tuple[UUID | None, dict[str, Any]]]  # (table, id): organization and columns


@contextmanager
def captured_sql() -> Iterator[list[str]]:
    """Collect the statements, without their values."""
    statements: list[str] = []

    def record(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        statements.append(sql.lstrip(" (").upper())
        return execute(sql, params, many, context)

    with connection.execute_wrapper(record):
        yield statements


@cache
def _organization_lookup(model: type[Model]) -> str:
    """Return the lookup of the organization's id, empty for a model that belongs to none."""
    if model is Organization:
        return "pk"
    fields = {field.name: field for field in model._meta.concrete_fields}
    for name in ("organization", "organization_id"):
        if name in fields:
            return fields[name].attname
    for field in fields.values():
        if isinstance(field, ForeignKey) and field.related_model is not model:
            lookup = _organization_lookup(field.related_model)
            if lookup:
                return f"{field.name}__{lookup}"
    return ""


def all_rows() -> Rows:
    """Return every row of every table."""
    return _rows_of(apps.get_models())


def rows_after(statements: Collection[str], before: Rows) -> Rows:
    """Return every row after the statements: of the tables they wrote, and `before` of the others."""
    writes = [sql for sql in statements if not sql.startswith(READS)]
    tables = {table for sql in writes for table in WRITTEN.findall(sql)}
    models = [model for model in apps.get_models() if model._meta.db_table.upper() in tables]
    if len(models) < len(tables) or not all(WRITTEN.search(sql) for sql in writes):
        return all_rows()  # a table without a model of its own, or another kind of statement
    labels = {model._meta.label for model in models}
    return {name: row for name, row in before.items() if name[0] not in labels} | _rows_of(models)


def _rows_of(models: Collection[type[Model]]) -> Rows:
    found: Rows = {}
    for model in models:
        lookup = _organization_lookup(model)
        owners = dict(model._default_manager.values_list("pk", lookup)) if lookup else {}
        for row in model._default_manager.values():
            pk = row[model._meta.pk.attname]  # type: ignore[union-attr]  # every model has one
            found[model._meta.label, pk] = (owners.get(pk), row)
    return found


class Difference:
    """What changed. `changes`: (table, id) with the row before and after, None where there is none."""

    def __init__(self, before: Rows, after: Rows) -> None:
        names = [name for name in before.keys() | after.keys() if before.get(name) != after.get(name)]
        self.changes = {name: (before.get(name), after.get(name)) for name in names}

    def ignore_use_of(self, key_id: str) -> None:
        """Ignore that authentication recorded a use of this key: its `last_used_at`, and no other column."""
        before, after = self.changes.get(("accounts.ApiKey", key_id), (None, None))
        if before and after and {**before[1], "last_used_at": None} == {**after[1], "last_used_at": None}:
            del self.changes["accounts.ApiKey", key_id]

    @property
    def tables(self) -> set[str]:
        return {table for table, _ in self.changes}

    @property
    def organizations(self) -> set[UUID]:
        """The organizations whose rows changed."""
        return {row[0] for pair in self.changes.values() for row in pair if row and row[0]}

    @property
    def approvals(self) -> list[dict[str, Any]]:
        """The approvals that are new or changed in another way than by being revoked."""
        pairs = self._pairs("scheduling.Approval")
        return [new for old, new in pairs if {**old, "revoked_at": None} != {**new, "revoked_at": None}]

    @property
    def scheduled(self) -> list[dict[str, Any]]:
        """The posts that are approved now and were not before, or by another approval."""
        return [
            new
            for old, new in self._pairs("scheduling.ScheduledPost")
            if new["status"] in NEEDS_APPROVAL
            and (old.get("status") not in NEEDS_APPROVAL or old.get("approval_id") != new["approval_id"])
        ]

    def _pairs(self, table: str) -> list[tuple[dict[str, Any], dict[str, Any]]]:
        changes = [pair for (label, _), pair in self.changes.items() if label == table]
        return [(before[1] if before else {}, after[1]) for before, after in changes if after]
