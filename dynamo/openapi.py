"""The API's description, as OpenAPI 3.1: generated from the code, kept in docs/openapi.json, shown on the desk."""

from pathlib import Path
from typing import Any

from django.conf import settings
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.validation import validate_schema

FILE = Path(settings.BASE_DIR) / "docs" / "openapi.json"


def generated() -> dict[str, Any]:
    """Return the description that the code makes, validated against OpenAPI's own schema."""
    made: dict[str, Any] = _plain(SchemaGenerator().get_schema(request=None, public=True))
    validate_schema(made)
    return made


def _plain(value: Any) -> Any:
    """Return the description without the generator's own marks."""
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items() if not str(name).startswith("x-spec-")}
    return [_plain(each) for each in value] if isinstance(value, list) else value
