"""Writes that are built once and then only run, as `compiled` has it for reads.

Django builds the SQL of each write anew, which takes several times as long as running it. Where a post goes out that is
most of what a worker does in the second that counts. PostgreSQL prepares them, and plans each once per connection.
These run through Django's connection, in its transactions, with its fields' conversions, on either database.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connection, connections
from django.db.models import AutoField, Model
from django.db.models.constants import OnConflict

from accounts.compiled import prepared_cursor

Facts = Sequence[tuple[type[Model], Mapping[str, Any]]]
Kinds = tuple[tuple[type[Model], tuple[str, ...]], ...]
COMPARISONS = {"": "=", "lte": "<=", "ne": "<>"}


def insert(row: Model, *, unique: tuple[str, ...] = (), update: tuple[str, ...] = (), provided: Facts = ()) -> bool:
    """INSERT `row`, give it its key, and return True.

    `unique`: columns that are so together. Where such a row is there already, its columns `update` are written instead,
    and `row` may be left without a key. `provided`: (model, where) for rows that have to be there, `where` as `update`
    takes it. They are locked until the transaction ends; where one is lacking nothing is written, and False returned.
    """
    kinds = tuple((model, tuple(where)) for model, where in provided)
    sql, fields, asked = _insertion(type(row), unique, update, kinds)
    here = connections[DEFAULT_DB_ALIAS]
    values = [one.get_db_prep_save(one.pre_save(row, add=True), here) for one in fields]
    values += _asked(asked, [value for _, where in provided for value in where.values()], here)
    with prepared_cursor(here) as cursor:
        cursor.execute(sql, values)
        returning = here.features.can_return_columns_from_insert
        found = cursor.fetchone() if returning else (cursor.lastrowid,) if cursor.rowcount else None
    if found is None:
        return False
    row.pk = row.pk or found[0]
    row._state.adding, row._state.db = False, here.alias  # as Model.save leaves them
    return True


def update(model: type[Model], where: Mapping[str, Any], columns: Mapping[str, Any]) -> int:
    """UPDATE `columns` of the rows that fit `where`, and return how many do.

    A name in `where` is a column's, alone or with __lte or __ne. None of its values may be None: nothing equals NULL.
    """
    sql, written, asked = _updating(model, tuple(columns), tuple(where))
    here = connections[DEFAULT_DB_ALIAS]
    values = [one.get_db_prep_save(_key(new), here) for one, new in zip(written, columns.values(), strict=True)]
    values += _asked(asked, list(where.values()), here)
    with prepared_cursor(here) as cursor:
        cursor.execute(sql, values)
        return int(cursor.rowcount)


@cache
def _insertion(
    model: type[Model], unique: tuple[str, ...], update: tuple[str, ...], kinds: Kinds
) -> tuple[str, list[Any], list[Any]]:
    fields = [one for one in model._meta.concrete_fields if not isinstance(one, AutoField)]
    into = f"INSERT INTO {_quoted(model._meta.db_table)} ({', '.join(_column(one) for one in fields)})"
    places, asked = ", ".join(["%s"] * len(fields)), list[Any]()
    if kinds:
        conditions, asked = _conditions(kinds)
        tables = ", ".join(_quoted(one._meta.db_table) for one, _ in kinds)
        # Who waits for the lock looks again: a row that does not fit any more is lacking then.
        lock = " FOR NO KEY UPDATE" if connection.features.has_select_for_no_key_update else ""
        if connection.vendor == "postgresql":  # which takes a value in a SELECT for text unless it is told
            places = ", ".join(f"%s::{one.db_type(connection)}" for one in fields)
        sql = f"{into} SELECT {places} FROM {tables} WHERE {conditions}{lock}"  # noqa: S608  names of columns
    else:
        sql = f"{into} VALUES ({places})"
    if unique:
        written, known = [[_field(model, name).column for name in names] for names in (update, unique)]
        sql += " " + connection.ops.on_conflict_suffix_sql(fields, OnConflict.UPDATE, written, known)
    if connection.features.can_return_columns_from_insert:
        sql += f" RETURNING {_column(model._meta.pk)}"
    return sql, fields, asked


@cache
def _updating(model: type[Model], columns: tuple[str, ...], where: tuple[str, ...]) -> tuple[str, list[Any], list[Any]]:
    written = [_field(model, name) for name in columns]
    assignments = ", ".join(f"{_column(one)} = %s" for one in written)
    conditions, asked = _conditions(((model, where),))
    sql = f"UPDATE {_quoted(model._meta.db_table)} SET {assignments} WHERE {conditions}"  # noqa: S608  names of columns
    return sql, written, asked


def _conditions(kinds: Kinds) -> tuple[str, list[Any]]:
    conditions, asked = [], []
    for model, where in kinds:
        for name, _, how in (one.partition("__") for one in where):
            field = _field(model, name)
            conditions.append(f"{_quoted(model._meta.db_table)}.{_column(field)} {COMPARISONS[how]} %s")
            asked.append(field)
    return " AND ".join(conditions), asked


def _asked(fields: list[Any], values: list[Any], here: Any) -> list[Any]:
    if None in values:
        raise ValueError("Nothing equals NULL")
    return [one.get_db_prep_value(_key(value), here) for one, value in zip(fields, values, strict=True)]


def _field(model: type[Model], name: str) -> Any:
    known = {one.attname: one for one in model._meta.concrete_fields} | {"pk": model._meta.pk}
    return known.get(name) or model._meta.get_field(name)


def _column(field: Any) -> str:
    return _quoted(field.column)


def _quoted(name: str) -> str:
    return str(connection.ops.quote_name(name))


def _key(value: Any) -> Any:
    return value.pk if isinstance(value, Model) else value
