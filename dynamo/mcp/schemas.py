"""JSON Schema of the tools' arguments and results, from the serializers that validate or document them.

Library: drf-spectacular. Why not: it describes a serializer only as part of an operation of a view, and its components
refer to each other, while each tool needs one small schema. Look again when it maps a single serializer.
"""

from typing import Any

from rest_framework import serializers

from accounts.api.serializers import StrictSerializer, StrictWordsField
from posts.api.serializers import DayOrDateTimeField

LIMITS = {"max_length": "maxLength", "min_value": "minimum", "max_value": "maximum"}
ITEM_LIMITS = {"min_length": "minItems", "max_length": "maxItems"}
# The first match wins.
TYPES: dict[type[serializers.Field[Any, Any, Any, Any]], dict[str, Any]] = {
    serializers.BooleanField: {"type": "boolean"},
    serializers.IntegerField: {"type": "integer"},
    serializers.FloatField: {"type": "number"},
    DayOrDateTimeField: {"type": "string"},
    serializers.DateTimeField: {"type": "string", "format": "date-time"},
    serializers.UUIDField: {"type": "string", "format": "uuid"},
    serializers.CharField: {"type": "string"},
}


def schema_of(serializer: type[serializers.Serializer[Any]] | serializers.Serializer[Any]) -> dict[str, Any]:
    """Return the schema of a serializer. A strict one refuses other properties, except with `keep_unknown`.

    The parts of a superpower are not described: they are many, and the reference by id is the usual form.
    """
    instance = serializer() if isinstance(serializer, type) else serializer
    if getattr(instance, "keep_unknown", False):
        return {"type": "object"}
    output = not isinstance(instance, StrictSerializer)
    fields = instance.fields.items()
    schema: dict[str, Any] = {
        "type": "object",
        "properties": {name: _field_schema(field) for name, field in fields},
    }
    required = [name for name, field in fields if field.required or (output and field.read_only)]
    if required:
        schema["required"] = required
    if not output:
        schema["additionalProperties"] = False
    return schema


def _field_schema(field: Any) -> dict[str, Any]:
    schema = _bare_schema(field)
    if isinstance(field, StrictWordsField):
        schema = {"anyOf": [{"type": "array", "items": {"type": "string", "enum": field.words}}, schema]}
    if field.help_text:
        schema["description"] = str(field.help_text)
    if field.allow_null and "type" in schema:
        schema["type"] = [schema["type"], "null"]
        if "enum" in schema:
            schema["enum"] = [*schema["enum"], None]
    if isinstance(field.default, str | int | float | bool):
        schema["default"] = field.default
    return schema


def _bare_schema(field: Any) -> dict[str, Any]:
    if isinstance(field, serializers.Serializer):
        return schema_of(field)
    if isinstance(field, serializers.ListSerializer | serializers.ListField):
        return {"type": "array", "items": _field_schema(field.child), **_limits(field, ITEM_LIMITS)}
    if isinstance(field, serializers.DictField):
        return {"type": "object", "additionalProperties": _field_schema(field.child)}
    if isinstance(field, serializers.ChoiceField):
        return {"type": "string", "enum": [str(value) for value in field.choices]}
    for kind, schema in TYPES.items():
        if isinstance(field, kind):
            return {**schema, **_limits(field, LIMITS)}
    return {}  # any value


def _limits(field: Any, names: dict[str, str]) -> dict[str, Any]:
    found = {name: getattr(field, attribute, None) for attribute, name in names.items()}
    return {name: value for name, value in found.items() if value is not None}
