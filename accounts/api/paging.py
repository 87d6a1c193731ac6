"""Lists: keyset pages whose cursors stay valid while rows come and go."""

import hashlib
import json
from collections.abc import Callable, Hashable, Sequence
from datetime import datetime
from typing import Any, Generic, TypeVar
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
from accounts.compiled import Compiled

Row = TypeVar("Row", bound=Model)
Found = TypeVar("Found")
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

    def read(part: str, after: list[Any] | None, most: int) -> list[Row]:
        return list(_segment(plain, keys, part, after)[:most])

    nullable = _may_be_null(queryset.model, keys)
    rows, link = _cut(request, read, keys=keys, nullable=nullable, name=list_name, scope=scope, value_of=_attribute)
    prefetch_related_objects(rows, *queryset._prefetch_related_lookups)  # type: ignore[attr-defined]  # no public name
    return rows, link


class Listed(Generic[Found]):
    """A list that every client reads: its pages are what `page` describes, and their statements compiled once.

    `build` makes the rows from values and a shape, as `Compiled` has it. With `columns`, which are `values_list`'s
    and include the keys, rows are tuples, else instances of `model`.
    """

    def __init__(
        self,
        model: type[Model],
        name: str,
        keys: Keys,
        build: Callable[..., QuerySet[Any, Any]],
        columns: Sequence[Any] = (),
    ) -> None:
        self.model, self.name, self.keys, self.build, self.columns = model, name, keys, build, columns
        self.nullable = _may_be_null(model, keys)
        self._compiled: Compiled[Found] = Compiled(self._built)

    def page(
        self, request: Request, *values: Any, scope: dict[str, Any], **shape: Hashable
    ) -> tuple[list[Found], str | None]:
        """Return a page of the rows that `build` makes from these values and this shape, and its Link."""

        def read(part: str, after: list[Any] | None, most: int) -> list[Found]:
            beyond = after or []
            return self._compiled(*values, *beyond, part=part, after=len(beyond), most=most, **shape)

        def value_of(row: Any, name: str) -> Any:
            return row[self.columns.index(name)] if self.columns else _attribute(row, name)

        return _cut(
            request, read, keys=self.keys, nullable=self.nullable, name=self.name, scope=scope, value_of=value_of
        )

    def _built(self, *given: Any, part: str, after: int, most: int, **shape: Any) -> QuerySet[Any, Any]:
        rows = self.build(*given[: len(given) - after], **shape)
        cut = _segment(rows, self.keys, part, list(given[len(given) - after :]) or None)[:most]
        return cut.values_list(*self.columns) if self.columns else cut


def _cut(
    request: Request,
    read: Callable[[str, list[Any] | None, int], list[Any]],
    *,
    keys: Keys,
    nullable: bool,
    name: str,
    scope: dict[str, Any],
    value_of: Callable[[Any, str], Any],
) -> tuple[list[Any], str | None]:
    wanted = _paging(request)
    context = _context(request, name, scope)
    after = _opened(wanted["cursor"], context, len(keys)) if "cursor" in wanted else None
    limit = int(wanted["limit"])
    rows: list[Any] = []
    for part, beyond in _parts(after, nullable=nullable):
        if len(rows) <= limit:
            rows += read(part, beyond, limit + 1)
    if len(rows) <= limit:
        return rows, None
    del rows[limit:]
    cursor = signing.dumps([context, [_portable(value_of(rows[-1], key)) for key, _ in keys]], salt=SALT)
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


def _may_be_null(model: type[Model], keys: Keys) -> bool:
    first = keys[0][0]
    return LOOKUP_SEP not in first and bool(getattr(model._meta.get_field(first), "null", False))


def _parts(after: list[Any] | None, *, nullable: bool) -> Sequence[tuple[str, list[Any] | None]]:
    """Return the parts in which the rows that follow `after` are read, in order, each with what it begins after.

    Those that have the first key, then those that lack it: no engine walks an index through a mixture of both.
    """
    if not nullable:
        return [("all", after)]
    if after is not None and after[0] is None:
        return [("absent", after[1:])]
    return [("present", after), ("absent", None)]


def _segment(queryset: QuerySet[Any, Any], keys: Keys, part: str, after: list[Any] | None) -> QuerySet[Any, Any]:
    first = keys[0][0]
    if part == "present":
        queryset = queryset.exclude(**{first: None})
    elif part == "absent":
        queryset, keys = queryset.filter(**{first: None}), keys[1:]
    ordering = [name if direction == "asc" else f"-{name}" for name, direction in keys]
    return queryset.filter(_beyond(keys, after)).order_by(*ordering)


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
