"""Lists as JSON, written straight from rows of columns: a declared serializer's answer at a fraction of its cost.

posts = Rows(PublishedPost)           # once, at import: a serializer class
rows, link = page_of_columns(request, queryset, posts.columns, …)
posts.array(rows)                     # bytes, the same as JSONRenderer makes of PublishedPost(many=True).data

The serializer stays the one place where the document is declared; the schema is made from it too.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from json import dumps
from json.encoder import encode_basestring
from typing import Any

from django.db.models import TextField
from django.db.models.functions import Cast
from rest_framework import serializers

from accounts.api.wire import Moment

Column = str | Cast
Values = Sequence[Any]


def _quoted(values: Values) -> Iterable[str]:
    return [encode_basestring(one) if one is not None else "null" for one in values]


def _plain(values: Values) -> Iterable[str]:
    return [str(one) if one is not None else "null" for one in values]


def _spliced(values: Values) -> Iterable[str]:
    return [one if one is not None else "null" for one in values]


def _instants(values: Values) -> Iterable[str]:
    return [_instant(one) if one is not None else "null" for one in values]


def _instant(moment: datetime) -> str:
    return f'"{moment.astimezone(UTC).isoformat("T", "milliseconds")[:-6]}Z"'


# By the exact class, because a subclass may represent its values in another way.
WRITERS: dict[type[Any], Callable[[Values], Iterable[str]]] = {
    serializers.CharField: _quoted,
    serializers.IntegerField: _plain,
    serializers.JSONField: _spliced,
    Moment: _instants,
}


class Rows:
    """Writes rows as the objects that `declared` describes.

    `columns` are what to select, for `values_list`: the sources of its fields in order. JSON columns are selected as
    text and go out as the database keeps them: the same value, though perhaps spaced otherwise. Raises TypeError for a
    declaration with a field that it cannot write.
    """

    def __init__(self, declared: type[serializers.Serializer[Any]]) -> None:
        self.columns: list[Column] = []
        self.writers: list[Callable[[Values], Iterable[str]]] = []
        self._write = self._object(declared()).__mod__

    def _object(self, declared: serializers.Serializer[Any]) -> str:
        members = [f"{dumps(name)}:{self._member(field)}" for name, field in declared.fields.items()]
        return "{" + ",".join(members) + "}"

    def _member(self, field: serializers.Field[Any, Any, Any, Any]) -> str:
        """Return the place of a field in the template; a nested serializer must be of the same row."""
        if isinstance(field, serializers.Serializer) and field.source == "*":
            return self._object(field)
        if type(field) not in WRITERS:
            raise TypeError(f"{field.field_name} is a {type(field).__name__}, which has no writer")
        name = "__".join(field.source_attrs)
        self.writers.append(WRITERS[type(field)])
        self.columns.append(Cast(name, TextField()) if type(field) is serializers.JSONField else name)
        return "%s"

    def array(self, rows: Sequence[Values]) -> bytes:
        """Return the rows as a JSON array in UTF-8. Columns that follow those asked for are left out."""
        written = [write(column) for write, column in zip(self.writers, zip(*rows, strict=True), strict=False)]
        text = "[" + ",".join(map(self._write, zip(*written, strict=True))) + "]"
        # As DRF does: the two are no line ends in JSON, but were in JavaScript.
        return text.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029").encode()
