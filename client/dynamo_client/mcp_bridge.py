"""`dynamo mcp`: the server's MCP endpoint over stdin and stdout, with signed requests.

For clients that start MCP servers as processes, or keys that are not allowed as bearer tokens. Messages are lines of
JSON; each is sent as one POST to /mcp, one after the other.
"""

import base64
import json
import sys
from typing import IO, Any

import httpx2

from dynamo_client.client import TIMEOUT, api_url
from dynamo_client.credentials import Credentials
from dynamo_client.exceptions import api_error

PARSE_ERROR, INVALID_REQUEST, INTERNAL_ERROR = -32700, -32600, -32603  # of JSON-RPC
META_VERSION = "io.modelcontextprotocol/protocolVersion"  # in each request from the protocol of 2026 on


def run(credentials: Credentials, source: IO[bytes], target: IO[bytes]) -> None:
    """Forward the messages of `source` until it ends, and write the answers to `target`."""
    auth = credentials.auth()
    url = api_url(credentials.url, auth).removesuffix("/v1") + "/mcp"
    with httpx2.Client(auth=auth, timeout=TIMEOUT) as client:
        bridge = Bridge(client, url)
        for line in source:
            answer = bridge.forward(line) if line.strip() else None
            if answer is not None:
                target.write(json.dumps(answer).encode() + b"\n")
                target.flush()


class Bridge:
    """Forwards messages to one server. `version` is the protocol that `initialize` agreed on."""

    def __init__(self, client: httpx2.Client, url: str) -> None:
        self.client, self.url, self.version = client, url, ""

    def forward(self, line: bytes) -> dict[str, Any] | None:
        """Send a message and return the answer; None for a notification."""
        try:
            message = json.loads(line)
        except (ValueError, RecursionError):
            return _error(None, PARSE_ERROR, "Invalid JSON")
        if not isinstance(message, dict):
            return _error(None, INVALID_REQUEST, "Send one message at a time")
        try:
            response = self.client.post(self.url, content=line.strip(), headers=self._headers(message))
        except httpx2.TransportError as error:
            answer = _error(message.get("id"), INTERNAL_ERROR, f"No response from the server: {error}")
        else:
            answer = self._answer(message, response)
        return answer if "id" in message else None

    def _headers(self, message: dict[str, Any]) -> dict[str, str]:
        """Return the headers of the transport over HTTP; from the protocol of 2026 on they repeat parts of the body."""
        headers = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
        params = message.get("params")
        params = params if isinstance(params, dict) else {}
        meta = params.get("_meta")
        version = meta.get(META_VERSION) if isinstance(meta, dict) else None
        if version is not None:
            headers["Mcp-Method"] = _header(message.get("method"))
            if "name" in params:
                headers["Mcp-Name"] = _header(params["name"])
        if version or (self.version and message.get("method") != "initialize"):
            headers["MCP-Protocol-Version"] = _header(version or self.version)
        return headers

    def _answer(self, message: dict[str, Any], response: httpx2.Response) -> dict[str, Any]:
        """Return the server's answer; a refusal before the protocol, for example of the key, becomes an error."""
        try:
            body = response.json()
        except ValueError:
            body = None
        if isinstance(body, dict) and "jsonrpc" in body:
            result = body.get("result")
            if message.get("method") == "initialize" and isinstance(result, dict):
                self.version = str(result.get("protocolVersion", ""))
            return {**body, "id": message.get("id")}
        refusal = api_error(response)
        if response.is_error:
            print(f"dynamo: {refusal}", file=sys.stderr)
        data = {"status": refusal.status, "code": refusal.code, "retryAfter": refusal.retry_after}
        return _error(message.get("id"), INTERNAL_ERROR, str(refusal), data)


def _header(value: Any) -> str:
    """Return a value as the transport writes it into a header: in base64 when it is not plain ASCII."""
    text = str(value)
    if text.isascii() and text.isprintable() and text == text.strip():
        return text
    return f"=?base64?{base64.b64encode(text.encode(errors='replace')).decode()}?="


def _error(message_id: Any, code: int, text: str, data: dict[str, Any] | None = None) -> dict[str, Any]:
    error: dict[str, Any] = {"code": code, "message": text}
    if data is not None:
        error["data"] = data
    return {"jsonrpc": "2.0", "id": message_id, "error": error}
