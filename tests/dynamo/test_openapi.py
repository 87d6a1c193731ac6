"""The API's description: complete, true of what is answered, and its examples work as they stand."""

import json
from typing import Any

import jsonschema
import pytest
from django.urls import get_resolver
from drf_spectacular.generators import EndpointEnumerator

from accounts.api.schema import described
from dynamo import openapi
from posts.models import Channel
from tests.clients import SignedClient

DESCRIPTION = json.loads(openapi.FILE.read_text(encoding="utf-8"))
OPERATIONS = [(path, method, view.cls) for path, _, method, view in EndpointEnumerator().get_api_endpoints()]
FACEBOOK_OF_THE_EXAMPLES = "123456789012345"


def valid(document: Any, component: str) -> None:
    """Raise unless the document is what the component describes."""
    schema = {**DESCRIPTION, "$ref": f"#/components/schemas/{component}"}
    jsonschema.Draft202012Validator(schema).validate(document)


def test_the_file_is_what_the_code_says():
    assert openapi.generated() == DESCRIPTION


def test_every_route_of_the_api_is_described():
    routes = {
        pattern.name
        for resolver in get_resolver().url_patterns
        if str(resolver.pattern) == "v1/"
        for pattern in resolver.url_patterns
    }
    views = {view for _, _, view in OPERATIONS}
    assert len({path for path, _, _ in OPERATIONS}) == len(routes)
    assert all(described(view, method).summary for _, method, view in OPERATIONS)
    assert len(views) >= 12


def examples() -> list[Any]:
    return [
        pytest.param(path, method, example, id=f"{method} {example.name}")
        for path, method, view in OPERATIONS
        for example in described(view, method).examples
    ]


@pytest.mark.django_db
@pytest.mark.parametrize(("path", "method", "example"), examples())
def test_each_example_is_answered_as_it_says(path, method, example, api: SignedClient, organization, facebook: Channel):
    Channel.objects.filter(pk=facebook.pk).update(wire_id=f"FB_PAGE_{FACEBOOK_OF_THE_EXAMPLES}")
    if "{post_id}" in path:
        path = path.replace("{post_id}", api.post("/scheduled-posts", {}).json()["id"])
    answer = api.call(method, path.removeprefix("/v1"), example.body)
    assert answer.status_code == example.status, answer.content
    if example.status < 300:
        valid(answer.json(), "ScheduledPostDocument")
    else:
        valid(answer.json(), "EitherError" if example.status == 422 else "Refused")


@pytest.mark.django_db
def test_what_is_answered_is_what_is_described(api: SignedClient, make_scheduled, facebook: Channel):
    make_scheduled()
    for path, component in {
        "/scheduled-posts": "ScheduledPostDocument",
        "/channels": "ChannelDocument",
        "/organizations": "OrganizationDocument",
    }.items():
        found = api.get(path).json()
        assert found
        for one in found:
            valid(one, component)
    valid(api.get("/posts", query={"limit": "none"}).json(), "ShapeErrors")
    valid(api.get("/scheduled-posts/none").json(), "Refused")
