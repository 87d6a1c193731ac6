"""The shape of requests: declared like DRF serializers, checked strictly, every problem reported at once.

class Draft(Shape):
    type = Choice(["POST", "REEL"], required=False)
    channels = MapOf(child=ChannelText(), required=False)

fields = read(request, Draft)
"""

from collections.abc import Mapping
from functools import cache
from itertools import islice
from typing import Any

from rest_framework import serializers
from rest_framework.fields import empty
from rest_framework.request import Request

from accounts.api.envelopes import LengthRequired
from accounts.api.fields import (
    Anything,
    Choice,
    Flag,
    Instant,
    ListOf,
    MapOf,
    Number,
    Strict,
    Text,
    translated,
)
from accounts.api.problems import REPORTED, Problem, ShapeError
from accounts.api.soundness import unsound
from accounts.errors import Invalid

__all__ = [
    "Anything", "Choice", "Flag", "Instant", "ListOf", "MapOf", "Number", "Problem", "Shape", "ShapeError", "Strict",
    "Text", "for_queries", "query", "read",
]  # fmt: skip


class Shape(serializers.Serializer[Any]):
    """An object of declared fields. Others are refused, or with `keep_unknown` kept and returned as they came.

    Lists of shapes are `ListOf(child=…)`. A `validate(self, attrs)` sees an object that is otherwise sound.
    """

    keep_unknown = False

    def run_validation(self, data: Any = empty) -> Any:
        """Return the declared fields that were given, and defaults. Raises ShapeError with every problem."""
        if data is None and self.allow_null:
            return None
        if not isinstance(data, dict):
            raise ShapeError.one("object.base", "must be of type object", value=data, type="object")
        value, problems = self._declared(data)
        declared = self.fields.keys()
        for key in data:
            if key in declared or self.context.get("query"):
                continue  # a client of the reference may send parameters that mean nothing here
            if self.keep_unknown:
                value[key] = data[key]
            elif len(problems) < REPORTED:
                problems += ShapeError.one("object.unknown", "is not allowed", path=(key,), child=key).problems
        if problems:
            raise ShapeError(problems)
        try:
            return self.validate(value)
        except serializers.ValidationError as error:
            raise translated(error) from None

    def _declared(self, data: dict[str, Any]) -> tuple[dict[str, Any], list[Problem]]:
        # Only the outermost object may be partial: what it replaces, it replaces whole.
        partial = self.partial and self.parent is None
        value: dict[str, Any] = {}
        problems: list[Problem] = []
        for name, field in self.fields.items():
            if field.read_only:
                continue
            if name in data:
                try:
                    value[field.source or name] = field.run_validation(data[name])
                except ShapeError as error:
                    problems += error.under(name)
                except serializers.ValidationError as error:
                    problems += translated(error).under(name)
            elif partial:
                continue
            elif field.default is not empty:
                value[field.source or name] = field.get_default()
            elif field.required:
                problems += ShapeError.one("any.required", "is required", path=(name,)).problems
        return value, problems


def read(request: Request, shape: type[Shape], *, partial: bool = False) -> dict[str, Any]:
    """Return the body's validated fields; a missing body reads as `{}`. With `partial` nothing is required.

    Raises ShapeError with all that is wrong, at any depth, LengthRequired, RequestDataTooBig, and Invalid for a body
    that is shorter than its Content-Length.
    """
    if "chunked" in request.META.get("HTTP_TRANSFER_ENCODING", "").lower() and not request.META.get("CONTENT_LENGTH"):
        raise LengthRequired
    body = request.body  # before .data, which would read past the size limit
    if len(body) < int(request.META.get("CONTENT_LENGTH") or 0):
        raise Invalid("The body is shorter than its Content-Length")  # gunicorn reports no error for it
    return _checked(_for_bodies(shape, partial), request.data)


def query(request: Request, shape: type[Shape]) -> dict[str, Any]:
    """Return the validated query parameters; unknown ones are ignored, repeated ones arrays. Raises ShapeError."""
    given = {name: values[0] if len(values) == 1 else values for name, values in request.query_params.lists()}
    return _checked(for_queries(shape), given)


@cache
def for_queries(shape: type[Shape]) -> Shape:
    """Return the one instance of `shape` that checks query strings: making its fields costs more than using them."""
    return shape(context={"query": True})


@cache
def _for_bodies(shape: type[Shape], partial: bool) -> Shape:  # noqa: FBT001  what is cached by has no names
    return shape(partial=partial)


def _checked(shape: Shape, data: Any) -> dict[str, Any]:
    problems = list(islice(unsound(data), REPORTED))
    known = {problem.path for problem in problems}
    value: Mapping[str, Any] = {}
    try:
        value = shape.run_validation(data)
    except ShapeError as error:
        problems += [problem for problem in error.problems if problem.path not in known]
    if problems:
        raise ShapeError(problems)
    return dict(value)
