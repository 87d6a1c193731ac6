"""The API's description, as OpenAPI 3.1: generated from the code, kept in docs/openapi.json, shown on the desk."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.validation import validate_schema

from accounts.api.schema import SHARED

FILE = Path(settings.BASE_DIR) / "docs" / "openapi.json"

# What the operations are about, by the first word of their paths: a title, and a sentence.
GROUPS = {
    "scheduled-posts": ("Scheduled posts", "What is to go live: written by keys and people, approved by people."),
    "channels": ("Channels", "Facebook Pages and Instagram accounts."),
    "superpowers": ("Superpowers", "Templates of what a post does about comments."),
    "posts": ("Published posts", "What is live. Nothing here changes it."),
    "organizations": ("Organizations", "Whose key it is."),
}


def generated() -> dict[str, Any]:
    """Return the description that the code makes, validated against OpenAPI's own schema."""
    made: dict[str, Any] = _said_once(SchemaGenerator().get_schema(request=None, public=True))
    made["tags"] = [{"name": tag, "x-displayName": title, "description": says} for tag, (title, says) in GROUPS.items()]
    made = _plain(made)
    validate_schema(made)
    return made


def operations(description: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield path, method and what is said of each operation."""
    for path, methods in description["paths"].items():
        for method, said in methods.items():
            yield path, method, said


def _said_once(made: dict[str, Any]) -> dict[str, Any]:
    """Return the description with headers, and the answers that many operations give, moved to where they stand once.

    Raises ValueError when two of one name are not the same.
    """
    headers: dict[str, Any] = {}
    answers: dict[str, Any] = {}
    for _, _, said in operations(made):
        for status, answer in said["responses"].items():
            for name, header in answer.get("headers", {}).items():
                _same(headers, name, header)
                answer["headers"][name] = {"$ref": f"#/components/headers/{name}"}
            if name := answer.get(SHARED):
                _same(answers, name, answer)
                said["responses"][status] = {"$ref": f"#/components/responses/{name}"}
    made["components"] |= {"headers": dict(sorted(headers.items())), "responses": dict(sorted(answers.items()))}
    return made


def _same(known: dict[str, Any], name: str, one: Any) -> None:
    if known.setdefault(name, one) != one:
        raise ValueError(f"{name} is said in two ways")


def _plain(value: Any) -> Any:
    """Return the description without the generator's own marks, and without null twice among types."""
    if isinstance(value, dict):
        kept = {name: _plain(each) for name, each in value.items() if not str(name).startswith("x-spec-")}
        if isinstance(kept.get("type"), list):
            kept["type"] = list(dict.fromkeys(kept["type"]))
        return kept
    return [_plain(each) for each in value] if isinstance(value, list) else value
