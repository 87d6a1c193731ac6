"""Request, response, and the platform's formats of versions and times."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from dynamo.sandbox.faults import Fault
from dynamo.sandbox.models import Account, Node
from dynamo.sandbox.request_parsing import Params


@dataclass
class Request:
    """`raw_path` has no query; `path` has no version either. `params` has query and body."""

    method: str
    raw_path: str
    query: dict[str, str]
    headers: Mapping[str, str]
    body: bytes
    id: str
    received_at: float
    path: str = "/"
    params: Params = field(default_factory=Params)
    version: str = ""
    token_from: str = ""
    fault: Fault | None = None
    _account: Account | None = None
    _node: Node | None = None

    @property
    def node(self) -> Node:
        """The node whose edge is requested."""
        assert self._node is not None  # noqa: S101  routing sets it before a handler runs
        return self._node

    @node.setter
    def node(self, node: Node) -> None:
        self._node = node

    @property
    def account(self) -> Account:
        assert self._account is not None  # noqa: S101  routing sets it before a handler runs
        return self._account

    @account.setter
    def account(self, account: Account) -> None:
        self._account = account

    @property
    def account_id(self) -> str:
        return self._account.id if self._account else ""

    def origin(self) -> dict[str, Any]:
        """Describe the call that created a post, for the publication log."""
        return {
            "route": f"{self.method} {self.path}",
            "request_id": self.id,
            "received_at": self.received_at,
            "client_request_id": self.headers.get("X-Request-Id"),
            "user_agent": self.headers.get("User-Agent"),
        }


@dataclass
class Response:
    status: int
    body: bytes
    content_type: str
    headers: dict[str, str] = field(default_factory=dict)


def answer(value: Any, status: int = 200) -> Response:
    """Return JSON in the platform's format: compact, with non-ASCII characters escaped."""
    body = json.dumps(value, separators=(",", ":")).encode()
    return Response(status, body, "application/json; charset=UTF-8")


NEWEST, OLDEST = 26, 21  # graph-api: v20 expired on 2026-09-24; expired versions run as the oldest supported one


def stamp(seconds: float | None) -> str | None:
    """Return 2026-07-01T13:00:00+0000."""
    if seconds is None:
        return None
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S+0000")


def iso_milliseconds(seconds: float) -> str:
    """Return ISO-8601 in UTC with milliseconds, more exact than the platform's format."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
