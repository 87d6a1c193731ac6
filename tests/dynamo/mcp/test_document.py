"""docs/mcp.md says what is so."""

import json
import re
from typing import Any

import pytest
from django.conf import settings
from django.db import OperationalError
from django.test import Client
from rest_framework.request import Request
from rest_framework.test import APIRequestFactory

from accounts.models import Organization, User
from dynamo.mcp.errors import DO_THIS, to_tool_error
from dynamo_client import cli
from tests.dynamo.mcp.messages import McpClient
from tests.security.access_matrix import TOOLS

TEXT = (settings.BASE_DIR / "docs" / "mcp.md").read_text(encoding="utf-8")
HTTP, PROCESS, ERROR = [json.loads(block) for block in re.findall(r"```json\n(.*?)```", TEXT, re.DOTALL)]


def test_table_has_every_tool_with_its_scope(make_key: Any, organization: Organization, author: User) -> None:
    rows = re.findall(r"^\| (`.*?`) \| (\w*) ?\|", TEXT, re.MULTILINE)
    scopes = {name: scope for names, scope in rows for name in re.findall(r"`(\w+)`", names)}
    assert set(scopes) == set(TOOLS)
    for scope in ("read", "draft", "queue"):
        listed = McpClient(make_key(organization, author, scopes=[scope])).tools()
        assert set(listed) == {name for name, needed in scopes.items() if needed in {scope, ""}}


def test_configuration_over_http_reaches_the_server(make_key: Any, organization: Organization, author: User) -> None:
    key = make_key(organization, author, allow_bearer=True)
    server = HTTP["mcpServers"]["dynamo"]
    token = server["headers"]["Authorization"].replace("KEY_ID", key.pk).replace("SECRET", key.secret)
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    path = server["url"].removeprefix("http://127.0.0.1:8000")
    response = Client().post(path, message, "application/json", headers={"authorization": token})
    assert (server["type"], len(response.json()["result"]["tools"])) == ("http", len(TOOLS))


def test_configuration_of_a_process_names_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    server = PROCESS["mcpServers"]["dynamo"]
    readme = (settings.BASE_DIR / "client" / "README.md").read_text(encoding="utf-8")
    assert json.dumps(PROCESS) in readme
    assert server["command"] == "dynamo"  # of [project.scripts]
    with pytest.raises(SystemExit) as end:
        cli.main([*server["args"], "--help"])
    assert end.value.code == 0


def test_error_is_an_example_of_a_real_one(mcp: McpClient, make_draft: Any) -> None:
    post = make_draft()
    error = mcp.refusal("submit_for_approval", postId=str(post.pk), version=7)
    assert {name: type(value) for name, value in error.items()} == {name: type(value) for name, value in ERROR.items()}
    assert (error["code"], error["doThis"]) == (ERROR["code"], ERROR["doThis"])


def test_guide_of_the_api_has_a_row_for_every_code() -> None:
    guide = (settings.BASE_DIR / "docs" / "agents.md").read_text(encoding="utf-8")
    assert {code for code in DO_THIS if f"`{code}`" not in guide} <= {
        "media.size", "media.unavailable", "media.unusable", "server.error",
    }  # fmt: skip


def test_database_that_does_not_answer_is_an_error_to_repeat_o11() -> None:
    error = json.loads(str(to_tool_error(OperationalError("secret"), Request(APIRequestFactory().post("/mcp")))))
    assert (error["code"], error["retryAfter"]) == ("database.unavailable", 5)
    assert error["doThis"] == DO_THIS["database.unavailable"]
