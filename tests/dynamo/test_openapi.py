"""The API's description: complete, true of what is answered, and its examples work as they stand."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import jsonschema
import pytest
from django.db import transaction
from django.urls import get_resolver
from drf_spectacular.generators import EndpointEnumerator

from accounts.api import openapi
from accounts.models import Organization, User
from posts.api.openapi import PAGE
from posts.models import Channel
from tests.dynamo.examples import Stage, differences, replay, scene
from tests.helpers import SignedClient
from tests.services.sandbox import SandboxControl

DESCRIPTION = json.loads(openapi.FILE.read_text(encoding="utf-8"))
OPERATIONS = [
    (path, method, operation) for path, methods in DESCRIPTION["paths"].items() for method, operation in methods.items()
]


def resolved(one: dict[str, Any]) -> dict[str, Any]:
    """Return what a reference leads to, and what is none as it is."""
    found: dict[str, Any] = DESCRIPTION
    for step in one["$ref"].split("/")[1:] if "$ref" in one else ():
        found = found[step]
    return found if "$ref" in one else one


def fits(document: Any, schema: dict[str, Any]) -> None:
    """Raise unless the document is what the schema describes."""
    jsonschema.Draft202012Validator({**DESCRIPTION, **schema}).validate(document)


def test_file_equals_the_generated_schema() -> None:
    assert openapi.generate_schema() == DESCRIPTION


def test_every_route_of_the_api_is_described() -> None:
    routes = {
        pattern.name
        for resolver in get_resolver().url_patterns
        if str(resolver.pattern) == "v1/"
        for pattern in resolver.url_patterns
    }
    endpoints = [(path, method.lower()) for path, _, method, _ in EndpointEnumerator().get_api_endpoints()]
    assert [(path, method) for path, method, _ in OPERATIONS] == endpoints
    assert len(DESCRIPTION["paths"]) == len(routes)
    assert all(operation["summary"] and operation["description"] for _, _, operation in OPERATIONS)
    tags = {tag for _, _, operation in OPERATIONS for tag in operation["tags"]}
    assert tags == {tag["name"] for tag in DESCRIPTION["tags"]}


def test_every_schema_is_one_of_the_dialect_that_openapi_3_1_speaks() -> None:
    for schema in DESCRIPTION["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)


def test_responses_and_bodies_have_valid_examples() -> None:
    count = 0
    for path, method, operation in OPERATIONS:
        contents = [("body", operation["requestBody"])] if "requestBody" in operation else []
        for name, part in contents + list(operation["responses"].items()):
            for kind, content in resolved(part)["content"].items():
                assert content.get("examples"), (method, path, name, kind)
                for example in content["examples"].values():
                    fits(example["value"], content["schema"])
                    count += 1
    assert count > 200


def test_fields_and_parameters_have_descriptions() -> None:
    schemas = DESCRIPTION["components"]["schemas"]
    undescribed = {
        f"{name}.{field}"
        for name, schema in schemas.items()
        for field, content in schema.get("properties", {}).items()
        if not content.get("description")
    }
    for path, _, operation in OPERATIONS:
        undescribed |= {
            f"{path}?{parameter['name']}"
            for parameter in operation.get("parameters", [])
            if not parameter.get("description")
        }
    assert undescribed == set()


@pytest.fixture
def stage(
    api: SignedClient, organization: Organization, facebook: Channel, sandbox: SandboxControl,
    make_draft: Callable[..., Any], seat: Callable[..., Any], reviewer: User, settings: Any, tmp_path: Any,
) -> Stage:  # fmt: skip
    settings.MEDIA_ROOT = str(tmp_path / "files")
    facebook.public_id = PAGE
    facebook.save(update_fields=["public_id"])
    return Stage(api, organization, facebook, sandbox, make_draft, seat, reviewer)


@pytest.mark.parametrize(
    ("path", "method", "operation"),
    [pytest.param(*operation, id=f"{operation[1]} {operation[0]}") for operation in OPERATIONS],
)
def test_examples_return_their_documented_responses(path: str, method: str, operation: Any, stage: Stage) -> None:
    scope = "".join(operation["security"][0]["apiKey"])
    wrong = {}
    for status, kind, name, value in examples(operation):
        expected = {"message": f"This key lacks the scope {scope}"} if name == "Scope missing" else value
        with transaction.atomic():
            found, content = replay(stage, method.upper(), path, scene(operation, name))
            transaction.set_rollback(True)
        if str(found) != status:
            wrong[name] = [f"{found}: {content}"]
        else:
            wrong[name] = differences(expected, content if kind == "text/csv" else json.loads(content))
    assert {name: lines for name, lines in wrong.items() if lines} == {}


def examples(operation: dict[str, Any]) -> Iterator[tuple[str, str, str, Any]]:
    """Yield status, media type, name and value of each example of a response."""
    for status, response in operation["responses"].items():
        for kind, content in resolved(response)["content"].items():
            for key, example in content["examples"].items():
                yield status, kind, example.get("summary", key), example["value"]
