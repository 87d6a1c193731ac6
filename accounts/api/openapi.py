"""Generation of docs/openapi.json (OpenAPI 3.1) from serializers and `@extend_schema`; see views.py for its use."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from drf_spectacular.extensions import OpenApiAuthenticationExtension, OpenApiSerializerExtension
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiParameter,
    OpenApiResponse,
    PolymorphicProxySerializer,
    extend_schema_field,
)
from drf_spectacular.validation import validate_schema
from rest_framework import serializers

from accounts.api.permissions import required_scope
from accounts.api.serializers import StrictSerializer


@extend_schema_field({"type": "array", "items": {"type": ["string", "integer"]}})
class PathField(serializers.ListField):
    """The way to a value: strings for keys, integers for indices."""

    child = serializers.JSONField()


class ValidationProblemSerializer(serializers.Serializer[Any]):
    """One problem of an invalid request."""

    message = serializers.CharField(help_text="A sentence in Joi's form.")
    path = PathField(
        help_text="From the body's root, or the query parameter's name: strings for keys, integers for indices.",
    )
    type = serializers.CharField(help_text="Joi's code, for example `any.required`.")
    context = serializers.DictField(  # type: ignore[assignment]  # a field of that name
        child=serializers.JSONField(), help_text="The parts of the message: `label`, `key`, `value`, `limit`."
    )


class ValidationErrorsSerializer(serializers.Serializer[Any]):
    """Envelope A: the request is invalid."""

    error = ValidationProblemSerializer(many=True, help_text="Every problem.")


class ErrorSerializer(serializers.Serializer[Any]):
    """Envelope B: a rule refused the request."""

    message = serializers.CharField(help_text="A sentence for a person.")
    code = serializers.CharField(help_text="A stable word for programs, for example `state.conflict`.")


class RuleErrorSerializer(serializers.Serializer[Any]):
    """One rule that the content breaks."""

    path = PathField(help_text="From the body's root to the field.")
    message = serializers.CharField(help_text="A sentence that names the channel where there is one.")
    code = serializers.CharField(help_text="For programs, for example `scheduledFor.past`.")


class RuleErrorsSerializer(ErrorSerializer):
    """Envelope B: rules that the content breaks. `message` is the first of them."""

    details = RuleErrorSerializer(many=True, required=False, help_text="Every violation.")


class StateConflictDetail(serializers.Serializer[Any]):
    """The state of the post, and what it allows."""

    status = serializers.CharField(allow_null=True, help_text="The post's status; null when it was deleted.")
    allowed = serializers.ListField(child=serializers.CharField(), help_text="What a key can do with it in this state.")


class InUseDetail(serializers.Serializer[Any]):
    """The post that has the name."""

    id = serializers.UUIDField(help_text="Its id.")


@extend_schema_field(
    PolymorphicProxySerializer(
        component_name="ConflictDetail",
        serializers=[StateConflictDetail, InUseDetail],
        resource_type_field_name=None,
    )
)
class ConflictDetailField(serializers.JSONField):
    """The state of the post, or the post that has the name."""


class ConflictSerializer(ErrorSerializer):
    """Envelope B: the state does not allow this, or the name is in use."""

    details = ConflictDetailField(
        required=False, help_text="The state of a post that does not allow this, or the post that has the externalId."
    )


class ClockDetail(serializers.Serializer[Any]):
    """How the date of an expired signature differs from the server's time."""

    serverTime = serializers.DateTimeField(help_text="The server's time, in UTC.")  # noqa: N815  the wire name
    skewSeconds = serializers.FloatField(  # noqa: N815
        help_text="`x-date` minus the server's time: positive when the client's clock is fast."
    )


class ForbiddenSerializer(ErrorSerializer):
    """Envelope B: not authenticated, not permitted, or only a person may do it."""

    details = ClockDetail(required=False, help_text="For an expired signature.")


class VersionDetail(serializers.Serializer[Any]):
    """The current version."""

    version = serializers.IntegerField(help_text="The current one.")
    revision = serializers.IntegerField(help_text="The current one, which also counts changes of the state.")


class PreconditionFailedSerializer(ErrorSerializer):
    """Envelope B: `If-Match` does not name the current version."""

    details = VersionDetail(help_text="The current version.")


FILE = Path(settings.BASE_DIR) / "docs" / "openapi.json"
# By the first segment of the path: title and description.
TAGS = {
    "scheduled-posts": ("Scheduled posts", "Posts to be published: written by keys and people, approved by people."),
    "channels": ("Channels", "Facebook Pages and Instagram accounts."),
    "media": ("Media", "Images and videos that are stored here, for posts."),
    "superpowers": ("Superpowers", "Templates for automatic replies to comments."),
    "posts": ("Published posts", "Posts on the platform, read-only."),
    "webhooks": ("Webhooks", "URLs that events are sent to."),
    "events": ("Events", "What happened, in order; the same objects are the bodies of webhooks."),
    "workspaces": ("Workspaces", "None: Dynamo has no workspaces."),
    "organizations": ("Organizations", "The organization of the key."),
}


CODES = {
    402: "organization.inactive",
    404: "not_found",
    409: "state.conflict",
    405: "method_not_allowed",
    411: "body.length_required",
    412: "precondition.failed",
    413: "body.too_large",
    415: "body.content_type",
    429: "rate_limit.exceeded",
    500: "server.error",
    502: "platform.failed",
    503: "platform.throttled",
}


def error_example(name: str, status: int, message: str, details: Any = None, *, code: str = "") -> OpenApiExample:
    """Return the example of envelope B. `code` defaults to that of the first violation, else of the status."""
    code = code or (details[0]["code"] if isinstance(details, list) else CODES[status])
    value = {"message": message, "code": code} | ({} if details is None else {"details": details})
    return OpenApiExample(name, value, status_codes=[status], response_only=True)


def validation_error_example(name: str, path: list[str | int], code: str, text: str, **context: Any) -> OpenApiExample:
    label = str(path[-1]) if path else "value"
    context = {"label": label, **context, **({"key": path[-1]} if path else {})}
    problem = {"message": f'"{label}" {text}', "path": path, "type": code, "context": context}
    return OpenApiExample(name, {"error": [problem]}, status_codes=[422], response_only=True)


def limit_too_large_example(limit: int = 500) -> OpenApiExample:
    """Return the example of a list with a `limit` above the maximum."""
    text = f"must be less than or equal to {limit}"
    return validation_error_example(
        "A limit out of bounds", ["limit"], "number.max", text, limit=limit, value=limit * 2
    )


INVALID_JSON = validation_error_example("Not JSON", [], "object.base", "must be valid JSON")
UNKNOWN_PARAMETER = validation_error_example(
    "Unknown query parameter", ["dryRun"], "object.unknown", "is not allowed", child="dryRun"
)
VALIDATION_ERROR = "Envelope A: the request is invalid. `error` contains all problems."
SIGNATURE_ERRORS = [
    error_example("No signature", 403, "Missing authentication headers", code="signature.missing"),
    error_example("No date", 403, "Invalid date", code="signature.date"),
    error_example(
        "Old signature",
        403,
        "Signature expired",
        {"serverTime": "2031-06-24T09:12:44.120Z", "skewSeconds": -61.204},
        code="signature.expired",
    ),
    error_example("Wrong signature", 403, "Invalid signature", code="signature.invalid"),
    error_example(
        "Full signature wanted",
        403,
        "This organization wants requests signed in full: send x-signature-full",
        code="signature.full_required",
    ),
]


def _envelope_b(description: str, *examples: OpenApiExample, serializer: Any = ErrorSerializer) -> OpenApiResponse:
    return OpenApiResponse(serializer, f"Envelope B: {description}", list(examples))


ERRORS: dict[int, OpenApiResponse] = {
    400: _envelope_b(
        "an unknown channel, or the full publish validation failed. `details` has each violation.",
        serializer=RuleErrorsSerializer,
    ),
    401: _envelope_b(
        "the bearer token is not accepted. Requests without an `Authorization` header get 403.",
        error_example("Wrong token", 401, "Invalid bearer token", code="bearer.invalid"),
        error_example(
            "Not allowed",
            401,
            "This key is not allowed as a bearer token: sign the request",
            code="bearer.not_allowed",
        ),
    ),
    402: _envelope_b(
        "the organization is inactive.", error_example("Inactive organization", 402, "The organization is inactive")
    ),
    403: _envelope_b(
        "the signature is missing or wrong, the key lacks the scope, or only a person may do this.",
        *SIGNATURE_ERRORS,
        error_example("Scope missing", 403, "This key lacks the scope read", code="scope.missing"),
        serializer=ForbiddenSerializer,
    ),
    404: _envelope_b(
        "it does not exist, or belongs to another organization.", error_example("Not found", 404, "Not found")
    ),
    405: _envelope_b(
        "the path does not offer the method; `Allow` lists those that it offers.",
        error_example("Another method", 405, 'Method "PUT" not allowed.'),
    ),
    409: _envelope_b(
        "the post's state does not allow this, or a hashtag or an externalId is in use.", serializer=ConflictSerializer
    ),
    411: _envelope_b(
        "a body came without its length.", error_example("Without a length", 411, "Send a Content-Length")
    ),
    412: _envelope_b("`If-Match` names another version than the current one.", serializer=PreconditionFailedSerializer),
    413: _envelope_b(
        "the body is larger than 1 MiB. A body of a GET is read only to check a full signature.",
        error_example("Too large", 413, "The body is larger than 1 MiB"),
    ),
    415: _envelope_b(
        "the body is not JSON in UTF-8.",
        error_example("Not JSON by its type", 415, "Send JSON in UTF-8, with the content type application/json"),
    ),
    422: OpenApiResponse(ValidationErrorsSerializer, VALIDATION_ERROR, [UNKNOWN_PARAMETER]),
    428: _envelope_b(
        "the organization requires `If-Match` for a post that a person edited last.",
        serializer=PreconditionFailedSerializer,
    ),
    429: _envelope_b(
        "rate limit exceeded; `Retry-After` has the seconds to wait.",
        error_example("Too many", 429, "Too many requests"),
    ),
    500: _envelope_b(
        "an error of the server; `x-request-id` names it in the log.",
        error_example("Server error", 500, "Internal server error"),
    ),
    502: _envelope_b("the Graph API failed."),
    503: _envelope_b(
        "the Graph API is rate limiting us, or the database does not answer; `Retry-After` has the seconds to wait.",
        error_example("No database", 503, "The database does not answer; try again", code="database.unavailable"),
    ),
}
EITHER_ENVELOPE = OpenApiResponse(
    PolymorphicProxySerializer(
        component_name="EitherEnvelope",
        serializers=[ValidationErrorsSerializer, RuleErrorsSerializer],
        resource_type_field_name=None,
    ),
    f"{VALIDATION_ERROR} Or envelope B: a superpower is incomplete, and `details` names what it lacks.",
    [UNKNOWN_PARAMETER],
)
POST_ERRORS = OpenApiResponse(
    EITHER_ENVELOPE.response,
    f"{VALIDATION_ERROR} Or envelope B: the `Idempotency-Key` was used for another request, or a superpower is "
    "incomplete.",
    [
        UNKNOWN_PARAMETER,
        error_example(
            "Another request",
            422,
            "This Idempotency-Key was used for another request",
            code="idempotency.mismatch",
        ),
    ],
)
# Responses that are the same for every operation become components of these names.
SHARED = {
    "401": "Unauthorized",
    "402": "OrganizationInactive",
    "403": "Forbidden",
    "404": "NotFound",
    "405": "MethodNotAllowed",
    "411": "LengthRequired",
    "413": "TooLarge",
    "415": "NotJson",
    "429": "TooMany",
    "500": "ServerError",
    "502": "PlatformFailed",
    "503": "Unavailable",
}


def errors(*statuses: int) -> dict[int, Any]:
    """Return the error responses of an operation, including those of every operation."""
    return {status: ERRORS[status] for status in sorted({401, 402, 403, 405, 411, 413, 422, 429, 500, 503, *statuses})}


class SignatureExtension(OpenApiAuthenticationExtension):
    """Documents the headers of the plain signature, and that of the full one, which an organization may require."""

    target_class = "accounts.api.authentication.SignatureAuthentication"
    name = ["apiKey", "date", "signature", "signatureFull", "bearer"]

    def get_security_requirement(self, auto_schema: AutoSchema) -> Any:
        """Return the plain and the full signature and the token as alternatives; the roles are the scopes."""
        scope = required_scope(auto_schema.view, auto_schema.method.lower())
        roles = [scope.value] if scope else []
        three: dict[str, list[str]] = {"apiKey": roles, "date": [], "signature": []}
        return [three, {**three, "signatureFull": []}, {"bearer": roles}]

    def get_security_definition(self, auto_schema: AutoSchema) -> Any:  # noqa: ARG002  the library's signature
        headers = {
            "x-api-key": "The key's public id.",
            "x-date": "Now: ISO-8601, or an HTTP-date.",
            "x-signature": "Lowercase hex HMAC-SHA256 of the exact `x-date` string under the key's secret.",
            "x-signature-full": "Lowercase hex HMAC-SHA256, under the same secret, of four lines: the method, path and "
            "query as sent, the `x-date` string, and the lowercase hex SHA-256 of the body.",
        }
        signed = [
            {"type": "apiKey", "in": "header", "name": name, "description": text} for name, text in headers.items()
        ]
        text = "`<key id>.<secret>`, over https, for keys that an administrator allowed it for."
        return [*signed, {"type": "http", "scheme": "bearer", "description": text}]


class StrictSerializerExtension(OpenApiSerializerExtension):
    """Documents whether unknown fields are accepted."""

    target_class = StrictSerializer
    match_subclasses = True

    def map_serializer(self, auto_schema: AutoSchema, direction: Any) -> Any:
        schema = auto_schema._map_basic_serializer(self.target, direction)
        if "__doc__" not in vars(type(self.target)) or type(self.target).__doc__ is None:
            schema.pop("description", None)  # inherited from the base class
        return {**schema, "additionalProperties": bool(self.target.keep_unknown)}


def response_header(name: str, description: str, statuses: list[int] | None = None) -> OpenApiParameter:
    """Return a header of the responses with these statuses; default: all."""
    response: Any = statuses or True
    return OpenApiParameter(name, str, OpenApiParameter.HEADER, description=description, response=response)


LINK = response_header("Link", 'The next page, `<…>; rel="next"` (RFC 8288), when there is one.', [200])
LOCATION = response_header("Location", "Where the new resource is.", [201])
NEXT_CURSOR = response_header("X-Next-Cursor", "The `cursor` of the next page, when there is one.", [200])


IDEMPOTENCY = [
    OpenApiParameter(
        "Idempotency-Key",
        str,
        OpenApiParameter.HEADER,
        description="1 to 255 visible ASCII characters, new for each new request. Repeated within 24 hours with the "
        "same path and body, the request gets the first answer again, and nothing is done twice.",
        examples=[OpenApiExample("A UUID", "0b0f6a3e-4a83-4a55-9d1e-6f1f8d1b2a90")],
    ),
    response_header("Idempotency-Replayed", "`true` when this is the stored answer to an earlier request.", [200, 201]),
]


POST = "/scheduled-posts/{post_id}"
# Operations whose view declares no `operation_id`.
OPERATION_IDS = {
    ("GET", "/organizations"): "listOrganizations",
    ("GET", "/workspaces"): "listWorkspaces",
    ("GET", "/channels"): "listChannels",
    ("GET", "/channels/{channel_id}"): "getChannel",
    ("GET", "/superpowers"): "listSuperpowers",
    ("GET", "/posts"): "listPosts",
    ("GET", "/posts/{post_id}"): "getPost",
    ("GET", "/posts/{post_id}/insights"): "getPostInsights",
    ("GET", "/posts/{post_id}/comments"): "listPostComments",
    ("GET", "/posts/{post_id}/comments/export"): "exportPostComments",
    ("GET", "/scheduled-posts"): "listScheduledPosts",
    ("POST", "/scheduled-posts"): "createScheduledPost",
    ("POST", "/scheduled-posts/validate"): "validateScheduledPost",
    ("GET", POST): "getScheduledPost",
    ("PATCH", POST): "updateScheduledPost",
    ("DELETE", POST): "deleteScheduledPost",
    ("POST", f"{POST}/submit-for-approval"): "submitScheduledPost",
    ("POST", f"{POST}/reject"): "rejectScheduledPost",
    ("POST", f"{POST}/revert"): "revertScheduledPost",
    ("POST", f"{POST}/approve"): "approveScheduledPost",
    ("POST", f"{POST}/publish"): "publishScheduledPost",
}


class ApiSchema(AutoSchema):
    """Adds scopes and headers to each operation."""

    def get_operation(self, *args: Any, **kwargs: Any) -> Any:
        operation: Any = super().get_operation(*args, **kwargs)
        if scope := required_scope(self.view, self.method.lower()):
            operation["description"] += f"\n\nNeeds the scope `{scope}`."
        return operation

    def get_operation_id(self) -> str:
        """Return the verb and the resource. Raises KeyError for an operation that has neither an entry nor its own."""
        return OPERATION_IDS[self.method, self.path.removeprefix("/v1")]

    def get_override_parameters(self) -> list[Any]:
        once = self.method == "POST" and not getattr(self.view, "ignores_input", True)
        return [
            *(IDEMPOTENCY if once else []),
            response_header("x-request-id", "The id of this request in our logs."),
            response_header("RateLimit-Policy", "By policy, how many requests (`q`) in how many seconds (`w`)."),
            response_header("RateLimit", "By policy, the remaining requests (`r`) for the next `t` seconds."),
            response_header("Allow", "The methods that the path offers.", [405]),
            response_header("WWW-Authenticate", "`Bearer`, when a bearer token is not accepted.", [401]),
            response_header("Retry-After", "Seconds to wait before retrying.", [429, 503]),
        ]

    def _map_serializer_field(self, field: Any, direction: Any, *args: Any, **kwargs: Any) -> Any:
        """Remove the second choice, null, that drf-spectacular adds to JSON fields, which allow it already."""
        schema = super()._map_serializer_field(field, direction, *args, **kwargs)
        if schema.get("oneOf") == [{}, {"type": "null"}]:
            del schema["oneOf"]
        return schema


def generate_schema() -> dict[str, Any]:
    """Return the description, validated against OpenAPI's own schema."""
    schema: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)
    components: dict[str, Any] = {"headers": {}, "responses": {}}
    for operation in _operations(schema):
        for status, response in operation["responses"].items():
            for name, header in response.get("headers", {}).items():
                components["headers"].setdefault(name, header)
                response["headers"][name] = {"$ref": f"#/components/headers/{name}"}
            name = SHARED.get(status, "")
            if name and components["responses"].setdefault(name, response) == response:
                operation["responses"][status] = {"$ref": f"#/components/responses/{name}"}
    schema["components"] |= components
    schema["tags"] = [
        {"name": tag, "x-displayName": title, "description": description} for tag, (title, description) in TAGS.items()
    ]
    schema = _clean(schema)
    schema["webhooks"] = _webhooks(schema["components"]["schemas"]["EventType"]["enum"])
    _name_parameter_enums(schema)
    _add_property_examples(schema)
    validate_schema(schema)
    return schema


def _webhooks(types: list[str]) -> dict[str, Any]:
    """Return the requests that receivers of webhooks get: one for each type of event. See docs/webhooks.md."""
    body = {"required": True, "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Event"}}}}
    responses = {
        "2XX": {"description": "Received."},
        "410": {"description": "Gone: the webhook becomes inactive."},
        "429": {"description": "Sent again after `Retry-After`."},
    }
    return {
        event_type: {
            "post": {
                "operationId": "on" + "".join(word.title() for word in re.split(r"[._]", event_type)),
                "summary": event_type,
                "requestBody": body,
                "responses": responses,
                "security": [],
            }
        }
        for event_type in types
    }


def _operations(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    return (operation for methods in schema["paths"].values() for operation in methods.values())


def _name_parameter_enums(schema: dict[str, Any]) -> None:
    """Replace enumerations of parameters by components, as drf-spectacular does for those of bodies."""
    schemas = schema["components"]["schemas"]
    names = {tuple(component["enum"]): name for name, component in schemas.items() if "enum" in component}
    for parameter in (item for operation in _operations(schema) for item in operation.get("parameters", [])):
        holder, key = (parameter["schema"], "items") if "items" in parameter["schema"] else (parameter, "schema")
        if "enum" in holder[key]:
            values = holder[key]["enum"]
            name = names.setdefault(tuple(values), parameter["name"].title())
            schemas.setdefault(name, {"type": "string", "enum": values})
            holder[key] = {"$ref": f"#/components/schemas/{name}"}


def _add_property_examples(schema: dict[str, Any]) -> None:
    """Give the values of the components an example: the first value in an example of an operation."""
    for content in _contents(schema):
        for example in content.get("examples", {}).values():
            _take_examples(schema["components"], content["schema"], example["value"])
    schemas = schema["components"]["schemas"]
    for name, component in schemas.items():  # a request takes what is left from the response
        response = schemas.get(name.removesuffix("Request"), {}).get("properties", {})
        for field, content in component.get("properties", {}).items():
            if "examples" in response.get(field, {}):
                content.setdefault("examples", response[field]["examples"])


def _contents(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the contents of all bodies and responses."""
    responses = schema["components"]["responses"]
    for operation in _operations(schema):
        for part in (operation.get("requestBody", {}), *operation["responses"].values()):
            found = responses[part["$ref"].rpartition("/")[2]] if "$ref" in part else part
            yield from found.get("content", {}).values()


def _take_examples(components: dict[str, Any], part: dict[str, Any], value: Any) -> None:
    """Store the values of an example as examples of the properties that `part` describes."""
    if "$ref" in part:
        part = components["schemas"][part["$ref"].rpartition("/")[2]]
    for other in part.get("allOf", []) + part.get("oneOf", []):
        _take_examples(components, other, value)
    for item in value if isinstance(value, list) else ():
        _take_examples(components, part.get("items", {}), item)
    for name, item in value.items() if isinstance(value, dict) else ():
        content = part.get("properties", {}).get(name)
        if content is None:
            _take_examples(components, part.get("additionalProperties") or {}, item)
        else:
            if "$ref" not in str(content) and item not in (None, "", [], {}):
                content.setdefault("examples", [item])
            _take_examples(components, content, item)


def _clean(value: Any) -> Any:
    """Remove drf-spectacular's internal keys, its enumeration of null, and the second null of nullable types."""
    if isinstance(value, dict):
        if value.get("$ref") == "#/components/schemas/NullEnum":
            return {"type": "null"}
        hidden = ("x-spec-", "NullEnum")
        copy = {name: _clean(item) for name, item in value.items() if not str(name).startswith(hidden)}
        if isinstance(copy.get("type"), list):
            copy["type"] = list(dict.fromkeys(copy["type"]))
        return copy
    return [_clean(item) for item in value] if isinstance(value, list) else value
