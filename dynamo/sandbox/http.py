"""Requests and responses: parameters of query and body, and the platform's formats of versions and times."""

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

from dynamo.sandbox.errors import invalid
from dynamo.sandbox.faults import Fault
from dynamo.sandbox.models import Account, Node

USUAL_LIMIT = 25
NEWEST = 27
# When versions expire, in UTC: graph-api, section 1. Expired versions run as the oldest one that has not expired.
EXPIRES = {
    20: datetime(2026, 9, 24, tzinfo=UTC), 21: datetime(2027, 1, 21, tzinfo=UTC), 22: datetime(2027, 5, 20, tzinfo=UTC),
    23: datetime(2027, 10, 8, tzinfo=UTC), 24: datetime(2028, 2, 18, tzinfo=UTC), 25: datetime(2028, 7, 29, tzinfo=UTC),
}  # fmt: skip
_DISPOSITION = re.compile(rb'(?i)content-disposition:[^\r\n]*?\bname="([^"]*)"(?:[^\r\n]*?\bfilename="([^"]*)")?')


@dataclass
class Params:
    """Values by name (text, or JSON's own types) and files by name."""

    values: dict[str, Any] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)

    def text(self, name: str) -> str:
        value = self.values.get(name)
        if value is None:
            return ""
        return value if isinstance(value, str) else json.dumps(value)

    def flag(self, name: str, *, default: bool) -> bool:
        value = self.text(name).lower()
        if not value:
            return default
        if value not in {"true", "1", "false", "0"}:
            raise invalid(f"Param {name} must be a boolean")
        return value in {"true", "1"}

    def whole(self, name: str, default: int = 0) -> int:
        try:
            return int(self.text(name) or default)
        except ValueError:
            raise invalid(f"Param {name} must be an integer") from None

    def limit(self) -> int:
        limit = self.whole("limit", USUAL_LIMIT)
        if limit < 0:
            raise invalid("Param limit must be a non-negative integer")
        return limit

    def timestamp(self, name: str) -> float | None:
        """Parse Unix seconds or ISO-8601."""
        value = str(self.values.get(name) or "")
        if not value:
            return None
        if re.fullmatch(r"\d{1,12}(\.\d+)?", value):
            return float(value)
        try:
            parsed = datetime.fromisoformat(value)
        except ValueError:
            raise invalid(f"Param {name} must be a valid date/time") from None
        if parsed.tzinfo is None:
            raise invalid(f"Param {name} must carry a time zone")
        return parsed.timestamp()

    def items(self, name: str) -> list[Any]:
        """Parse a list: JSON, JSON as text, `name[0]=`, or comma-separated."""
        value = self.values.get(name)
        if isinstance(value, list):
            return value
        if isinstance(value, str) and value.lstrip().startswith("["):
            try:
                return list(json.loads(value))
            except ValueError:
                raise invalid(f"Param {name} must be an array") from None
        if value is not None and value != "":
            return str(value).split(",")
        numbered = re.compile(re.escape(name) + r"\[(\d+)\]")
        entries = sorted(
            (int(match[1]), value) for key, value in self.values.items() if (match := numbered.fullmatch(key))
        )
        return [_maybe_json(value) for _, value in entries]


def _maybe_json(value: Any) -> Any:
    try:
        return json.loads(value) if isinstance(value, str) and value.lstrip().startswith("{") else value
    except ValueError:
        return value


def parse_params(query: dict[str, str], content_type: str, body: bytes) -> Params:
    """Merge query and body. A body of another type, such as the bytes of an upload, is ignored."""
    params = Params(dict(query))
    kind = content_type.partition(";")[0].strip().lower()
    if kind == "application/x-www-form-urlencoded":
        params.values.update(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
    elif kind == "application/json" and body:
        try:
            given = json.loads(body)
        except ValueError:
            raise invalid("The request body is not valid JSON") from None
        if not isinstance(given, dict):
            raise invalid("The request body must be a JSON object")
        params.values.update(given)
    elif kind == "multipart/form-data":
        _parse_multipart(params, content_type, body)
    return params


def _parse_multipart(params: Params, content_type: str, body: bytes) -> None:
    boundary = re.search(r'(?i)boundary="?([^";]+)"?', content_type)
    if boundary is None:
        raise invalid("The multipart body names no boundary")
    for part in (b"\r\n" + body).split(b"\r\n--" + boundary[1].encode())[1:]:
        head, separator, data = part.partition(b"\r\n\r\n")
        name = _DISPOSITION.search(head)
        if not separator or name is None:
            continue
        if name[2] is not None:
            params.files[name[1].decode()] = data
        else:
            params.values[name[1].decode()] = data.decode("utf-8", "replace")


@dataclass
class Request:
    """`raw_path` has no query; `path` has no version either. `params` has query and body.

    Routing sets `account`, and `node`, whose edge is requested.
    """

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
    account: Account = field(init=False, repr=False)
    node: Node = field(init=False, repr=False)

    @property
    def account_id(self) -> str:
        """The id of the token's account; empty before routing."""
        return self.account.id if hasattr(self, "account") else ""

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


def json_response(value: Any, status: int = 200) -> Response:
    """Return JSON in the platform's format: compact, with non-ASCII characters escaped."""
    body = json.dumps(value, separators=(",", ":")).encode()
    return Response(status, body, "application/json; charset=UTF-8")


def not_found(message: str) -> Response:
    return Response(404, f"{message}\n".encode(), "text/plain")


def encode_cursor(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def decode_cursor(cursor: str) -> str:
    """Raises ValueError for a cursor that `encode_cursor` did not make."""
    return base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()


def stamp(seconds: float | None) -> str | None:
    """Return 2026-07-01T13:00:00+0000."""
    if seconds is None:
        return None
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S+0000")


def iso_milliseconds(seconds: float) -> str:
    """Return ISO-8601 in UTC with milliseconds, more exact than the platform's format."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
