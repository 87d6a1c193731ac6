"""/admin/api/: how to use the API, for whoever is signed in. Drawn from the description, so that it cannot differ."""

from dataclasses import dataclass
from functools import cache
from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.response import TemplateResponse
from django.utils.safestring import SafeString
from django.views.decorators.http import require_safe

from accounts.api.refusals import EVERYWHERE
from dynamo import openapi
from dynamo.reference import curl, guide
from dynamo.reference.fields import Field, Tables
from dynamo.reference.marking import paragraphs, shown
from dynamo.reference.operations import Operation, Reader

TOPICS = {
    "ScheduledPostDocument": "Scheduled post",
    "Superpower": "Superpower",
    "PublishedDocument": "Published post",
    "CommentDocument": "Comment",
    "ShapeErrors": "Envelope A",
    "Violations": "Envelope B",
}


@dataclass(frozen=True)
class Group:
    """Operations on the same things."""

    anchor: str
    title: str
    says: str
    operations: list[Operation]


@dataclass(frozen=True)
class Topic:
    """An object that several operations take or give."""

    anchor: str
    title: str
    says: list[SafeString]
    fields: list[Field]


@cache
def description() -> dict[str, Any]:
    """Return the description, made once in a process."""
    return openapi.generated()


@cache
def contents() -> dict[str, Any]:
    """Return what the page shows, whoever looks."""
    said = description()
    schemas = said["components"]["schemas"]
    tables = Tables(schemas, frozenset(TOPICS) - {"ShapeErrors", "Violations"})
    reader = Reader(said, tables, tuple(map(str, EVERYWHERE)))
    creating = said["paths"]["/v1/scheduled-posts"]["post"]["responses"]
    return {
        "version": said["info"]["version"],
        "groups": [
            Group(tag["name"], tag["x-displayName"], tag["description"], reader.operations(tag["name"]))
            for tag in said["tags"]
        ],
        "topics": [
            Topic(name, title, paragraphs(schemas[name].get("description", "")), tables.of(schemas[name], asked=False))
            for name, title in TOPICS.items()
        ],
        "titles": TOPICS,
        "common": reader.common(),
        "envelope_a": shown(
            creating["422"]["content"]["application/json"]["examples"]["a-time-without-an-offset"]["value"]
        ),
        "envelope_b": shown(creating["400"]["content"]["application/json"]["examples"]["its-date-has-passed"]["value"]),
        "python": curl.PYTHON,
    }


@require_safe
def reference(request: HttpRequest) -> HttpResponse:
    """Show the page."""
    base = request.build_absolute_uri("/v1")
    context = {
        **admin.site.each_context(request),
        **contents(),
        **guide.facts(),
        "title": "API",
        "base": base,
        "signed": curl.SIGNED.format(base=base),
        "fully": curl.FULLY,
    }
    return TemplateResponse(request, "desk/reference/page.html", context)


@require_safe
def file(request: HttpRequest) -> HttpResponse:
    """Hand over the description, with where this server is."""
    said = {**description(), "servers": [{"url": request.build_absolute_uri("/")[:-1]}]}
    answer = JsonResponse(said, json_dumps_params={"indent": 1, "ensure_ascii": False})
    answer.headers["Content-Disposition"] = 'attachment; filename="openapi.json"'
    return answer
