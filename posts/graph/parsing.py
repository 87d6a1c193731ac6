"""A published post as the platform told it, in our columns, and reading values that may be anything."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

LARGEST = 2**63 - 1


@dataclass(frozen=True)
class ImportedPost:
    """`values` by column of PublishedPost, of those columns only that were asked for; None: it was not told."""

    platform_id: str
    published_at: datetime
    values: Mapping[str, Any]


def text(value: Any) -> str | None:
    """Return the text as databases take it, None when there is none: without NUL, lone surrogates replaced."""
    if not isinstance(value, str) or not value:
        return None
    return value.replace("\x00", "").encode("utf-8", "replace").decode("utf-8") or None


def address(value: Any) -> str | None:
    """Return a URL. On Facebook a path alone is the platform's own."""
    url = text(value)
    return f"https://www.facebook.com{url}" if url and url.startswith("/") else url


def count(value: Any) -> int | None:
    """Return a counter, None when it is not told. 0 is a number like any other."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= LARGEST:
        return None
    return value


def dig(value: Any, *way: str) -> Any:
    """Return what lies at the end of the way through nested objects, None when it leads nowhere."""
    for step in way:
        value = value.get(step) if isinstance(value, dict) else None
    return value


def items(value: Any) -> list[dict[str, Any]]:
    """Return the objects of an edge, {"data": […]}."""
    data = dig(value, "data")
    return [item for item in data if isinstance(item, dict)] if isinstance(data, list) else []


def parse_id(value: Any) -> str:
    """Return an id as the platform writes it, empty for what is none."""
    name = str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
    return name if 0 < len(name) <= 100 and name.replace("_", "").isdecimal() and name.isascii() else ""
