"""Signed requests generated from the description, valid and invalid: status and body of each answer are described."""

import json
import os
from typing import Any
from urllib.parse import quote

import jsonschema
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.generation import GenerationMode

from accounts.api import openapi
from posts.models import Channel
from tests.helpers import SignedClient

EACH = int(os.environ.get("DYNAMO_FUZZ_CASES", "5"))
DESCRIPTION = json.loads(openapi.FILE.read_text(encoding="utf-8"))
OPERATIONS = [operation.ok() for operation in schemathesis.openapi.from_dict(DESCRIPTION).get_all_operations()]
ALWAYS = {"404", "405", "411", "413", "415", "422"}  # answers to a wrong path, method, body or parameter


@pytest.fixture
def ids(api: SignedClient, facebook: Channel, make_waiting: Any, settings: Any) -> dict[str, str]:
    """The ids of things that exist, so that requests reach what is behind a path."""
    settings.API_RATE_PER_MINUTE = settings.API_RATE_PER_ADDRESS = 0
    hook = api.post("/webhooks", {"url": "https://hooks.example.com/in", "types": ["post.failed"]}).json()
    return {"post_id": str(make_waiting().pk), "channel_id": facebook.public_id, "webhook_id": hook["id"]}


def encodable(value: Any) -> str:
    return str(value).encode(errors="replace").decode()


def check(operation: Any, answer: Any) -> None:
    """Fail unless the description names the status, and its schema describes the JSON body."""
    status, media_type = str(answer.status_code), answer.headers.get("content-type", "")
    responses = DESCRIPTION["paths"][operation.path][operation.method.lower()]["responses"]
    assert status in responses.keys() | ALWAYS, (operation.label, status, answer.content)
    response = responses.get(status, {})
    if "$ref" in response:
        response = DESCRIPTION["components"]["responses"][response["$ref"].rpartition("/")[2]]
    if media_type == "application/json" and "content" in response:
        schema = {**DESCRIPTION, **response["content"][media_type]["schema"]}
        jsonschema.Draft202012Validator(schema).validate(answer.json())


@pytest.mark.django_db
@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.label)
@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["valid", "invalid"])
def test_each_answer_is_described(operation, mode: GenerationMode, api: SignedClient, ids: dict[str, str]) -> None:
    @settings(
        max_examples=EACH, derandomize="DYNAMO_FUZZ_CASES" not in os.environ, database=None, deadline=None,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(case=operation.as_strategy(generation_mode=mode))
    def send(case: Any) -> None:
        given = {key: quote(encodable(value), safe="") for key, value in (case.path_parameters or {}).items()}
        query = {key: encodable(value) for key, value in (case.query or {}).items()}
        body = {"json": case.body} if operation.body else {}
        for names in [given, {name: ids[name] for name in given}] if given else [{}]:
            path = operation.path.removeprefix("/v1").format(**names)
            try:
                answer = api.call(operation.method, path, query=query, **body)
            except TypeError:  # JSON cannot represent the body
                continue
            check(operation, answer)

    send()
