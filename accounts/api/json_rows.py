"""The hot path of `GET /posts`: JSON written from `values_list` rows, without a serializer call per row.

The serializer stays the only declaration of the document. Library: DRF's serializers, or msgspec. Why not: a list may
cost at most 1.6 times the database's own time, which a serializer call per row misses, and msgspec would need a second
declaration. Look again when that limit changes.
"""

from collections.abc import Callable, Sequence
from json import dumps
from json.encoder import encode_basestring
from typing import Any

from django.db.models import TextField
from django.db.models.functions import Cast
from rest_framework import serializers

from accounts.api.serializers import UTCMillisField
from accounts.datetimes import format_datetime


class StoredJSONField(serializers.JSONField):
    """A JSON column, returned as it is stored. A subclass declares its type for the description."""


# By the exact class, because a subclass may represent its values in another way. Null is written elsewhere.
WRITERS: dict[type[Any], Callable[[Any], str]] = {
    serializers.CharField: encode_basestring,
    serializers.ChoiceField: encode_basestring,
    serializers.IntegerField: str,
    serializers.UUIDField: lambda value: f'"{value}"',
    StoredJSONField: str,  # selected as text
    UTCMillisField: lambda time: f'"{format_datetime(time)}"',
}


class JSONRowWriter:
    """Writes rows as the objects that a serializer class describes.

    `columns` are the arguments for `values_list`: the sources of the fields in order. JSON columns are selected as text
    and written as the database stores them, so that only their white space may differ. Raises TypeError for a field
    without a writer.
    """

    def __init__(self, serializer_class: type[serializers.Serializer[Any]]) -> None:
        self.columns: list[str | Cast] = []
        self.writers: list[Callable[[Any], str]] = []
        self._template = self._object_template(serializer_class())

    def _object_template(self, serializer: serializers.Serializer[Any]) -> str:
        members = [f"{dumps(name)}:{self._add_field(field)}" for name, field in serializer.fields.items()]
        return "{" + ",".join(members) + "}"

    def _add_field(self, field: serializers.Field[Any, Any, Any, Any]) -> str:
        """Return the field's place in the template. A nested serializer must read the same row (`source="*"`)."""
        if isinstance(field, serializers.Serializer) and field.source == "*":
            return self._object_template(field)
        kind = StoredJSONField if isinstance(field, StoredJSONField) else type(field)
        if kind not in WRITERS:
            raise TypeError(f"{field.field_name} is a {kind.__name__}, which has no writer")
        name = "__".join(field.source_attrs)
        self.writers.append(WRITERS[kind])
        self.columns.append(Cast(name, TextField()) if kind is StoredJSONField else name)
        return "%s"

    def render_list(self, rows: Sequence[Sequence[Any]]) -> bytes:
        """Return the rows as a JSON array in UTF-8. Columns after `self.columns` are ignored."""
        written = [
            [write(value) if value is not None else "null" for value in column]
            for write, column in zip(self.writers, zip(*rows, strict=True), strict=False)
        ]
        text = "[" + ",".join(self._template % members for members in zip(*written, strict=True)) + "]"
        # As DRF does: U+2028 and U+2029 end a line in old JavaScript.
        return text.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029").encode()
