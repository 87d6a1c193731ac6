"""Lists: keyset pages whose cursors stay valid while rows come and go."""

import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from django.core import signing
from django.db.models import Model, Q, QuerySet, prefetch_related_objects
from django.db.models.constants import LOOKUP_SEP
from rest_framework.request import Request

from accounts.api.authentication import key_of
from accounts.api.fields import Number, Text
from accounts.api.problems import ShapeError
from accounts.api.seeking import Past
from accounts.api.shape import Shape, for_queries

Row = TypeVar("Row", bound=Model)
Keys = Sequence[tuple[str, str]]
DEFAULT = 100
LIMIT = Number(min_value=1, max_value=500, integer=True, default=DEFAULT, help_text="How many at once.")
CURSOR = Text(required=False, help_text="Where the page before ended: follow the `Link` header instead of making one.")
SALT = "dynamo.cursor"


class Paged(Shape):
    """What every list takes; shapes of lists with filters of their own inherit from it."""

    limit = LIMIT
    cursor = CURSOR


class _OnlyPaging(Paged):
    keep_unknown = True


def page(
    request: Request, queryset: QuerySet[Row], *, keys: Keys, list_name: str, scope: dict[str, Any]
) -> tuple[list[Row], str | None]:
    """Return a page of `queryset`, and the value of its Link header when more rows follow.

    `keys` are the ordering fields with "asc" or "desc", the last of them unique; the first may be nullable, and then
    its nulls come last in either direction. A cursor works for the list, the organization and the `scope` (the
    filters in force) that it was made for. One query per page wherever it is, at most two when the first key is
    nullable, and those of the queryset's prefetches. Raises ShapeError for a wrong limit, and for a cursor that is
    not ours or belongs elsewhere.
    """
    rows: list[Row]
    plain = queryset.prefetch_related(None)
    rows, link = _cut(request, plain, keys=keys, list_name=list_name, scope=scope, value_of=_attribute)
    prefetch_related_objects(rows, *queryset._prefetch_related_lookups)  # type: ignore[attr-defined]  # no public name
    return rows, link


def page_of_columns(
    request: Request,
    queryset: QuerySet[Any],
    columns: Sequence[Any],
    *,
    keys: Keys,
    list_name: str,
    scope: dict[str, Any],
) -> tuple[list[tuple[Any, ...]], str | None]:
    """Return a page like `page`, its rows tuples of `columns`, which are `values_list`'s and include the keys."""

    def value_of(row: tuple[Any, ...], name: str) -> Any:
        return row[columns.index(name)]

    selected = queryset.values_list(*columns)
    return _cut(request, selected, keys=keys, list_name=list_name, scope=scope, value_of=value_of)


def _cut(
    request: Request,
    queryset: QuerySet[Any, Any],
    *,
    keys: Keys,
    list_name: str,
    scope: dict[str, Any],
    value_of: Callable[[Any, str], Any],
) -> tuple[list[Any], str | None]:
    wanted = _paging(request)
    context = _context(request, list_name, scope)
    after = _opened(wanted["cursor"], context, len(keys)) if "cursor" in wanted else None
    limit = int(wanted["limit"])
    rows: list[Any] = []
    for segment in _segments(queryset, keys, after):
        if len(rows) <= limit:
            rows += segment[: limit + 1 - len(rows)]
    if len(rows) <= limit:
        return rows, None
    del rows[limit:]
    cursor = signing.dumps([context, [_portable(value_of(rows[-1], name)) for name, _ in keys]], salt=SALT)
    return rows, next_link(request, cursor)


def next_link(request: Request, cursor: str) -> str:
    """Return the value of a Link header (RFC 8288) to this URL with another cursor and all else kept."""
    parameters = request.query_params.copy()
    parameters["cursor"] = cursor
    return f'<{request.build_absolute_uri(request.path)}?{parameters.urlencode()}>; rel="next"'


def _paging(request: Request) -> dict[str, Any]:
    given = {name: values[0] if len(values) == 1 else values for name, values in request.query_params.lists()}
    value: dict[str, Any] = for_queries(_OnlyPaging).run_validation(given)
    return value


def _context(request: Request, list_name: str, scope: dict[str, Any]) -> str:
    text = json.dumps([list_name, str(key_of(request).organization_id), scope], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _opened(cursor: str, context: str, length: int) -> list[Any]:
    try:
        made_for, values = signing.loads(cursor, salt=SALT)
    except (signing.BadSignature, ValueError, TypeError):
        made_for, values = None, []
    if made_for != context or len(values) != length:
        raise ShapeError.one("any.only", "must be one that this list returned", path=("cursor",))
    return [datetime.fromisoformat(value["at"]) if isinstance(value, dict) else value for value in values]


def _attribute(row: Model, name: str) -> Any:
    value: Any = row
    for step in name.split(LOOKUP_SEP):
        value = getattr(value, step)
    return value


def _portable(value: Any) -> Any:
    if isinstance(value, datetime):
        return {"at": value.isoformat()}
    return str(value) if isinstance(value, UUID) else value


def _segments(queryset: QuerySet[Row], keys: Keys, after: list[Any] | None) -> Iterable[QuerySet[Row]]:
    """Yield the rows that follow `after`, in order: those that have the first key, then those that lack it.

    Two plain queries, because no engine walks an index through a mixture of both.
    """
    ordering = [name if direction == "asc" else f"-{name}" for name, direction in keys]
    first = keys[0][0]
    if LOOKUP_SEP in first or not getattr(queryset.model._meta.get_field(first), "null", False):
        yield queryset.filter(_beyond(keys, after)).order_by(*ordering)
        return
    present, absent = queryset.exclude(**{first: None}), queryset.filter(**{first: None})
    if after is None or after[0] is not None:
        yield present.filter(_beyond(keys, after)).order_by(*ordering)
        after = None
    yield absent.filter(_beyond(keys[1:], after[1:] if after else None)).order_by(*ordering[1:])


def _beyond(keys: Keys, after: list[Any] | None) -> Q:
    """Return the condition for rows past `after`, one that an index on the keys can seek.

    Keys of one direction are compared as a whole, so that any number of ties costs nothing; else it is a range on the
    first key, then the rest.
    """
    if after is None:
        return Q()
    if len(keys) > 1 and len({direction for _, direction in keys}) == 1:
        return Q(Past([name for name, _ in keys], after, keys[0][1]))
    (name, direction), value = keys[0], after[0]
    past = "gt" if direction == "asc" else "lt"
    if len(keys) == 1:
        return Q(**{f"{name}__{past}": value})
    ties = Q(**{name: value}) & _beyond(keys[1:], after[1:])
    return Q(**{f"{name}__{past}e": value}) & (Q(**{f"{name}__{past}": value}) | ties)
