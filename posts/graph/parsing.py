"""A published post in our columns, and tolerant parsers of the platform's values, which may be anything."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Self

from posts.graph.account import Account

LARGEST = 2**63 - 1


@dataclass(frozen=True)
class ImportedPost:
    """`values` has the requested columns of PublishedPost by name; None: the platform did not return a value."""

    platform_id: str
    published_at: datetime
    values: Mapping[str, Any]

    @classmethod
    def without(cls, columns: set[str], platform_id: str, published_at: datetime, values: Mapping[str, Any]) -> Self:
        """Return the post without the values of `columns`, which were not requested."""
        return cls(platform_id, published_at, {name: value for name, value in values.items() if name not in columns})


def text(value: Any) -> str | None:
    """Return the text without NUL and with lone surrogates replaced, None for an empty one or another type."""
    if not isinstance(value, str) or not value:
        return None
    return value.replace("\x00", "").encode("utf-8", "replace").decode("utf-8") or None


def address(value: Any) -> str | None:
    """Return a URL. Facebook returns some of its own as a path."""
    url = text(value)
    return f"https://www.facebook.com{url}" if url and url.startswith("/") else url


def count(value: Any) -> int | None:
    """Return a counter, None when there is none."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= LARGEST:
        return None
    return value


def dig(value: Any, *keys: str) -> Any:
    """Return the value at the path `keys` of nested objects, None when a step is missing."""
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def items(value: Any) -> list[dict[str, Any]]:
    """Return the objects of an edge, {"data": […]}."""
    data = dig(value, "data")
    return [item for item in data if isinstance(item, dict)] if isinstance(data, list) else []


def has_next(response: Any) -> bool:
    """Whether there is another page. A last page may have cursors too: only `next` shows that there is more."""
    return isinstance(dig(response, "paging", "next"), str)


def metric_value(entry: Mapping[str, Any]) -> Any:
    """Return an insight's latest value, or its total; None when there is none, which is not zero."""
    values = entry.get("values")
    if isinstance(values, list) and values and isinstance(values[-1], dict):
        return values[-1].get("value")
    return dig(entry, "total_value", "value")


def full_id(account: Account, post_id: str) -> str:
    """Return a Page's post id in the form that every edge accepts, {page}_{post}."""
    return post_id if not post_id or "_" in post_id else f"{account.platform_id}_{post_id}"


def parse_graph_time(text: Any) -> datetime | None:
    """Parse a time of the platform, 2021-06-30T21:21:18+0000."""
    try:
        return datetime.strptime(str(text), "%Y-%m-%dT%H:%M:%S%z").astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def parse_id(value: Any) -> str:
    """Return an id in the platform's form (digits and `_`), empty for anything else."""
    name = str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
    return name if 0 < len(name) <= 100 and name.replace("_", "").isdecimal() and name.isascii() else ""
