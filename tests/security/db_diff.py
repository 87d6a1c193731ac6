"""What a call did to the database: every statement that it sent, and every row of every table before and after."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from uuid import UUID

from django.apps import apps
from django.db import connection
from django.db.models import ForeignKey, Model

from accounts.models import Organization
from scheduling.lifecycle import NEEDS_APPROVAL

READING = ("SELECT", "SAVEPOINT", "RELEASE", "ROLLBACK", "BEGIN", "SET", "DECLARE", "FETCH", "CLOSE")
Rows = dict[tuple[str, Any], tuple[UUID | None, dict[str, Any]]]


@dataclass
class Watch:
    """The statements of one call, without their values."""

    statements: list[str] = field(default_factory=list)

    def __call__(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        self.statements.append(sql)
        return execute(sql, params, many, context)

    @property
    def wrote(self) -> bool:
        """Whether there was any statement but those that only read."""
        return not all(one.lstrip(" (").upper().startswith(READING) for one in self.statements)

    @property
    def questions(self) -> list[str]:
        """The statements as far as they cost time: savepoints carry the name of a thread."""
        return [one for one in self.statements if one.lstrip(" (").upper().startswith("SELECT")]


@contextmanager
def watched() -> Iterator[Watch]:
    """Give the statements that are sent meanwhile."""
    watch = Watch()
    with connection.execute_wrapper(watch):
        yield watch


@cache
def _owner(model: type[Model]) -> str:
    """Return the lookup from the model to its organization's id, empty for what belongs to no organization."""
    if model is Organization:
        return "pk"
    fields = {one.name: one for one in model._meta.concrete_fields}
    for name in ("organization", "organization_id"):
        if name in fields:
            return fields[name].attname
    for one in fields.values():
        if isinstance(one, ForeignKey) and one.related_model is not model:
            further = _owner(one.related_model)
            if further:
                return f"{one.name}__{further}"
    return ""


def rows() -> Rows:
    """Return every row of every table with the organization that it belongs to, None for those of nobody's."""
    found: Rows = {}
    for model in apps.get_models():
        owner = _owner(model)
        ids = model._default_manager.values_list("pk", owner) if owner else ()
        owners = dict(ids) if owner else {}
        for row in model._default_manager.values():
            pk = row[model._meta.pk.attname]  # type: ignore[union-attr]  # every model has one
            found[model._meta.label, pk] = (owners.get(pk), row)
    return found


@dataclass(frozen=True)
class Difference:
    """What changed: (table, id) with the row before and after, None where there was or is none."""

    changes: dict[tuple[str, Any], tuple[Any, Any]]

    @classmethod
    def between(cls, before: Rows, after: Rows) -> "Difference":
        names = [one for one in before.keys() | after.keys() if before.get(one) != after.get(one)]
        return cls({one: (before.get(one), after.get(one)) for one in names})

    def without_use_of(self, key_id: str) -> "Difference":
        """Leave out that authentication recorded a use of this key: its own `last_used_at`, and no other column."""
        changes = dict(self.changes)
        before, after = changes.get(("accounts.ApiKey", key_id), (None, None))
        if before and after and {**before[1], "last_used_at": None} == {**after[1], "last_used_at": None}:
            del changes["accounts.ApiKey", key_id]
        return Difference(changes)

    @property
    def tables(self) -> set[str]:
        return {table for table, _ in self.changes}

    @property
    def owners(self) -> set[UUID]:
        """The organizations whose rows changed."""
        pairs = [pair for pair in self.changes.values() for pair in pair if pair is not None]
        return {owner for owner, _ in pairs if owner is not None}

    @property
    def approvals(self) -> list[dict[str, Any]]:
        """The approvals that are new, or say something else than before, but for having been revoked."""
        found = []
        for (table, _), (before, after) in self.changes.items():
            if table == "scheduling.Approval" and after is not None:
                old, new = (before[1] if before else {}), after[1]
                if {**old, "revoked_at": None} != {**new, "revoked_at": None}:
                    found.append(new)
        return found

    @property
    def scheduled(self) -> list[dict[str, Any]]:
        """The posts that stand approved now and did not before, or under another approval."""
        found = []
        for (table, _), (before, after) in self.changes.items():
            if table == "scheduling.ScheduledPost" and after is not None and after[1]["status"] in NEEDS_APPROVAL:
                old = before[1] if before else {}
                if old.get("status") not in NEEDS_APPROVAL or old.get("approval_id") != after[1]["approval_id"]:
                    found.append(after[1])
        return found
