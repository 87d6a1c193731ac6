"""OpenAPI out of what is declared: shapes of requests, documents of answers, and the errors of the contract.

Each app says in its `api/schema.py` what its operations take and give, beside the views that do it:

describe(Posts, get=Operation("List published posts", query=PostsQuery, answers={200: many(PublishedDocument)}))
"""

import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from drf_spectacular.extensions import (
    OpenApiAuthenticationExtension,
    OpenApiSerializerExtension,
    OpenApiSerializerFieldExtension,
)
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import build_basic_type
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse
from rest_framework import serializers
from rest_framework.views import APIView

from accounts.api.scopes import needed
from accounts.api.shape import Shape

VISIBLE = r"\S"
EVERYWHERE = (402, 403, 429)
SAYS = {
    400: "Unknown or foreign channel, or full publish validation failed: each violation in `details`.",
    402: "The organization is inactive.",
    403: "The signature is missing or wrong, the key lacks the scope, or a person has to do this.",
    404: "Not found, which includes: it belongs to another organization.",
    409: "The post's state does not allow this, or a superpower's hashtag is in use.",
    412: "`If-Match` names another version than the current one.",
    413: "The body is larger than 1 MiB.",
    415: "The body is not JSON in UTF-8.",
    422: "The shape of the request is wrong: every problem in `error`. Or a superpower is incomplete: `message`.",
    429: "Too many requests; `Retry-After` says when to come again.",
    502: "The platform failed.",
    503: "The platform asks for a rest; `Retry-After` says how long.",
}


class ShapeProblem(serializers.Serializer[Any]):
    """One thing that is wrong with the request's shape."""

    message = serializers.CharField()
    path = serializers.ListField(child=serializers.JSONField())
    type = serializers.CharField(help_text="Joi's code, for example `any.required`.")
    context = serializers.DictField(child=serializers.JSONField())  # type: ignore[assignment]  # a field of that name


class ShapeErrors(serializers.Serializer[Any]):
    """Envelope A: the request's shape."""

    error = ShapeProblem(many=True)


class Refused(serializers.Serializer[Any]):
    """Envelope B: the rules of the model and of the business."""

    message = serializers.CharField()
    details = serializers.JSONField(required=False)


class EitherError(serializers.Serializer[Any]):
    """What a 422 carries: envelope A, or envelope B for a superpower that is not complete."""

    error = ShapeProblem(many=True, required=False)
    message = serializers.CharField(required=False)
    details = serializers.JSONField(required=False)


@dataclass(frozen=True)
class Example:
    """A request that clients may send as it stands, and the status that it gets. A test replays each."""

    name: str
    body: Any
    status: int


@dataclass(frozen=True)
class Operation:
    """One method of one path. `answers`: the good ones, by status; `errors`: statuses beyond those of every call."""

    summary: str
    answers: Mapping[Any, Any]
    errors: Sequence[int] = ()
    query: type[Shape] | None = None
    body: type[Shape] | None = None
    headers: Sequence[OpenApiParameter] = ()
    listed: bool = False
    examples: Sequence[Example] = field(default_factory=list)


_operations: dict[type[APIView], dict[str, Operation]] = {}


def describe(view: type[APIView], **operations: Operation) -> None:
    """Say what the view's methods (`get`, `post`, …) take and give."""
    _operations[view] = operations


def described(view: type[APIView], method: str) -> Operation:
    """Return what was said of a view's method. Raises KeyError when nothing was."""
    importlib.import_module(f"{view.__module__.partition('.')[0]}.api.schema")
    return _operations[view][method.lower()]


class ContractSchema(AutoSchema):
    """drf-spectacular's generator, told by `describe` instead of guessing."""

    @property
    def told(self) -> Operation:
        """What the app's schema module says of this operation."""
        return described(type(self.view), self.method)

    def get_operation_id(self) -> str:
        """Return a name that is as unique as the path: `get /scheduled-posts/{post_id}` → getScheduledPost."""
        words = [word for word in self.path.removeprefix("/v1").split("/") if word]
        named = [word for word in words if not word.startswith("{")]
        if len(words) > len(named):
            named[0] = named[0].removesuffix("s")
        return self.method.lower() + "".join(part.capitalize() for word in named for part in word.split("-"))

    def get_summary(self) -> str:
        return self.told.summary

    def get_description(self) -> str:  # type: ignore[override]  # as AutoSchema has it
        """Return what the view says of itself, and the scope that a key needs."""
        scope = needed(self.view, self.method.lower())
        return "\n\n".join(filter(None, [super().get_description(), scope and f"Needs the scope `{scope}`."]))

    def get_request_serializer(self) -> Any:
        return self.told.body

    def get_response_serializers(self) -> Any:
        answers = dict(self.told.answers)
        errors = {*EVERYWHERE, *self.told.errors, *([422] if self.told.query or self.told.body else [])}
        errors |= {413, 415} if self.told.body else set()
        for status in sorted(errors):
            kind = EitherError if status == 422 and self.told.body else ShapeErrors if status == 422 else Refused
            answers[status] = OpenApiResponse(kind, SAYS[status])
        return answers

    def get_override_parameters(self) -> list[Any]:
        found = [*self.told.headers, _header("x-request-id", "Names this request in our logs.")]
        found.append(_header("RateLimit", "By policy, what is left: `r` requests until `t` seconds from now."))
        if self.told.listed:
            found.append(_header("Link", 'The next page, `<…>; rel="next"` (RFC 8288), when there is one.', [200]))
        if self.told.query is not None:
            found += [self._parameter(name, one) for name, one in self.told.query().fields.items()]
        return found

    def get_examples(self) -> list[OpenApiExample]:
        return [OpenApiExample(one.name, one.body, request_only=True) for one in self.told.examples if one.status < 400]

    def _parameter(self, name: str, one: Any) -> OpenApiParameter:
        schema = self._map_serializer_field(one, "request")
        if one.default is not serializers.empty:
            schema["default"] = one.default
        return OpenApiParameter(name, schema, OpenApiParameter.QUERY, required=one.required)


def _header(name: str, says: str, statuses: list[int] | None = None) -> OpenApiParameter:
    answers: Any = statuses or True
    return OpenApiParameter(name, str, OpenApiParameter.HEADER, description=says, response=answers)


class Signature(OpenApiAuthenticationExtension):
    """The three headers, all of them."""

    target_class = "accounts.api.authentication.SignatureAuthentication"
    name = ["apiKey", "date", "signature"]

    def get_security_definition(self, auto_schema: AutoSchema) -> Any:  # noqa: ARG002  the library's signature
        says = {
            "x-api-key": "The key's public id.",
            "x-date": "Now: ISO-8601, or an HTTP-date.",
            "x-signature": "Lowercase hex HMAC-SHA256 of the exact `x-date` string under the key's secret.",
        }
        return [{"type": "apiKey", "in": "header", "name": name, "description": text} for name, text in says.items()]


class ShapeAsSchema(OpenApiSerializerExtension):
    """A shape says whether it takes what it does not know."""

    target_class = Shape
    match_subclasses = True

    def map_serializer(self, auto_schema: AutoSchema, direction: Any) -> Any:
        """Return the object's schema."""
        schema = auto_schema._map_basic_serializer(self.target, direction)
        if "__doc__" not in vars(type(self.target)) or type(self.target).__doc__ is None:
            schema.pop("description", None)  # that of the class it inherits from
        return {**schema, "additionalProperties": bool(self.target.keep_unknown)}


class _Field(OpenApiSerializerFieldExtension):
    match_subclasses = True

    def refined(self, schema: dict[str, Any]) -> dict[str, Any]:
        """Return the schema with what is special about the field."""
        return schema

    def map_serializer_field(self, auto_schema: AutoSchema, direction: Any) -> Any:
        """Return the library's schema for the field's kind, refined."""
        schema = auto_schema._map_serializer_field(self.target, direction, bypass_extensions=True)
        return self.refined(dict(schema))


class TextAsSchema(_Field):
    """Blank is more than empty: white space alone is refused too."""

    target_class = "accounts.api.fields.Text"

    def refined(self, schema: dict[str, Any]) -> dict[str, Any]:
        return schema if self.target.allow_blank else {**schema, "minLength": 1, "pattern": VISIBLE}


class NumberAsSchema(_Field):
    """Whole where it says so."""

    target_class = "accounts.api.fields.Number"

    def refined(self, schema: dict[str, Any]) -> dict[str, Any]:
        if not self.target.integer:
            return schema
        return {"type": "integer"} | {name: schema[name] for name in ("minimum", "maximum") if name in schema}


class AnythingAsSchema(_Field):
    """Any JSON at all."""

    target_class = "accounts.api.fields.Anything"

    def map_serializer_field(self, auto_schema: AutoSchema, direction: Any) -> Any:  # noqa: ARG002  the library's
        return build_basic_type(OpenApiTypes.ANY) or {}
