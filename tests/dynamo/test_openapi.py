"""docs/openapi.json: complete, valid, and matched by the responses to a handful of examples.

tests/fuzz/test_api.py compares the responses to generated requests, the refused ones above all.
"""

import json
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest
from django.urls import get_resolver
from drf_spectacular.generators import EndpointEnumerator

from accounts import clock
from accounts.api import openapi
from accounts.models import Organization
from posts.api.openapi import PAGE
from posts.models import Channel, PublishedPost, SuperpowerTemplate
from tests.dynamo.sandbox.calls import Caller
from tests.helpers import SignedClient
from tests.services.sandbox import FACEBOOK, SandboxControl

OPENAPI: dict[str, Any] = json.loads(openapi.FILE.read_text(encoding="utf-8"))
OPERATIONS = [
    (path, method, operation) for path, methods in OPENAPI["paths"].items() for method, operation in methods.items()
]


def resolve(item: dict[str, Any]) -> dict[str, Any]:
    """Return what a $ref leads to, and any other item as it is."""
    found = OPENAPI
    for step in item["$ref"].split("/")[1:] if "$ref" in item else ():
        found = found[step]
    return found if "$ref" in item else item


def validate(document: Any, schema: dict[str, Any]) -> None:
    """Raise jsonschema.ValidationError unless the document matches the schema."""
    jsonschema.Draft202012Validator({**OPENAPI, **schema}).validate(document)


def assert_documented(operation_id: str, response: Any) -> None:
    """Fail unless the operation documents the response's status and content type, and its schema fits the body."""
    [operation] = [operation for _, _, operation in OPERATIONS if operation["operationId"] == operation_id]
    content_type, body = response.headers["Content-Type"].partition(";")[0], response.getvalue().decode()
    content = resolve(operation["responses"][str(response.status_code)])["content"][content_type]
    validate(json.loads(body) if content_type == "application/json" else body, content["schema"])


def test_file_equals_the_generated_schema() -> None:
    assert openapi.generate_schema() == OPENAPI


def test_every_route_of_the_api_is_described() -> None:
    routes = {
        pattern.name
        for resolver in get_resolver().url_patterns
        if str(resolver.pattern) == "v1/"
        for pattern in resolver.url_patterns
    }
    endpoints = [
        (path.removeprefix("/v1"), method.lower()) for path, _, method, _ in EndpointEnumerator().get_api_endpoints()
    ]
    assert [(path, method) for path, method, _ in OPERATIONS] == endpoints
    assert len(OPENAPI["paths"]) == len(routes)
    assert all(operation["summary"] and operation["description"] for _, _, operation in OPERATIONS)
    tags = {tag for _, _, operation in OPERATIONS for tag in operation["tags"]}
    assert tags == {tag["name"] for tag in OPENAPI["tags"]}


def test_schemas_are_valid_json_schemas() -> None:
    for schema in OPENAPI["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)


def test_responses_and_bodies_have_valid_examples() -> None:
    count = 0
    for path, method, operation in OPERATIONS:
        contents = [("body", operation["requestBody"])] if "requestBody" in operation else []
        for name, part in contents + list(operation["responses"].items()):
            for kind, content in resolve(part).get("content", {}).items():  # a 304 has none
                assert content.get("examples"), (method, path, name, kind)
                for example in content["examples"].values():
                    validate(example["value"], content["schema"])
                    count += 1
    assert count > 200


def test_fields_and_parameters_have_descriptions() -> None:
    undescribed = {
        f"{name}.{field}"
        for name, schema in OPENAPI["components"]["schemas"].items()
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


def test_values_have_examples_i7() -> None:
    missing = {
        f"{name}.{field}"
        for name, schema in OPENAPI["components"]["schemas"].items()
        for field, content in schema.get("properties", {}).items()
        if "$ref" not in str(content) and not content.get("examples")
    }
    assert missing == set()


def parts(value: Any) -> Iterator[dict[str, Any]]:
    """Yield every object of the description, examples excluded."""
    if isinstance(value, dict):
        yield value
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        if not (isinstance(value, dict) and item is value.get("examples")):
            yield from parts(item)


def test_every_enumeration_is_a_component_and_the_rest_is_typed_i7() -> None:
    named = [schema for schema in OPENAPI["components"]["schemas"].values() if "enum" in schema]
    assert [part for part in parts(OPENAPI) if "enum" in part] == named
    assert all(None not in schema["enum"] for schema in named)
    schemas = OPENAPI["components"]["schemas"]
    assert schemas["Metrics"]["properties"]["reactions"]["additionalProperties"] == {"type": "integer"}
    assert [part["type"] for part in schemas["Figure"]["properties"]["value"]["oneOf"]] == ["number", "object"]
    assert schemas["PublishedPost"]["properties"]["superpower"]["oneOf"][0]["$ref"].endswith("/Superpower")


@pytest.mark.parametrize(
    ("parameter", "component"), [("post_id", "ScheduledPost"), ("channel_id", "Channel"), ("webhook_id", "Webhook")]
)
def test_path_parameter_has_the_type_of_the_id_i6(parameter: str, component: str) -> None:
    declared = OPENAPI["components"]["schemas"][component]["properties"]["id"]
    given = [
        item["schema"]
        for path, _, operation in OPERATIONS
        for item in operation.get("parameters", [])
        if item["name"] == parameter and not path.startswith("/posts/")
    ]
    assert given
    assert all(schema == {key: declared[key] for key in ("type", "format") if key in declared} for schema in given)


def test_base_url_has_the_version_and_human_only_operations_are_marked_i7() -> None:
    assert [server["url"] for server in OPENAPI["servers"]] == ["/v1"]
    assert not any(path.startswith("/v1") for path in OPENAPI["paths"])
    marked = {operation["operationId"] for _, _, operation in OPERATIONS if operation.get("x-human-only")}
    assert marked == {"approveScheduledPost", "publishScheduledPost"}


READS = {
    "listOrganizations": "/organizations",
    "listChannels": "/channels",
    "listSuperpowers": "/superpowers",
    "listPosts": "/posts",
    "getPost": "/posts/{live}?mediumId={channel}",
    "getPostInsights": "/posts/{live}/insights?mediumId={channel}",
    "listPostComments": "/posts/{live}/comments?mediumId={channel}&limit=2",
    "exportPostComments": "/posts/{live}/comments/export?mediumId={channel}",
    "listScheduledPosts": "/scheduled-posts",
    "getScheduledPost": "/scheduled-posts/{waiting}",
}


def test_reads_match_the_schema(
    api: SignedClient, organization: Organization, facebook: Channel, sandbox: SandboxControl, make_waiting: Any,
    settings: Any, tmp_path: Any,
) -> None:  # fmt: skip
    settings.MEDIA_ROOT = str(tmp_path)
    superpower = {"name": "Greeter", "hashtag": "greeter", "templateType": "GENERAL", "active": True}
    SuperpowerTemplate.objects.create(
        organization=organization, name="Greeter", lookup_hashtag="greeter", document=superpower
    )
    live = Caller(sandbox, FACEBOOK).edge("feed", message="Olá")["id"]
    sandbox.call("POST", "/__comments", {"post": live, "count": 5, "replies": 0.4})
    sandbox.call("POST", "/__insights", {"post": live, "refused": {"post_clicks": 100}})
    PublishedPost.objects.create(
        organization=organization, channel=facebook, platform_id=live, published_at=clock.now(), caption="Olá",
        likes=4, reactions={"like": 4}, superpower=superpower,
    )  # fmt: skip
    names = {"live": live, "channel": facebook.public_id, "waiting": make_waiting().pk}
    answers = {name: api.get(path.format(**names)) for name, path in READS.items()}
    link = f"{READS['exportPostComments'].format(**names)}&delivery=url"
    for name, answer in [*answers.items(), ("exportPostComments", api.get(link))]:
        assert (answer.status_code, answer.getvalue() not in {b"[]", b"{}"}) == (200, True), name
        assert_documented(name, answer)


def test_request_examples_are_accepted(api: SignedClient, facebook: Channel, make_scheduled: Any) -> None:
    facebook.public_id = PAGE
    facebook.save(update_fields=["public_id"])
    bodies = {
        operation["operationId"]: [
            item["value"] for item in operation["requestBody"]["content"]["application/json"]["examples"].values()
        ]
        for _, _, operation in OPERATIONS
        if "requestBody" in operation
    }
    created = []
    for body in bodies["createScheduledPost"]:
        answer = api.post("/scheduled-posts", body)
        assert (answer.status_code, answer.json()["status"]) == (201, body.get("status", "DRAFT"))
        assert_documented("createScheduledPost", answer)
        created.append(f"/scheduled-posts/{answer.json()['id']}")
    [another_date, back, another_image], [notes] = bodies["updateScheduledPost"], bodies["rejectScheduledPost"]
    scheduled = f"/scheduled-posts/{make_scheduled(channels=[facebook]).pk}"
    for name, method, path, body, status in (
        ("updateScheduledPost", "PATCH", created[0], another_date, "DRAFT"),
        ("updateScheduledPost", "PATCH", created[0], {**another_image, "externalId": "menu-2031-28"}, "DRAFT"),
        ("submitScheduledPost", "POST", f"{created[0]}/submit-for-approval", {}, "WAITING_FOR_APPROVAL"),
        ("rejectScheduledPost", "POST", f"{created[0]}/reject", notes, "REJECTED"),
        ("updateScheduledPost", "PATCH", created[0], back, "DRAFT"),
        ("revertScheduledPost", "POST", f"{scheduled}/revert", {}, "DRAFT"),
        ("deleteScheduledPost", "DELETE", created[0], {}, None),
    ):
        answer = api.call(method, path, body)
        assert (answer.status_code, answer.json().get("status")) == (200, status), name
        assert_documented(name, answer)


@pytest.mark.django_db
@pytest.mark.parametrize("step", ["Approve", "Publish"])
def test_steps_for_people_match_the_schema(api: SignedClient, step: str) -> None:
    answer = api.post(f"/scheduled-posts/5f0d6c52-6b0e-4f0e-9a39-0d2f3c1f7b11/{step.lower()}")
    assert answer.status_code == 403
    assert_documented(f"{step.lower()}ScheduledPost", answer)
