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
from django.db.models import Field, Lookup, Model, QuerySet, Value
from django.db.models.base import ModelState
from django.db.models.query import ModelIterable
from django.db.models.signals import post_init, pre_init

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
    instance = _instance(compiler.klass_info, compiler.select, connection.alias)
    annotations = list(compiler.annotation_col_map.items())

    def made(rows: Iterable[Sequence[Any]]) -> list[Any]:
        if not annotations:
            return [instance(row) for row in rows]
        found = []
        for row in rows:
            one = instance(row)
            for name, place in annotations:
                setattr(one, name, row[place])
            found.append(one)
        return found

    return made


def _instance(info: Any, select: Any, alias: str) -> Callable[[Sequence[Any]], Any]:
    """Return what makes a row into an instance with those joined to it; None where an outer join found nothing.

    What Model.from_db does, less what it asks about each value: it takes several times as long as the values do.
    """
    model, places = info["model"], info["select_fields"]
    plain = model.__init__ is Model.__init__ and model.from_db.__func__ is Model.from_db.__func__  # type: ignore[attr-defined]
    if not plain or info.get("from_parent") or pre_init.has_listeners(model) or post_init.has_listeners(model):
        raise TypeError(f"{model.__name__} is made in a way of its own")
    names = [select[place][0].target.attname for place in places]
    begin, end, key = places[0], places[-1] + 1, places[names.index(model._meta.pk.attname)]
    joined = [
        (_instance(one, select, alias), one["local_setter"], one["remote_setter"])
        for one in info.get("related_klass_infos", ())
    ]

    def instance(row: Sequence[Any]) -> Any:
        if row[key] is None:
            return None
        one, state = model.__new__(model), ModelState()
        state.adding, state.db = False, alias
        values = one.__dict__
        values["_state"] = state
        values.update(zip(names, row[begin:end], strict=True))
        for make, here, there in joined:
            other = make(row)
            here(one, other)
            if other is not None:
                there(other, one)
        return one

    return instance


def prepared_cursor(connection: Any) -> Any:
    """Return a cursor whose statements PostgreSQL prepares, and whose values it gets beside them.

    Fetch all that is wanted before the next one is asked for.
    """
    # Django's own cursors write values into the text of a statement, which PostgreSQL then parses and plans each time.
    return connection.prepared_cursor() if connection.vendor == "postgresql" else connection.cursor()
