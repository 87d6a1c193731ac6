"""Strict fields: they take exactly their type, change nothing, and complain in Joi's words.

They are DRF fields, so that the schema can be generated from them; what they raise is a ShapeError.
"""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError as ModelValidationError
from rest_framework import serializers
from rest_framework.fields import empty

from accounts.api.problems import REPORTED, Problem, ShapeError
from accounts.api.wire import parse_instant

_INTEGER = re.compile(r"-?[0-9]{1,15}")
_DECIMAL = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,15})?")

if TYPE_CHECKING:
    _Field = serializers.Field[Any, Any, Any, Any]
else:
    _Field = object


def _from_text(text: Any) -> Any:
    """Return the number that a query parameter spells; what spells none comes back as it is."""
    if not isinstance(text, str):
        return text
    if _INTEGER.fullmatch(text):
        return int(text)
    return float(text) if _DECIMAL.fullmatch(text) else text


class Strict(_Field):
    """What strict fields share. A field that is missing is its container's concern; null is a wrong type."""

    wrong_type: tuple[str, str]  # Joi's code, and its sentence

    def run_validation(self, data: Any = empty) -> Any:
        """Return the value. Raises ShapeError with paths that start at this field."""
        if data is None and self.allow_null:
            return None
        value = self.to_internal_value(data)
        if not getattr(self, "_kwargs", {}).get("validators"):  # those that DRF adds repeat what has been checked
            return value
        try:
            self.run_validators(value)
        except (serializers.ValidationError, ModelValidationError) as error:
            raise translated(error) from None
        return value

    def refuse(self, value: Any) -> ShapeError:
        """Return the error for a value of the wrong type."""
        code, says = self.wrong_type
        return ShapeError.one(code, says, value=value)

    def in_query(self) -> bool:
        """Whether values come from a query string, where everything is text."""
        return bool(self.context.get("query"))


class Text(Strict, serializers.CharField):
    """A string, kept as it is. Without `allow_blank` it must hold more than white space."""

    wrong_type = ("string.base", "must be a string")

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            raise self.refuse(data)
        if not self.allow_blank and not data.strip():
            raise ShapeError.one("string.empty", "is not allowed to be empty", value=data)
        if self.max_length is not None and len(data) > self.max_length:
            says = f"length must be less than or equal to {self.max_length} characters long"
            raise ShapeError.one("string.max", says, value=data, limit=self.max_length)
        return data


class Number(Strict, serializers.FloatField):
    """A number, returned as the int or float that it was; `integer` admits no fraction. Bounds are inclusive."""

    wrong_type = ("number.base", "must be a number")

    def __init__(self, *, integer: bool = False, **options: Any) -> None:
        super().__init__(**options)
        self.integer = integer

    def to_internal_value(self, data: Any) -> int | float:
        value = _from_text(data) if self.in_query() else data
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self.refuse(data)
        if self.integer and value != int(value):
            raise ShapeError.one("number.base", "must be an integer", value=data)
        if self.min_value is not None and value < self.min_value:
            says = f"must be greater than or equal to {self.min_value}"
            raise ShapeError.one("number.min", says, value=value, limit=self.min_value)
        if self.max_value is not None and value > self.max_value:
            says = f"must be less than or equal to {self.max_value}"
            raise ShapeError.one("number.max", says, value=value, limit=self.max_value)
        return int(value) if self.integer else value


class Choice(Strict, serializers.ChoiceField):
    """One of a few strings."""

    def to_internal_value(self, data: Any) -> str:
        valids = list(self.choices)
        if isinstance(data, str) and data in valids:
            return data
        raise self.refuse(data)

    def refuse(self, value: Any) -> ShapeError:
        valids = list(self.choices)
        return ShapeError.one("any.only", f"must be one of [{', '.join(valids)}]", value=value, valids=valids)


class Instant(Strict, serializers.DateTimeField):
    """A time with Z or an offset; returned aware and in UTC. `forms` are JSON Schema's names of what it takes."""

    wrong_type = ("string.base", "must be a string")
    forms: Sequence[str] = ("date-time",)

    def to_internal_value(self, data: Any) -> datetime:
        if not isinstance(data, str):
            raise self.refuse(data)
        try:
            return parse_instant(data)
        except ValueError:
            raise ShapeError.one("string.isoDate", "must be in iso format", value=data) from None


class Flag(Strict, serializers.BooleanField):
    """true or false, nothing else."""

    wrong_type = ("boolean.base", "must be a boolean")

    def to_internal_value(self, data: Any) -> bool:
        value = {"true": True, "false": False}.get(data, data) if self.in_query() and isinstance(data, str) else data
        if not isinstance(value, bool):
            raise self.refuse(data)
        return value


class Anything(Strict, serializers.JSONField):
    """Any JSON value, null included, kept as it is."""

    def run_validation(self, data: Any = empty) -> Any:
        return data

    def to_internal_value(self, data: Any) -> Any:
        return data


class ListOf(Strict, serializers.ListField):
    """An array whose items are all checked."""

    wrong_type = ("array.base", "must be an array")

    def to_internal_value(self, data: Any) -> list[Any]:
        if not isinstance(data, list):
            raise self.refuse(data)
        if self.min_length is not None and len(data) < self.min_length:
            raise ShapeError.one("array.min", f"must contain at least {self.min_length} items", limit=self.min_length)
        if self.max_length is not None and len(data) > self.max_length:
            raise ShapeError.one(
                "array.max", f"must contain less than or equal to {self.max_length} items", limit=self.max_length
            )
        values, problems = [], []
        for index, item in enumerate(data):
            try:
                values.append(self.child.run_validation(item))
            except ShapeError as error:
                problems += error.under(index)
                if len(problems) >= REPORTED:
                    break
        if problems:
            raise ShapeError(problems)
        return values


class MapOf(Strict, serializers.DictField):
    """An object of any keys whose values are all checked."""

    wrong_type = ("object.base", "must be of type object")

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if not isinstance(data, dict):
            raise self.refuse(data)
        values, problems = {}, []
        for key, item in data.items():
            try:
                values[key] = self.child.run_validation(item)
            except ShapeError as error:
                problems += error.under(key)
                if len(problems) >= REPORTED:
                    break
        if problems:
            raise ShapeError(problems)
        return values


# What DRF's own fields and validators call things, for shapes that use one of them.
_JOI = {
    "required": "any.required",
    "null": "any.required",
    "blank": "string.empty",
    "max_length": "string.max",
    "invalid_choice": "any.only",
    "max_value": "number.max",
    "min_value": "number.min",
    "not_a_list": "array.base",
    "not_a_dict": "object.base",
    "empty": "array.min",
}


def translated(error: serializers.ValidationError | ModelValidationError) -> ShapeError:
    """Return a validation error of Django or of DRF as a ShapeError; a code with a dot is Joi's already."""
    detail = serializers.as_serializer_error(error) if isinstance(error, ModelValidationError) else error.detail
    return ShapeError(_walk(detail, ()))


def _walk(detail: Any, path: tuple[str | int, ...]) -> list[Problem]:
    if isinstance(detail, dict):
        below = [(() if key == "non_field_errors" else (key,), item) for key, item in detail.items()]
        return [problem for step, item in below for problem in _walk(item, path + step)]
    if isinstance(detail, list):
        plain = all(isinstance(item, str) for item in detail)
        return [
            problem
            for index, item in enumerate(detail)
            if item
            for problem in _walk(item, path if plain else (*path, index))
        ]
    code = str(getattr(detail, "code", "invalid"))
    return [Problem(path, code if "." in code else _JOI.get(code, "any.invalid"), str(detail))]
