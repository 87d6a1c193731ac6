"""Writes that are built once and then only run, as `compiled` has it for reads.

Django builds the SQL of each write anew, which takes several times as long as running it. Where a post goes out that is
most of what a worker does in the second that counts. PostgreSQL prepares them, and plans each once per connection.
These run through Django's connection, in its transactions, with its fields' conversions, on either database.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

from django.db import DEFAULT_DB_ALIAS, connection, connections, transaction
from django.db.models import AutoField, Model
from django.db.models.constants import OnConflict

from accounts.compiled import prepared_cursor

Facts = Sequence[tuple[type[Model], Mapping[str, Any]]]
Kinds = tuple[tuple[type[Model], tuple[str, ...]], ...]
COMPARISONS = {"": "=", "lte": "<=", "ne": "<>"}


class Update(NamedTuple):
    """What `update` is told."""

    model: type[Model]
    where: Mapping[str, Any]
    columns: Mapping[str, Any]


class Insert(NamedTuple):
    """What `insert` is told."""

    row: Model
    unique: tuple[str, ...] = ()
    update: tuple[str, ...] = ()


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


def together(first: Update, *others: Update | Insert, provided: bool = False) -> int:
    """Write all of it or nothing, and return how many rows `first` found.

    With `provided` the others, rows to INSERT, are written only where `first` found a row. One statement on PostgreSQL,
    so one way there and back, and elsewhere one transaction. No two of them may be about the same row. Rows that are
    inserted are not given their keys.
    """
    if connection.vendor != "postgresql":
        with transaction.atomic():
            found = update(*first)
            for one in others if found or not provided else ():
                update(*one) if isinstance(one, Update) else insert(one.row, unique=one.unique, update=one.update)
        return found
    here = connections[DEFAULT_DB_ALIAS]
    sql = _joined(tuple(_kind(one) for one in (first, *others)), provided)
    values = [value for one in (first, *others) for value in _values(one, here)]
    with prepared_cursor(here) as cursor:
        cursor.execute(sql, values)
        return int(cursor.fetchone()[0])


def _kind(one: Update | Insert) -> tuple[Any, ...]:
    if isinstance(one, Update):
        return Update, one.model, tuple(one.columns), tuple(one.where)
    return Insert, type(one.row), one.unique, one.update


def _values(one: Update | Insert, here: Any) -> list[Any]:
    if isinstance(one, Update):
        _, written, asked = _updating(one.model, tuple(one.columns), tuple(one.where))
        values = [
            field.get_db_prep_save(_key(new), here) for field, new in zip(written, one.columns.values(), strict=True)
        ]
        return values + _asked(asked, list(one.where.values()), here)
    return [field.get_db_prep_save(field.pre_save(one.row, add=True), here) for field in _fields(type(one.row))]


@cache
def _joined(kinds: tuple[tuple[Any, ...], ...], provided: bool) -> str:  # noqa: FBT001  a part of the cache's key
    parts = []
    for number, (what, *kind) in enumerate(kinds):
        if what is Update:
            sql = _updating(*kind)[0] + (" RETURNING 1" if not number else "")
        else:
            sql = _insertion(*kind, (), after="part0" if provided else "")[0]
        parts.append(f"part{number} AS ({sql})")
    return f"WITH {', '.join(parts)} SELECT count(*) FROM part0"  # noqa: S608  names of columns


@cache
def _insertion(
    model: type[Model], unique: tuple[str, ...], update: tuple[str, ...], kinds: Kinds, *, after: str = ""
) -> tuple[str, list[Any], list[Any]]:
    fields = _fields(model)
    into = f"INSERT INTO {_quoted(model._meta.db_table)} ({', '.join(_column(one) for one in fields)})"
    places, asked = ", ".join(["%s"] * len(fields)), list[Any]()
    if (kinds or after) and connection.vendor == "postgresql":
        # A value in a SELECT is taken for text there unless it says what it is.
        places = ", ".join(f"%s::{one.db_type(connection)}" for one in fields)
    if after:
        sql = f"{into} SELECT {places} WHERE EXISTS (SELECT 1 FROM {after})"  # noqa: S608  names of columns
    elif kinds:
        conditions, asked = _conditions(kinds)
        tables = ", ".join(_quoted(one._meta.db_table) for one, _ in kinds)
        # Who waits for the lock looks again: a row that does not fit any more is lacking then.
        lock = " FOR NO KEY UPDATE" if connection.features.has_select_for_no_key_update else ""
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


def _fields(model: type[Model]) -> list[Any]:
    return [one for one in model._meta.concrete_fields if not isinstance(one, AutoField)]


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
