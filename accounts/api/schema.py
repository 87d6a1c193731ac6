"""OpenAPI out of what is declared: shapes of requests, documents of answers, and the errors of the contract.

Each app says in its `api/schema.py` what its operations take and give, beside the views that do it:

describe(Posts, get=Operation("List published posts", {200: PublishedDocument(many=True)}, query=PostsQuery))
"""

import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse
from rest_framework import serializers
from rest_framework.views import APIView

from accounts.api import extensions  # noqa: F401  they are known once they are imported
from accounts.api.examples import Example, everywhere
from accounts.api.refusals import EVERYWHERE, refusal
from accounts.api.scopes import needed
from accounts.api.shape import Shape

SHARED = "x-spec-shared"  # marks an answer that several operations give, with the name under which it is said once
NAMES = {
    402: "OrganizationInactive", 404: "NotFound", 413: "TooLarge", 415: "NotJson", 429: "TooMany",
    502: "PlatformFailed", 503: "PlatformBusy",
}  # fmt: skip


@dataclass(frozen=True)
class Operation:
    """One method of one path. `answers`: the good ones, by status; `errors`: statuses beyond those of every call.

    `says` is for clients, beyond the summary; `either`: a 422 may carry either envelope; `examples` are its own;
    `named` says what the id in the path is, and shows one.
    """

    summary: str
    answers: Mapping[Any, Any]
    errors: Sequence[int] = ()
    query: type[Shape] | None = None
    body: type[Shape] | None = None
    headers: Sequence[OpenApiParameter] = ()
    listed: bool = False
    says: str = ""
    named: tuple[str, str] = ("", "")
    either: bool = False
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

    def examples(self) -> list[Example]:
        """Return the operation's own examples, and those of what every call may be told."""
        scope = needed(self.view, self.method.lower())
        return [*self.told.examples, *everywhere(scope, body=self.told.body is not None)]

    def get_operation(self, *args: Any, **kwargs: Any) -> Any:
        """Return the operation with its examples in place."""
        made: Any = super().get_operation(*args, **kwargs)
        scope = needed(self.view, self.method.lower())
        for status, answer in made["responses"].items():
            name = f"Forbidden{(scope or 'Always').capitalize()}" if status == "403" else NAMES.get(int(status))
            if name:
                answer[SHARED] = name
        self._show(made)
        return made

    def _show(self, made: Any) -> None:
        """Put the examples where they belong: parameters have those of the first good call."""
        first = next((one for one in self.told.examples if one.status < 400), self.told.examples[0])
        values = {**first.query, **first.headers, "post_id": self.told.named[1]}
        for parameter in made.get("parameters", ()):
            given = values.get(parameter["name"])
            if given is not None:
                parameter["example"] = int(given) if parameter["schema"].get("type") == "integer" else given
        for one in self.examples():
            shown = made["responses"][str(one.status)]["content"][one.kind].setdefault("examples", {})
            shown[one.key] = {"summary": one.name, "value": one.answer}
            if one.status < 400 and self.told.body is not None:
                sent = made["requestBody"]["content"]["application/json"].setdefault("examples", {})
                sent[one.key] = {"summary": one.name, "value": one.body}

    def get_operation_id(self) -> str:
        """Return a name that is as unique as the path: `get /scheduled-posts/{post_id}` → getScheduledPost."""
        words = [word for word in self.path.removeprefix("/v1").split("/") if word]
        named = [word for word in words if not word.startswith("{")]
        if len(words) > len(named):
            named[0] = named[0].removesuffix("s")
        return self.method.lower() + "".join(part.capitalize() for word in named for part in word.split("-"))

    def get_summary(self) -> str:
        return self.told.summary.format(verb=self.path.rpartition("/")[2])

    def get_description(self) -> str:  # type: ignore[override]  # as AutoSchema has it
        """Return what clients are told of the operation, else what the view says of itself; and the scope it needs."""
        scope = needed(self.view, self.method.lower())
        says = self.told.says or super().get_description()
        return "\n\n".join(filter(None, [says, scope and f"Needs the scope `{scope}`."]))

    def get_request_serializer(self) -> Any:
        return self.told.body

    def get_response_serializers(self) -> Any:
        answers = dict(self.told.answers)
        errors = {*EVERYWHERE, *self.told.errors, *([422] if self.told.query or self.told.body else [])}
        errors |= {415} if self.told.body else set()
        for status in sorted(errors):
            answers[status] = OpenApiResponse(*refusal(status, either=self.told.either))
        return answers

    def get_override_parameters(self) -> list[Any]:
        found = [*self.told.headers, _header("x-request-id", "Names this request in our logs.")]
        found.append(_header("RateLimit-Policy", "By policy, how many requests (`q`) in how many seconds (`w`)."))
        found.append(_header("RateLimit", "By policy, what is left: `r` requests until `t` seconds from now."))
        found.append(_header("Retry-After", "In how many seconds to come again.", [429, 503]))
        if self.told.listed:
            found.append(_header("Link", 'The next page, `<…>; rel="next"` (RFC 8288), when there is one.', [200]))
        if "{post_id}" in self.path:
            found.append(OpenApiParameter("post_id", str, OpenApiParameter.PATH, description=self.told.named[0]))
        if self.told.query is not None:
            found += [self._parameter(name, one) for name, one in self.told.query().fields.items()]
        return found

    def _map_serializer_field(self, field: Any, direction: Any, *args: Any, **kwargs: Any) -> Any:
        """Return the field's schema. Any JSON may be null already, and must not be told apart from null."""
        made = super()._map_serializer_field(field, direction, *args, **kwargs)
        if made.get("oneOf") == [{}, {"type": "null"}]:
            del made["oneOf"]
        return made

    def _parameter(self, name: str, one: Any) -> OpenApiParameter:
        schema = self._map_serializer_field(one, "request")
        says = schema.pop("description", None) or str(one.help_text or "")
        if one.default is not serializers.empty:
            schema["default"] = one.default
        return OpenApiParameter(name, schema, OpenApiParameter.QUERY, required=one.required, description=says)


def _header(name: str, says: str, statuses: list[int] | None = None) -> OpenApiParameter:
    answers: Any = statuses or True
    return OpenApiParameter(name, str, OpenApiParameter.HEADER, description=says, response=answers)
