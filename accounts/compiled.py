"""Queries of the paths that every request walks: Django compiles each once, and from then on only values change.

KEY = Compiled(lambda key_id: ApiKey.objects.select_related("organization").filter(pk=key_id))
KEY(key_id)          # a list of ApiKey, as the queryset would give it

Compiling costs several times what the database takes to answer. On PostgreSQL such a statement is prepared as well, so
that the server plans it once per connection. Nothing is kept of what was read.
"""

from collections.abc import Callable, Collection, Hashable, Iterable, Sequence
from typing import Any, Generic, TypeVar, cast

from django.core.exceptions import EmptyResultSet
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.models import Field, Lookup, QuerySet, Value
from django.db.models.query import ModelIterable, get_related_populators

Row = TypeVar("Row")
MOST = 500  # statements kept of one query, whose shapes callers may choose from


class Given(Value):
    """A value that is given later, by its number. `column`: the one that it is compared with, which says how."""

    def __init__(self, number: int, column: "Field[Any, Any] | None" = None) -> None:
        super().__init__(f"value {number}", column)
        self.number, self.column = number, column

    def as_sql(self, compiler: Any, connection: Any) -> Any:  # noqa: ARG002  Django's signature
        """Return a place in the statement, and who goes there."""
        return "%s", [self]

    def of(self, column: "Field[Any, Any]") -> "Given":
        """Return the same value, compared with this column."""
        return Given(self.number, column)

    def stored(self, values: Sequence[Any], connection: Any) -> Any:
        """Return the value as the column's type stores it."""
        if self.column is None:
            raise TypeError(f"nothing says what kind of column value {self.number} is compared with")
        return self.column.get_db_prep_value(values[self.number], connection, prepared=False)


def padded(values: Collection[Any]) -> list[Any]:
    """Return the values with the last one repeated, as many as the next power of two: for `IN`, in few statements."""
    found = list(values)
    return found + found[-1:] * ((1 << max(0, len(found) - 1).bit_length()) - len(found))


class Compiled(Generic[Row]):
    """A query made by `build`, which gets a Given for each value and, by name, what shapes the statement itself."""

    def __init__(self, build: Callable[..., QuerySet[Any, Row]]) -> None:
        self.build = build
        self._statements: dict[Hashable, _Statement] = {}

    def __call__(self, *values: Any, **shape: Hashable) -> list[Row]:
        """Return the rows for these values. Values must not be None, which SQL compares in another way."""
        # Typed loosely, here and below, because what a compiler and a connection are made of is not in the stubs.
        connection: Any = connections[DEFAULT_DB_ALIAS]
        kind = (connection.vendor, len(values), *shape.items())
        statement = self._statements.get(kind)
        if statement is None:
            if len(self._statements) >= MOST:
                self._statements.clear()
            made = self.build(*(Given(number) for number in range(len(values))), **shape)
            statement = self._statements[kind] = _Statement(made, connection)
        return cast("list[Row]", statement.rows(values, connection))


class _Statement:
    """One statement for one kind of database, and how its rows become objects."""

    def __init__(self, queryset: QuerySet[Any, Any], connection: Any) -> None:
        _say_columns(queryset.query.where)
        compiler: Any = queryset.query.get_compiler(connection=connection)
        self.sql: str | None = None
        try:
            self.sql, self.params = compiler.as_sql()
        except EmptyResultSet:
            return
        self.converters = list(compiler.get_converters([one[0] for one in compiler.select]).items())
        self.made = _objects(compiler, connection) if queryset._iterable_class is ModelIterable else list

    def rows(self, values: Sequence[Any], connection: Any) -> list[Any]:
        if self.sql is None:
            return []
        params = [one.stored(values, connection) if isinstance(one, Given) else one for one in self.params]
        with prepared_cursor(connection) as cursor:
            cursor.execute(self.sql, params)
            rows = cursor.fetchall()
        return self.made([self._converted(row, connection) for row in rows] if self.converters else rows)

    def _converted(self, row: Sequence[Any], connection: Any) -> list[Any]:
        changed = list(row)
        for place, (converters, expression) in self.converters:
            for convert in converters:
                changed[place] = convert(changed[place], expression, connection)
        return changed


def _say_columns(part: Any) -> None:
    """Tell each value in a part of a query, or in a query within it, the column that it is compared with."""
    if isinstance(part, Lookup):
        several: Any = getattr(part.rhs, "get_source_expressions", list)() or part.rhs
        for value in several if isinstance(several, Iterable) else [part.rhs]:
            if isinstance(value, Given):
                value.column = part.lhs.output_field
    inside = getattr(part, "children", None) or getattr(part, "get_source_expressions", list)()
    for one in inside:
        _say_columns(getattr(one, "where", one))


def _objects(compiler: Any, connection: Any) -> Callable[[Iterable[Sequence[Any]]], list[Any]]:
    """Return what makes rows into instances of the compiler's model, related ones filled in, as a queryset does."""
    info, populators_of = compiler.klass_info, cast("Any", get_related_populators)
    model, fields = info["model"], info["select_fields"]
    begin, end = fields[0], fields[-1] + 1
    names = [column[0].target.attname for column in compiler.select[begin:end]]
    alias, annotations = connection.alias, compiler.annotation_col_map.items()
    populators = populators_of(info, compiler.select, alias)

    def made(rows: Iterable[Sequence[Any]]) -> list[Any]:
        found = []
        for row in rows:
            one = model.from_db(alias, names, row[begin:end])
            for related in populators:
                related.populate(row, one)
            for name, place in annotations:
                setattr(one, name, row[place])
            found.append(one)
        return found

    return made


def prepared_cursor(connection: Any) -> Any:
    """Return a cursor whose statements PostgreSQL prepares, and whose values it gets beside them."""
    if connection.vendor != "postgresql":
        return connection.cursor()
    from django.db.backends.postgresql import base

    # Django's own cursors write values into the text of a statement, which PostgreSQL then parses and plans each time.
    connection.close_if_health_check_failed()
    connection.ensure_connection()
    return connection._prepare_cursor(cast("Any", base.ServerBindingCursor)(connection.connection))
