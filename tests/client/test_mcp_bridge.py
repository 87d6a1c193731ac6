"""`dynamo mcp`, as a process that an MCP client starts, against the real server."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from accounts.models import ApiKey
from dynamo_client import cli
from tests.dynamo.mcp.messages import META

INITIALIZE = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}
CLIENT = Path(cli.__file__).resolve().parents[1]


def run(*messages: Any) -> list[Any]:
    """Send the messages to the process and return its answers."""
    lines = [message if isinstance(message, str) else json.dumps(message) for message in messages]
    done = subprocess.run(
        [sys.executable, "-m", "dynamo_client.cli", "mcp"],
        input="\n".join(lines) + "\n", capture_output=True, text=True, timeout=60, check=True,
        env={**os.environ, "PYTHONPATH": str(CLIENT)},
    )  # fmt: skip
    return [json.loads(line) for line in done.stdout.splitlines()]


def request(method: str, params: dict[str, Any], number: int = 1) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": number, "method": method, "params": params}


@pytest.fixture(autouse=True)
def _logged_in(logged_in: Path) -> None:
    """The key may not be a bearer token: the process signs."""
    assert not ApiKey.objects.get().allow_bearer


def test_handshake_and_call_are_forwarded_signed(key: ApiKey) -> None:
    answers = run(
        request("initialize", INITIALIZE),
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        "",
        request("tools/call", {"name": "whoami", "arguments": {}}, 2),
    )
    assert [answer["id"] for answer in answers] == [1, 2]
    assert answers[0]["result"]["protocolVersion"] == "2025-11-25"
    assert answers[1]["result"]["structuredContent"]["keyId"] == key.pk


def test_request_without_handshake_carries_its_version(key: ApiKey) -> None:
    [answer] = run(request("tools/call", {"name": "whoami", "arguments": {}, "_meta": META}))
    assert answer["result"]["structuredContent"]["keyId"] == key.pk
    [refused] = run(request("tools/call", {"name": "wh\u00f6ami", "arguments": {}, "_meta": META}))
    assert refused["error"]["message"] == "Unknown tool: 'wh\u00f6ami'"


def test_what_is_no_message_gets_an_error() -> None:
    broken, batch, nested, surrogate = run(
        "{", "[]", "[" * 100_000, r'{"jsonrpc":"2.0","id":"\ud800","method":"\ud800"}'
    )
    assert [item["error"]["code"] for item in (broken, batch, nested)] == [-32700, -32600, -32700]
    assert (surrogate["id"], "error" in surrogate) == ("\ud800", True)


def test_refused_key_is_an_error_without_the_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DYNAMO_API_SECRET", "a-wrong-secret")
    [answer] = run(request("tools/list", {}))
    assert answer["error"]["data"] == {"status": 403, "code": "signature.invalid", "retryAfter": None}
    assert "a-wrong-secret" not in json.dumps(answer)


def test_missing_server_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DYNAMO_API_URL", "http://127.0.0.1:9")
    [answer] = run(request("tools/list", {}))
    assert "No response" in answer["error"]["message"]
