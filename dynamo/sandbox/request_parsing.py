"""Parses parameters from query, urlencoded, multipart and JSON bodies, and the bodies of control calls."""

import json
import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl

from dynamo.sandbox.errors import invalid

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
        value = self.values.get(name)
        if value is None or value == "":
            return default
        spelled = str(value).lower()
        if spelled in {"true", "1"}:
            return True
        if spelled in {"false", "0"}:
            return False
        raise invalid(f"Param {name} must be a boolean")

    def whole(self, name: str, default: int = 0) -> int:
        value = self.values.get(name)
        if value is None or value == "":
            return default
        try:
            return int(str(value))
        except ValueError:
            raise invalid(f"Param {name} must be an integer") from None

    def timestamp(self, name: str) -> float | None:
        """Parse Unix seconds or ISO-8601."""
        value = str(self.values.get(name) or "")
        if not value:
            return None
        if re.fullmatch(r"\d{1,12}(\.\d+)?", value):
            return float(value)
        try:
            read = datetime.fromisoformat(value)
        except ValueError:
            raise invalid(f"Param {name} must be a valid date/time") from None
        if read.tzinfo is None:
            raise invalid(f"Param {name} must carry a time zone")
        return read.timestamp()

    def items(self, name: str) -> list[Any]:
        """Parse a list: JSON, JSON as text, `name[0]=`, or comma-separated."""
        value = self.values.get(name)
        if isinstance(value, list):
            return value
        if isinstance(value, str) and value.lstrip().startswith("["):
            return _json_list(name, value)
        if value is not None and value != "":
            return str(value).split(",")
        numbered = re.compile(re.escape(name) + r"\[(\d+)\]")
        entries = sorted(
            (int(match[1]), value) for key, value in self.values.items() if (match := numbered.fullmatch(key))
        )
        return [_maybe_json(value) for _, value in entries]


def _json_list(name: str, value: str) -> list[Any]:
    try:
        return list(json.loads(value))
    except ValueError:
        raise invalid(f"Param {name} must be an array") from None


def _maybe_json(value: Any) -> Any:
    if isinstance(value, str) and value.lstrip().startswith("{"):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


def read(query: dict[str, str], content_type: str, body: bytes) -> Params:
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
        _multipart(params, content_type, body)
    return params


def _multipart(params: Params, content_type: str, body: bytes) -> None:
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


class InvalidControl(ValueError):
    """A control call is not valid; the message is the reason."""


def check_keys(values: dict[str, Any], allowed: set[str]) -> None:
    """Raise InvalidControl for keys that are not allowed."""
    if unknown := set(values) - allowed:
        raise InvalidControl(f"unknown: {', '.join(sorted(unknown))}; known: {', '.join(sorted(allowed))}")


def parse_timestamp(value: Any) -> float:
    """Return seconds since the epoch, from a number or from ISO-8601 with a time zone."""
    if isinstance(value, str):
        parsed = datetime.fromisoformat(value)
        if parsed.tzinfo is None:
            raise InvalidControl("a time needs a time zone")
        return parsed.timestamp()
    return float(value)
