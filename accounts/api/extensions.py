"""What drf-spectacular cannot know by itself: our signature, our shapes and their fields. `schema` imports it."""

from typing import Any

from drf_spectacular.extensions import (
    OpenApiAuthenticationExtension,
    OpenApiSerializerExtension,
    OpenApiSerializerFieldExtension,
)
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import build_basic_type
from drf_spectacular.types import OpenApiTypes

from accounts.api.scopes import needed
from accounts.api.shape import Shape

VISIBLE = r"\S"


class Signature(OpenApiAuthenticationExtension):
    """The three headers, all of them; and the fourth, which an organization may require."""

    target_class = "accounts.api.authentication.SignatureAuthentication"
    name = ["apiKey", "date", "signature", "signatureFull"]

    def get_security_requirement(self, auto_schema: AutoSchema) -> Any:
        """Return the two ways to sign; the key's roles are its scopes."""
        scope = needed(auto_schema.view, auto_schema.method.lower())
        three: dict[str, list[str]] = {"apiKey": [scope.value] if scope else [], "date": [], "signature": []}
        return [three, {**three, "signatureFull": []}]

    def get_security_definition(self, auto_schema: AutoSchema) -> Any:  # noqa: ARG002  the library's signature
        says = {
            "x-api-key": "The key's public id.",
            "x-date": "Now: ISO-8601, or an HTTP-date.",
            "x-signature": "Lowercase hex HMAC-SHA256 of the exact `x-date` string under the key's secret.",
            "x-signature-full": "Lowercase hex HMAC-SHA256, under the same secret, of four lines: the method, path and "
            "query as sent, the `x-date` string, and the lowercase hex SHA-256 of the body.",
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


class InstantAsSchema(_Field):
    """Some take a date alone as well."""

    target_class = "accounts.api.fields.Instant"

    def refined(self, schema: dict[str, Any]) -> dict[str, Any]:
        if len(self.target.forms) == 1:
            return schema
        return {"type": "string", "anyOf": [{"format": one} for one in self.target.forms]}


class AnythingAsSchema(_Field):
    """Any JSON at all."""

    target_class = "accounts.api.fields.Anything"

    def map_serializer_field(self, auto_schema: AutoSchema, direction: Any) -> Any:  # noqa: ARG002  the library's
        return build_basic_type(OpenApiTypes.ANY) or {}
