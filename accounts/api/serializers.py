"""Strict DRF fields and serializers: no type coercion, no trimming, and Joi's error codes."""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import cache
from itertools import islice
from typing import Any, ClassVar

from django.core.validators import RegexValidator
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail, ValidationError
from rest_framework.fields import empty
from rest_framework.request import Request

from accounts.api.exceptions import MAX_PROBLEMS, LengthRequired, RequestValidationError, from_drf_error
from accounts.api.parsers import find_invalid_text
from accounts.datetimes import format_datetime, lacks_offset, parse_datetime
from accounts.exceptions import Invalid

MAX_ECHOED = 200  # characters of a wrong value that are returned in the error
NO_OFFSET = "must be in iso format with an offset: add Z for UTC, or for example +02:00"
_INTEGER = re.compile(r"-?[0-9]{1,15}")
_DECIMAL = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,15})?")


class JoiCode(str):  # noqa: SLOT000  it is a string with an attribute
    """An error code of Joi's that carries the error's context: DRF copies an ErrorDetail, but keeps its code."""

    context: dict[str, Any]


def joi_error(code: str, message: str, *, value: Any = None, **context: Any) -> ErrorDetail:
    """Return an error for a ValidationError. `value` is echoed when it is small and plain."""
    if isinstance(value, bool | int | float) or (isinstance(value, str) and len(value) <= MAX_ECHOED):
        context["value"] = value
    joi_code = JoiCode(code)
    joi_code.context = context
    return ErrorDetail(message, joi_code)


class StrictFieldMixin(serializers.Field):  # type: ignore[type-arg]  # DRF's is not generic at runtime
    """Turns the errors of a DRF field into Joi's."""

    wrong_type: ClassVar[tuple[str, str]]  # Joi's code and message for each error that is not in `joi_errors`
    joi_errors: ClassVar[dict[str, tuple[str, str]]] = {
        "required": ("any.required", "is required"),
        "blank": ("string.empty", "is not allowed to be empty"),
        "max_length": ("string.max", "length must be less than or equal to {limit} characters long"),
        "min_value": ("number.min", "must be greater than or equal to {limit}"),
        "max_value": ("number.max", "must be less than or equal to {limit}"),
    }

    def run_validation(self, data: Any = empty) -> Any:
        try:
            return super().run_validation(data)
        except ValidationError as error:
            detail: Any = error.detail
            if isinstance(detail, dict) or isinstance(detail[0].code, JoiCode):  # of children, or translated already
                raise
            raise ValidationError([self.joi_error(detail[0].code, data)]) from None

    def joi_error(self, code: str, data: Any) -> ErrorDetail:
        """Return the error for a code of DRF's; that of a bound is the name of the attribute that holds the bound."""
        if code not in self.joi_errors:
            return joi_error(*self.wrong_type, value=data)
        joi_code, message = self.joi_errors[code]
        if "{limit}" not in message:
            return joi_error(joi_code, message, value=data)
        limit = getattr(self, code)
        return joi_error(joi_code, message.format(limit=limit), value=data, limit=limit)


class StrictCharField(StrictFieldMixin, serializers.CharField):
    """A string, unchanged. Without `allow_blank` it must contain more than white space."""

    wrong_type = ("string.base", "must be a string")

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(trim_whitespace=False, **kwargs)
        if not self.allow_blank:
            self.validators.insert(0, RegexValidator(r"\S", code="blank"))

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, str):
            self.fail("invalid")
        return data


class StrictWordsField(StrictCharField):
    """Words of `words`, separated by commas, in one text or several. `to_internal_value` returns the joined text."""

    words: ClassVar[list[str]]

    def to_internal_value(self, data: Any) -> Any:
        several = isinstance(data, list) and all(isinstance(item, str) for item in data)
        return super().to_internal_value(",".join(data) if several else data)


class StrictNumberMixin(StrictFieldMixin):
    """A JSON number, or in a query string its digits. Bounds are inclusive."""

    wrong_type = ("number.base", "must be a number")

    def joi_error(self, code: str, data: Any) -> ErrorDetail:
        return super().joi_error(code, self._parse(data) if code in {"min_value", "max_value"} else data)

    def to_internal_value(self, data: Any) -> Any:
        value = self._parse(data)
        if isinstance(value, bool) or not isinstance(value, int | float):
            self.fail("invalid")
        return value

    def _parse(self, data: Any) -> Any:
        """Return the number of a query parameter, or the data unchanged when it is not one."""
        if not self.context.get("query") or not isinstance(data, str):
            return data
        if _INTEGER.fullmatch(data):
            return int(data)
        return float(data) if _DECIMAL.fullmatch(data) else data


class StrictNumberField(StrictNumberMixin, serializers.FloatField):
    """A number, returned as the int or float that it was."""


class StrictIntegerField(StrictNumberMixin, serializers.IntegerField):
    """A number without a fraction: 3.0 is 3."""

    def to_internal_value(self, data: Any) -> Any:
        value = super().to_internal_value(data)
        if value != int(value):
            raise ValidationError([joi_error("number.base", "must be an integer", value=data)])
        return int(value)


class StrictChoiceField(StrictFieldMixin, serializers.ChoiceField):
    def joi_error(self, code: str, data: Any) -> ErrorDetail:
        if code == "required":
            return super().joi_error(code, data)
        valids = list(self.choices)
        return joi_error("any.only", f"must be one of [{', '.join(valids)}]", value=data, valids=valids)


class StrictDateTimeField(StrictFieldMixin, serializers.DateTimeField):
    """A time with Z or an offset; returned aware and in UTC."""

    wrong_type = ("string.base", "must be a string")

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, str):
            self.fail("invalid", format="ISO 8601")
        try:
            return parse_datetime(data)
        except ValueError:
            message = NO_OFFSET if lacks_offset(data) else "must be in iso format"
            raise ValidationError([joi_error("string.isoDate", message, value=data)]) from None


class StrictBooleanField(StrictFieldMixin, serializers.BooleanField):
    """true or false, nothing else."""

    wrong_type = ("boolean.base", "must be a boolean")

    def to_internal_value(self, data: Any) -> bool:
        if self.context.get("query") and data in ("true", "false"):
            return bool(data == "true")
        if not isinstance(data, bool):
            self.fail("invalid", input=data)
        return data


class AnyJSONField(serializers.JSONField):
    """Any JSON value, null included, unchanged."""

    def run_validation(self, data: Any = empty) -> Any:
        return data


class StrictListField(StrictFieldMixin, serializers.ListField):
    wrong_type = ("array.base", "must be an array")
    joi_errors = {
        **StrictFieldMixin.joi_errors,
        "min_length": ("array.min", "must contain at least {limit} items"),
        "max_length": ("array.max", "must contain less than or equal to {limit} items"),
    }

    def run_child_validation(self, data: Any) -> list[Any]:
        return list(_validate_items(self.child, enumerate(data)).values())


class StrictDictField(StrictFieldMixin, serializers.DictField):
    wrong_type = ("object.base", "must be of type object")

    def run_child_validation(self, data: Any) -> dict[str, Any]:
        return _validate_items(self.child, data.items())


def _validate_items(child: Any, items: Iterable[tuple[Any, Any]]) -> dict[Any, Any]:
    """Return the valid items by key. Stops at MAX_PROBLEMS wrong ones, where DRF would check all."""
    values, errors = {}, {}
    for key, item in items:
        try:
            values[key] = child.run_validation(item)
        except ValidationError as error:
            errors[key] = error.detail
            if len(errors) >= MAX_PROBLEMS:
                break
    if errors:
        raise ValidationError(errors)
    return values


class StrictSerializer(StrictFieldMixin, serializers.Serializer[Any]):
    """An object of declared fields. Other fields are refused, or with `keep_unknown` returned unchanged."""

    keep_unknown = False

    def joi_error(self, code: str, data: Any) -> ErrorDetail:
        if code == "required":
            return super().joi_error(code, data)
        return joi_error("object.base", "must be of type object", value=data, type="object")

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if not isinstance(data, dict):
            raise ValidationError([self.joi_error("invalid", data)])
        value: dict[str, Any] = {}
        errors: dict[str, Any] = {}
        try:
            value = super().to_internal_value(data)
        except ValidationError as error:
            errors = dict(error.detail)  # type: ignore[arg-type]  # a serializer's is a dict
        unknown = [key for key in data if key not in self.fields]
        if self.context.get("query"):  # clients and proxies add parameters such as `_=1` against caches
            unknown = [key for key in unknown if not key.startswith("_")]
        if self.keep_unknown:
            value.update((key, data[key]) for key in unknown)
        else:
            for key in unknown[: MAX_PROBLEMS - len(errors)]:
                errors[key] = [joi_error("object.unknown", "is not allowed", child=key)]
        if errors:
            raise ValidationError(errors)
        return value


class UTCMillisField(serializers.DateTimeField):
    def to_representation(self, value: datetime) -> Any:
        return format_datetime(value)


def validate_body(request: Request, serializer: type[StrictSerializer]) -> dict[str, Any]:
    """Return the body's validated fields; a missing body reads as `{}`.

    Raises RequestValidationError, LengthRequired, RequestDataTooBig, and Invalid for a body that was cut off.
    """
    read_body(request)  # before .data, which would read past the size limit
    return validate(request.data, serializer)


def read_body(request: Request) -> bytes:
    """Return the body. Raises LengthRequired, RequestDataTooBig, and Invalid for a body that was cut off."""
    if "chunked" in request.META.get("HTTP_TRANSFER_ENCODING", "").lower() and not request.META.get("CONTENT_LENGTH"):
        raise LengthRequired
    body: bytes = request.body
    if len(body) < int(request.META.get("CONTENT_LENGTH") or 0):
        raise Invalid("The body is shorter than its Content-Length")  # gunicorn reports no error for it
    return body


def validate(data: Any, serializer: type[StrictSerializer]) -> dict[str, Any]:
    """Return the validated fields of JSON. Raises RequestValidationError."""
    return _validate(_instance(serializer, query=False), data)


def validate_query(request: Request, serializer: type[StrictSerializer]) -> dict[str, Any]:
    """Return the validated query parameters, repeated ones as arrays. Raises RequestValidationError.

    An unknown parameter is an error, because an ignored filter would return too much. Names that begin with `_` are
    ignored.
    """
    given = {name: values[0] if len(values) == 1 else values for name, values in request.query_params.lists()}
    return _validate(_instance(serializer, query=True), given)


# Cached, because copying the fields for each request costs more than running them.
@cache
def _instance(serializer: type[StrictSerializer], *, query: bool) -> StrictSerializer:
    return serializer(context={"query": query})


def _validate(serializer: StrictSerializer, data: Any) -> dict[str, Any]:
    problems = list(islice(find_invalid_text(data), MAX_PROBLEMS))
    invalid = {problem.path for problem in problems}
    value: Mapping[str, Any] = {}
    try:
        value = serializer.run_validation(data)
    except ValidationError as error:
        problems += [problem for problem in from_drf_error(error.detail) if problem.path not in invalid]
    if problems:
        raise RequestValidationError(problems)
    return dict(value)
