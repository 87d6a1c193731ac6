"""A request as read and an answer as it will be written."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from dynamo.sandbox.bodies import Params
from dynamo.sandbox.faults import Fault
from dynamo.sandbox.nodes import Account, Node


@dataclass
class Request:
    """`raw_path` is as sent, without the query; `path` without the version. `params` joins query and body."""

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
        """The node whose edge is asked for."""
        assert self._node is not None  # noqa: S101  routing finds it before any handler runs
        return self._node

    @node.setter
    def node(self, node: Node) -> None:
        self._node = node

    @property
    def account(self) -> Account:
        assert self._account is not None  # noqa: S101  routing authenticates before any handler runs
        return self._account

    @account.setter
    def account(self, account: Account) -> None:
        self._account = account

    @property
    def account_id(self) -> str:
        return self._account.id if self._account else ""

    def origin(self) -> dict[str, Any]:
        """Say which call made a post, for the record."""
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
    """Return JSON as the platform writes it: compact, non-ASCII escaped."""
    body = json.dumps(value, separators=(",", ":")).encode()
    return Response(status, body, "application/json; charset=UTF-8")
