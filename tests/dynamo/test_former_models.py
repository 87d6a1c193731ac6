"""The models of the former release work with today's tables: in an upgrade, its processes run after the migration.

A new column that is NOT NULL without a default of the database fails here, and so does a table, column or uniqueness
that was dropped or renamed. docs/upgrading.md has the rule.
"""

import itertools
import uuid
from typing import Any

import pytest
from django.db import connection, models
from django.db.migrations.loader import MigrationLoader

from accounts import clock
from tests.services.former_release import MIGRATIONS

FORMER = MigrationLoader(None).project_state(list(MIGRATIONS.items())).apps
MODELS = [model for model in FORMER.get_models() if model._meta.app_label in MIGRATIONS]
APPEND_ONLY = {"AuditEvent", "AuditChainLink"}  # triggers refuse UPDATE and DELETE, in the former release as well
NULLABLE_BUT_NEEDED = {"PostAuthor": {"user"}}  # by a CHECK constraint
NUMBERS = itertools.count(1)


def example(field: Any) -> Any:
    """Return a value for a field that needs one; each value of a type is another."""
    if field.is_relation:
        return insert(field.related_model)
    if field.choices:
        return field.choices[0][0]
    kind = field.get_internal_type()
    if kind == "JSONField":
        return {}
    if kind == "DateTimeField":
        return clock.now()
    if kind == "UUIDField":
        return uuid.uuid4()
    return next(NUMBERS) if "Integer" in kind else uuid.uuid4().hex[: field.max_length]


def insert(model: Any) -> Any:
    """Insert a row with values where the former code must give one."""
    needed = NULLABLE_BUT_NEEDED.get(model.__name__, set())
    fields = [
        field
        for field in model._meta.concrete_fields
        if field.name in needed or not (field.null or field.has_default() or isinstance(field, models.AutoField))
    ]
    return model._default_manager.create(**{field.name: example(field) for field in fields})


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
def test_former_model_inserts_reads_updates_and_deletes(model: Any, db: None) -> None:
    row = model._default_manager.get(pk=insert(model).pk)
    if model.__name__ not in APPEND_ONLY:
        row.save()
        row.delete()
    connection.check_constraints()


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
def test_uniqueness_that_the_former_model_relies_on_remains(model: Any, db: None) -> None:
    relied = [constraint.fields for constraint in model._meta.constraints if hasattr(constraint, "fields")]
    relied += [[field.name] for field in model._meta.concrete_fields if field.unique]
    columns = [sorted(model._meta.get_field(name).column for name in fields) for fields in relied]
    with connection.cursor() as cursor:
        found = connection.introspection.get_constraints(cursor, model._meta.db_table).values()
    unique = [sorted(constraint["columns"]) for constraint in found if constraint["unique"]]
    assert columns
    assert [names for names in columns if names not in unique] == []
