"""Statements that are built once and then only run.

Django builds the SQL of a query anew each time, which takes several times as long as running it. Where a post goes out
that is most of what a worker does in the second that counts; so what runs there keeps its statements. They run through
Django's connection, in its transactions, with its fields' conversions, on either database.
"""

from collections.abc import Callable, Mapping
from functools import cache, cached_property
from typing import Any, Generic, TypeVar

from django.db import connection
from django.db.models import AutoField, Model, QuerySet
from django.db.models.constants import OnConflict
from django.db.models.query import get_related_populators

M = TypeVar("M", bound=Model)
COMPARISONS = {"": "=", "lte": "<=", "ne": "<>"}


class Selection(Generic[M]):
    """The rows of a query set by one value of the column `by`, with what it selects: related rows, annotations.

    `like`: any one value of that column's type, which stands in while the statement is built.
    """

    def __init__(self, rows: Callable[[], "QuerySet[M, M]"], *, by: str, like: Any) -> None:
        self._rows, self._by, self._like = rows, by, like

    def find(self, value: Any) -> list[M]:
        """Run the query for `value`."""
        built = self._built
        params = list(built.params)
        params[built.place] = built.column.get_db_prep_value(value, connection)
        with connection.cursor() as cursor:
            cursor.execute(built.sql, params)
            return [built.read(list(row)) for row in cursor.fetchall()]

    @cached_property
    def _built(self) -> "_Built[M]":
        return _Built(self._rows(), self._by, self._like)


class _Built(Generic[M]):
    """A query set's statement, and how a row of its answer is read: as Django's ModelIterable does it."""

    def __init__(self, rows: "QuerySet[M, M]", by: str, like: Any) -> None:
        self.column = _field(rows.model, by)
        compiler = rows.filter(**{by: like}).query.get_compiler(connection=connection)
        self.sql, self.params = compiler.as_sql()
        self.place = self.params.index(self.column.get_db_prep_value(like, connection))
        select, info = compiler.select, compiler.klass_info
        self._model, columns = info["model"], info["select_fields"]
        self._own = slice(columns[0], columns[-1] + 1)
        self._names = [one[0].target.attname for one in select[self._own]]
        self._related = get_related_populators(info, select, rows.db)  # type: ignore[call-arg]  # the stubs know a later Django
        self._annotations = compiler.annotation_col_map
        self._converters = compiler.get_converters([one[0] for one in select[: compiler.col_count]])

    def read(self, row: list[Any]) -> M:
        for place, (converters, expression) in self._converters.items():
            for convert in converters:
                row[place] = convert(row[place], expression, connection)
        found: M = self._model.from_db(connection.alias, self._names, row[self._own])
        for populator in self._related:
            populator.populate(row, found)
        for name, place in self._annotations.items():
            setattr(found, name, row[place])
        return found


def insert(row: Model, *, unique: tuple[str, ...] = (), update: tuple[str, ...] = ()) -> None:
    """INSERT `row`, and give it its key.

    `unique`: columns that are so together. Where such a row is there already, its columns `update` are written instead,
    and `row` may be left without a key.
    """
    sql, fields = _insertion(type(row), unique, update)
    values = [one.get_db_prep_save(one.pre_save(row, add=True), connection) for one in fields]
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        if row.pk is None:
            row.pk = cursor.fetchone()[0] if connection.features.can_return_columns_from_insert else cursor.lastrowid
    row._state.adding, row._state.db = False, connection.alias  # as Model.save leaves them


def update(model: type[Model], where: Mapping[str, Any], columns: Mapping[str, Any]) -> int:
    """UPDATE `columns` of the rows that fit `where`, and return how many do.

    A name in `where` is a column's, alone or with __lte or __ne. None of its values may be None: nothing equals NULL.
    """
    if None in where.values():
        raise ValueError("Nothing equals NULL")
    sql, written, asked = _updating(model, tuple(columns), tuple(where))
    values = [one.get_db_prep_save(_key(new), connection) for one, new in zip(written, columns.values(), strict=True)]
    values += [one.get_db_prep_value(value, connection) for one, value in zip(asked, where.values(), strict=True)]
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return int(cursor.rowcount)


@cache
def _insertion(model: type[Model], unique: tuple[str, ...], update: tuple[str, ...]) -> tuple[str, list[Any]]:
    fields = [one for one in model._meta.concrete_fields if not isinstance(one, AutoField)]
    sql = f"INSERT INTO {_quoted(model._meta.db_table)} ({', '.join(_column(one) for one in fields)})"
    sql += f" VALUES ({', '.join(['%s'] * len(fields))})"
    if unique:
        written, known = [[_field(model, name).column for name in names] for names in (update, unique)]
        sql += " " + connection.ops.on_conflict_suffix_sql(fields, OnConflict.UPDATE, written, known)
    if connection.features.can_return_columns_from_insert:
        sql += f" RETURNING {_column(model._meta.pk)}"
    return sql, fields


@cache
def _updating(model: type[Model], columns: tuple[str, ...], where: tuple[str, ...]) -> tuple[str, list[Any], list[Any]]:
    written = [_field(model, name) for name in columns]
    asked = [(_field(model, name), COMPARISONS[how]) for name, _, how in (one.partition("__") for one in where)]
    assignments = ", ".join(f"{_column(one)} = %s" for one in written)
    conditions = " AND ".join(f"{_column(one)} {sign} %s" for one, sign in asked)
    sql = f"UPDATE {_quoted(model._meta.db_table)} SET {assignments} WHERE {conditions}"  # noqa: S608  names of columns
    return sql, written, [one for one, _ in asked]


def _field(model: type[Model], name: str) -> Any:
    known = {one.attname: one for one in model._meta.concrete_fields} | {"pk": model._meta.pk}
    return known.get(name) or model._meta.get_field(name)


def _column(field: Any) -> str:
    return _quoted(field.column)


def _quoted(name: str) -> str:
    return str(connection.ops.quote_name(name))


def _key(value: Any) -> Any:
    return value.pk if isinstance(value, Model) else value
