"""JSON-RPC messages to /mcp, as clients of three versions of the protocol send them."""

import json
from typing import Any

import jsonschema
from django.test import Client

from tests.helpers import SignedClient

MODERN, HANDSHAKE = "2026-07-28", ["2025-11-25", "2025-06-18"]
VERSIONS = [MODERN, *HANDSHAKE]
META = {
    "io.modelcontextprotocol/protocolVersion": MODERN,
    "io.modelcontextprotocol/clientCapabilities": {},
    "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
}


class McpClient:
    """A client with one key, which is its bearer token or signs, in one version of the protocol."""

    def __init__(self, key: Any, version: str = MODERN, *, signs: bool = True) -> None:
        self.version, self.client = version, Client()
        self.signed, self.signs = SignedClient(key), signs

    def credentials(self) -> dict[str, str]:
        if self.signs:
            return self.signed.signature()
        return {"authorization": f"Bearer {self.signed.key.pk}.{self.signed.secret}"}

    def post(self, method: str, params: dict[str, Any] | None = None, **headers: str) -> Any:
        """Send one request and return the response of HTTP. Headers replace those of the version."""
        params = dict(params or {})
        sent = {"mcp-protocol-version": self.version}
        if self.version == MODERN:
            params["_meta"] = META
            sent |= {"mcp-method": method, **({"mcp-name": params["name"]} if method == "tools/call" else {})}
        if method == "initialize":
            del sent["mcp-protocol-version"]
        message = {"jsonrpc": "2.0", "id": 7, "method": method, "params": params}
        return self.send(json.dumps(message), **{**sent, **headers})

    def send(self, body: str | bytes, **headers: str) -> Any:
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.post("/mcp", body, content_type="application/json", headers={**self.credentials(), **given})

    def result(self, method: str, params: dict[str, Any] | None = None) -> Any:
        response = self.post(method, params)
        assert response.status_code == 200, response.content
        return response.json()["result"]

    def tools(self) -> dict[str, Any]:
        return {tool["name"]: tool for tool in self.result("tools/list")["tools"]}

    def call(self, tool: str, **arguments: Any) -> Any:
        """Return the structured result of a tool, which must not be an error."""
        result = self.result("tools/call", {"name": tool, "arguments": arguments})
        assert not result["isError"], result["content"]
        structured = result["structuredContent"]
        assert json.loads(result["content"][0]["text"]) == structured
        schema = {"additionalProperties": False, **self.tools()[tool]["outputSchema"]}  # nothing is undocumented
        jsonschema.validate(structured, schema, format_checker=jsonschema.FormatChecker())
        return structured

    def refusal(self, tool: str, **arguments: Any) -> Any:
        """Return the error of a tool."""
        result = self.result("tools/call", {"name": tool, "arguments": arguments})
        assert result["isError"], result
        return json.loads(result["content"][0]["text"])
