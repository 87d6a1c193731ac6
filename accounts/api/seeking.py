"""A condition that Django's lookups do not offer: several columns compared as one row."""

from collections.abc import Sequence
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import BooleanField, Expression, F, Func, Value
from django.db.models.sql.compiler import SQLCompiler

from accounts.compiled import Given


class Past(Func):
    """`(a, b) < (x, y)`: rows that come after the values when ordered by the columns, all "asc" or all "desc".

    Columns and values must not be null. An index on the columns is entered exactly there.
    """

    output_field = BooleanField()

    def __init__(self, columns: Sequence[str], values: Sequence[Any], direction: str) -> None:
        given = [one if isinstance(one, Given) else Value(one) for one in values]
        super().__init__(*map(F, columns), *given, sign=">" if direction == "asc" else "<")

    def as_sql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> tuple[str, list[Any]]:  # type: ignore[override]  # noqa: ARG002  Django's signature
        """Return the comparison, each value as its column's type stores it."""
        sources = self.get_source_expressions()
        columns, values = sources[: len(sources) // 2], sources[len(sources) // 2 :]
        typed = [_typed(one, column.output_field) for one, column in zip(values, columns, strict=True)]
        left, left_values = _list(compiler, columns)
        right, right_values = _list(compiler, typed)
        return f"({left}) {self.extra['sign']} ({right})", [*left_values, *right_values]


def _typed(value: Any, field: Any) -> Expression:
    return value.of(field) if isinstance(value, Given) else Value(value.value, field)


def _list(compiler: SQLCompiler, expressions: Sequence[Expression]) -> tuple[str, list[Any]]:
    compiled = [compiler.compile(one) for one in expressions]
    return ", ".join(sql for sql, _ in compiled), [value for _, values in compiled for value in values]
