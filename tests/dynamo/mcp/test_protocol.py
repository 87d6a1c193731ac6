"""POST /mcp: versions of the protocol, credentials, limits, and what is no message."""

import json
from typing import Any

import pytest
import time_machine
from django.test import Client

from accounts import clock
from accounts.models import ApiKey, Organization
from tests.dynamo.mcp.messages import MODERN, VERSIONS, McpClient
from tests.helpers import SignedClient

TOOLS = [
    "whoami", "list_channels", "get_capabilities", "validate_post", "create_draft", "update_draft",
    "submit_for_approval", "list_posts", "get_post", "withdraw", "delete_draft", "list_events", "upload_media",
    "get_published_post", "get_insights", "get_comments",
]  # fmt: skip
READING = {
    "whoami", "list_channels", "get_capabilities", "validate_post", "list_posts", "get_post", "list_events",
    "get_published_post", "get_insights", "get_comments",
}  # fmt: skip


@pytest.mark.parametrize("version", VERSIONS)
def test_version_lists_and_calls_tools(version: str, key: ApiKey) -> None:
    client = McpClient(key, version)
    if version == MODERN:
        assert version in client.result("server/discover")["supportedVersions"]
    else:
        initialized = client.result("initialize", {"protocolVersion": version, "capabilities": {}, "clientInfo": {}})
        assert (initialized["protocolVersion"], initialized["serverInfo"]["name"]) == (version, "dynamo")
        assert "No tool approves" in initialized["instructions"]
        notified = client.send(json.dumps({"jsonrpc": "2.0", "method": "notifications/initialized"}))
        assert (notified.status_code, notified.content) == (202, b"")
    assert list(client.tools()) == TOOLS
    assert client.call("whoami")["keyId"] == key.pk


def test_tools_are_annotated_and_no_tool_decides(mcp: McpClient) -> None:
    tools = mcp.tools()
    assert {name for name, tool in tools.items() if tool["annotations"]["readOnlyHint"]} == READING
    destructive = {name for name, tool in tools.items() if tool["annotations"]["destructiveHint"]}
    assert destructive == {"update_draft", "withdraw", "delete_draft"}
    for name, tool in tools.items():
        assert not any(word in name for word in ("reject", "publish_", "schedule")), name
        assert tool["inputSchema"]["additionalProperties"] is False
        assert tool["outputSchema"]["properties"]
    assert "approve" not in tools
    assert "idempotencyKey" in tools["create_draft"]["inputSchema"]["required"]
    for name in ("update_draft", "submit_for_approval"):
        assert "version" in tools[name]["inputSchema"]["required"]
    assert len(json.dumps(list(tools.values()))) < 42_000  # characters of every conversation


def test_bearer_token_is_accepted_and_a_stranger_gets_401(
    make_key: Any, organization: Organization, author: Any
) -> None:
    key = make_key(organization, author, allow_bearer=True)
    assert McpClient(key, signs=False).call("whoami")["organization"]["name"] == organization.name
    nothing = Client().post("/mcp", {}, content_type="application/json")
    assert (nothing.status_code, nothing.json()["code"]) == (401, "bearer.missing")
    assert nothing.headers["WWW-Authenticate"] == 'Bearer realm="dynamo"'
    wrong = Client().post("/mcp", {}, "application/json", headers={"authorization": f"Bearer {key.pk}.x"})
    assert (wrong.status_code, wrong.json()["code"]) == (401, "bearer.invalid")
    assert "invalid_token" in wrong.headers["WWW-Authenticate"]
    forged = Client().post(
        "/mcp", {}, "application/json", headers={**SignedClient(key).signature(), "x-signature": "0" * 64}
    )
    assert (forged.status_code, forged.json()["code"]) == (403, "signature.invalid")


def test_revoked_key_and_inactive_organization_are_refused(mcp: McpClient) -> None:
    Organization.objects.update(active=False)
    assert (mcp.post("tools/list").status_code, mcp.post("tools/list").json()["code"]) == (402, "organization.inactive")


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "HEAD", "OPTIONS"])
def test_other_method_gets_405(method: str, mcp: McpClient) -> None:
    response = mcp.client.generic(method, "/mcp", headers=mcp.credentials())
    assert (response.status_code, response.headers["Allow"]) == (405, "POST")


def test_foreign_origin_is_refused(mcp: McpClient) -> None:
    assert mcp.post("tools/list", origin="https://evil.example").status_code == 403
    assert mcp.post("tools/list", origin="null").status_code == 403
    assert mcp.post("tools/list", origin="http://localhost:3000").status_code == 200


def test_large_body_and_other_content_type_are_refused(mcp: McpClient) -> None:
    assert mcp.send(b" " * (1024 * 1024 + 1)).status_code == 413
    response = mcp.client.post("/mcp", "{}", content_type="text/plain", headers=mcp.credentials())
    assert (response.status_code, response.json()["code"]) == (415, "body.content_type")


@pytest.mark.parametrize(
    "body",
    [b" ", b"x", b"[]", b"\xff", b'"\\ud800"', b"[" * 50_000, b'{"jsonrpc":"2.0","id":1,"method":1}', b"NaN",
     b'{"jsonrpc":"2.0","id":null,"method":"tools/list"}', b'[{"jsonrpc":"2.0","id":1,"method":"tools/list"}]'],
)  # fmt: skip
def test_what_is_no_message_is_refused(body: bytes, mcp: McpClient) -> None:
    response = mcp.send(body, mcp_protocol_version="2025-11-25")
    assert response.status_code in {400, 422}
    assert response.json()


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("create_draft", {"idempotencyKey": "a\x00b"}),
        ("create_draft", {"idempotencyKey": "k", "brief": "\x00"}),
        ("create_draft", {"idempotencyKey": "k", "nothing": 1}),
        ("create_draft", {}),
        ("get_post", {"postId": 7}),
        ("list_posts", {"limit": 10**30}),
        ("list_posts", {"limit": True}),
        ("list_posts", {"cursor": "x"}),
        ("list_events", {"after": "x"}),
        ("list_events", {"types": "post.unheard"}),
        ("update_draft", {"postId": "x", "version": -1}),
        ("upload_media", {}),
        ("upload_media", {"url": "https://example.com/x", "base64": "AAAA"}),
        ("upload_media", {"base64": "no base64"}),
    ],
)
def test_invalid_arguments_are_listed(tool: str, arguments: dict[str, Any], mcp: McpClient) -> None:
    error = mcp.refusal(tool, **arguments)
    assert set(error) == {"code", "message", "violations", "allowed", "retryAfter", "doThis"}
    assert error["code"] == "request.invalid"
    assert error["violations"][0].keys() == {"path", "message", "code"}
    assert "violations" in error["doThis"]


def test_key_over_its_limit_reads_when_to_try_again(mcp: McpClient, settings: Any) -> None:
    settings.API_RATE_PER_MINUTE = 2
    with time_machine.travel(clock.now(), tick=False):
        mcp.call("whoami")
        assert '"key";q=2' in mcp.post("tools/list").headers["RateLimit-Policy"]
        error = mcp.refusal("whoami")
        refused = mcp.post("tools/list")
    assert (error["code"], 1 <= error["retryAfter"] <= 60) == ("rate_limit.exceeded", True)
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, str(error["retryAfter"]))


def test_tool_without_scope_is_neither_listed_nor_called(
    make_key: Any, organization: Organization, author: Any
) -> None:
    for scopes, missing in ([["read"], "create_draft"], [["draft"], "list_posts"], [["read", "draft"], "withdraw"]):
        client = McpClient(make_key(organization, author, scopes=scopes))
        assert missing not in client.tools()
        error = client.post("tools/call", {"name": missing, "arguments": {}}).json()["error"]
        assert error["message"] == f"Unknown tool: '{missing}'"
    assert list(McpClient(make_key(organization, author, scopes=[])).tools()) == ["whoami"]
