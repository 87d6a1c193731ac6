"""Signed requests made up from the description, valid and not: each answer is one that the description names."""

import json
import os
from typing import Any
from urllib.parse import quote

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.generation import GenerationMode

from accounts.api import openapi
from posts.models import Channel
from tests.helpers import SignedClient

EACH = int(os.environ.get("DYNAMO_FUZZ_CASES", "5"))
SCHEMA = schemathesis.openapi.from_dict(json.loads(openapi.FILE.read_text(encoding="utf-8")))
OPERATIONS = [get_all_operation.ok() for get_all_operation in SCHEMA.get_all_operations()]
ALWAYS = {"404", "405", "411", "413", "415", "422"}  # what a path or a body that is none of ours is told


@pytest.fixture
def names(api: SignedClient, facebook: Channel, make_waiting: Any, settings: Any) -> list[str]:
    """Ids that exist, so that what is behind a path is reached as well."""
    settings.API_RATE_PER_MINUTE = settings.API_RATE_PER_ADDRESS = 0
    return [str(make_waiting().pk)]


def query_of(case: Any) -> dict[str, Any]:
    """Return the query as a URL can carry it."""
    return {key: str(value).encode(errors="replace").decode() for key, value in (case.query or {}).items()}


@pytest.mark.django_db
@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda one: f"{one.method} {one.path}")
@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["valid", "invalid"])
def test_every_answer_is_one_that_is_described(
    operation: Any, mode: GenerationMode, api: SignedClient, names: list[str], facebook: Channel
) -> None:
    known = set(operation.definition.raw["responses"]) | ALWAYS
    strategy = operation.as_strategy(generation_mode=mode)

    @settings(
        max_examples=EACH, derandomize="DYNAMO_FUZZ_CASES" not in os.environ, database=None, deadline=None,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(case=strategy)
    def send(case: Any) -> None:
        parameters = (case.path_parameters or {}).items()
        given = {key: quote(str(value).encode(errors="replace").decode(), safe="") for key, value in parameters}
        for name in ([], names) if "post_id" in given else ([],):
            path = operation.path.removeprefix("/v1").format(**{**given, **({"post_id": name[0]} if name else {})})
            body = {"json": case.body} if operation.body else {}
            try:
                answer = api.call(operation.method, path, query=query_of(case), **body)
            except TypeError:  # what JSON cannot carry
                continue
            assert str(answer.status_code) in known, (answer.status_code, path, case.body, answer.content)

    send()
