"""Keyset pagination: each page costs the same, and a cursor remains valid while rows are added and deleted.

Library: DRF's CursorPagination. Why not: it orders by one field and skips ties by an offset, cannot order nulls, and
accepts the cursor of another list. Look again when it compares rows by several columns.
"""

import json
from collections.abc import Sequence
from typing import Any

from django.core import signing
from django.core.exceptions import ValidationError
from django.db.models import Model, QuerySet
from django.db.models.fields.tuple_lookups import Tuple, TupleGreaterThan, TupleLessThan
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.authentication import get_api_key
from accounts.api.exceptions import RequestValidationError, ValidationProblem
from accounts.api.serializers import StrictCharField, StrictIntegerField, StrictSerializer

LIMIT = StrictIntegerField(min_value=1, max_value=500, default=100, help_text="The maximum number of rows.")


class PaginationQuery(StrictSerializer):
    """The query parameters of every list. Lists with filters inherit from it."""

    limit = LIMIT
    cursor = StrictCharField(required=False, help_text="The position after the previous page, from its `Link` header.")


def row_after(names: Sequence[str], values: Sequence[Any]) -> TupleGreaterThan | TupleLessThan:
    """Return the condition `(a, b) > (x, y)`, or `<` when the names begin with "-".

    The columns are compared as one row, so that PostgreSQL and SQLite start reading an index at that row. All names
    have one direction; columns and values must not be null.
    """
    lookup = TupleLessThan if names[0].startswith("-") else TupleGreaterThan
    return lookup(Tuple(*(name.lstrip("-") for name in names)), tuple(values))


class KeysetPagination(BasePagination):
    """Pages of one list, for one request.

    `ordering` is as in `order_by`: all names of one direction, the last one unique. The first may be nullable; its
    nulls come last in either direction. A cursor works for the list, the organization and the `filters` that it was
    made for. `parameters` is the validated query, of a serializer that inherits from PaginationQuery. With `columns`
    (for `values_list`; they include the ordering) rows are tuples, else instances.
    """

    def __init__(
        self,
        list_name: str,
        ordering: Sequence[str],
        *,
        parameters: dict[str, Any],
        filters: dict[str, Any] | None = None,
        columns: Sequence[Any] = (),
    ) -> None:
        self.list_name, self.ordering, self.filters, self.columns = list_name, ordering, filters or {}, columns
        self.parameters = parameters
        self.names = [name.lstrip("-") for name in ordering]
        self.headers: dict[str, str] = {}
        self.next_cursor: str | None = None

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> list[Any]:  # noqa: ARG002  DRF's signature
        """Return the page with one query, or two when the first field is nullable. Raises RequestValidationError."""
        limit = int(self.parameters["limit"])
        cursor = self.parameters.get("cursor")
        after = None if cursor is None else self.decode_cursor(request, queryset.model, cursor)
        rows: list[Any] = []
        for part in self._parts(queryset, after):
            if len(rows) <= limit:  # one row more than requested shows that there is a next page
                selected = part.values_list(*self.columns) if self.columns else part
                rows += selected[: limit + 1 - len(rows)]
        if len(rows) > limit:
            del rows[limit:]
            query = request.query_params.copy()
            self.next_cursor = query["cursor"] = self.encode_cursor(request, rows[-1])
            url = f"{request.build_absolute_uri(request.path)}?{query.urlencode()}"
            self.headers = {"Link": f'<{url}>; rel="next"', "X-Next-Cursor": self.next_cursor}  # Link: RFC 8288
        return rows

    def get_paginated_response(self, data: Any) -> Response:
        """Return a bare array, with Link and X-Next-Cursor when there is a next page."""
        return Response(data, headers=self.headers)

    def _parts(self, queryset: QuerySet[Any, Any], after: list[Any] | None) -> list[QuerySet[Any, Any]]:
        """Return the rows after `after`, nulls of the first field apart: no engine uses one index for both."""
        first, rest = self.names[0], self.ordering[1:]
        if not queryset.model._meta.get_field(first).null:
            rows = queryset.order_by(*self.ordering)
            return [rows if after is None else rows.filter(row_after(self.ordering, after))]
        not_null = queryset.exclude(**{first: None}).order_by(*self.ordering)
        null = queryset.filter(**{first: None}).order_by(*rest)
        if after is None:
            return [not_null, null]
        if after[0] is None:
            return [null.filter(row_after(rest, after[1:]))]
        return [not_null.filter(row_after(self.ordering, after)), null]

    def encode_cursor(self, request: Request, row: Any) -> str:
        values = [row[self.columns.index(name)] if self.columns else getattr(row, name) for name in self.names]
        return signing.dumps([None if value is None else str(value) for value in values], salt=self._salt(request))

    def decode_cursor(self, request: Request, model: type[Model], cursor: str) -> list[Any]:
        """Return the values of the ordering fields. Raises a validation error."""
        try:
            values = signing.loads(cursor, salt=self._salt(request))
            fields: list[Any] = [model._meta.get_field(name) for name in self.names]
            return [field.to_python(value) for field, value in zip(fields, values, strict=True)]
        except (signing.BadSignature, ValidationError, ValueError, TypeError):
            problem = ValidationProblem(("cursor",), "any.only", "must be one that this list returned")
            raise RequestValidationError([problem]) from None

    def _salt(self, request: Request) -> str:
        scope = [self.list_name, str(get_api_key(request).organization_id), self.filters]
        return "dynamo.cursor:" + json.dumps(scope, sort_keys=True, default=str)
