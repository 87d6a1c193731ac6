"""The leaves of a JSON value with their paths, so that a page can list everything that a document has."""

import json
from collections.abc import Iterator
from typing import Any

Path = tuple[str | int, ...]


def json_leaves(value: Any) -> dict[Path, Any]:
    """Return the leaves by path: texts, numbers, booleans, null, and empty objects and lists."""
    return dict(_leaves((), value))


def _leaves(path: Path, value: Any) -> Iterator[tuple[Path, Any]]:
    items: Any = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    if not items or not value:
        yield path, value
        return
    for key, item in items:
        yield from _leaves((*path, key), item)


def format_path(path: Path) -> str:
    """Return the path as in JavaScript: `replies[0].text`. A key that is no identifier is quoted: `["a b"]`."""
    text = ""
    for step in path:
        if isinstance(step, str) and step.isidentifier():
            text += f".{step}" if text else step
        else:
            text += f"[{step}]" if isinstance(step, int) else f'["{step}"]'
    return text


def format_leaf(value: Any) -> str:
    """Return a text as it is, an empty one as two quotes, and other values as JSON."""
    return value if isinstance(value, str) and value else json.dumps(value, ensure_ascii=False)


def changed_leaves(before: Any, after: Any) -> dict[Path, tuple[str | None, str | None]]:
    """Return the leaves that differ, each as displayed before and after; None where there is none."""
    old, new = json_leaves(before), json_leaves(after)
    paths = [*old, *(path for path in new if path not in old)]
    return {
        path: (_format(old, path), _format(new, path))
        for path in paths
        # Compared as JSON: in Python, 1 equals true.
        if path not in old or path not in new or json.dumps(old[path]) != json.dumps(new[path])
    }


def _format(leaves: dict[Path, Any], path: Path) -> str | None:
    return format_leaf(leaves[path]) if path in leaves else None
