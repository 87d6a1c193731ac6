"""The syntax of `fields=`: `a,b.limit(0).summary(true),c{d,e{f}}`."""

import re
from dataclasses import dataclass, field
from typing import Any

from dynamo.sandbox import errors
from dynamo.sandbox.errors import Refusal

_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_CALL = re.compile(r"\.([a-z_]+)\(([^()]*)\)")
MODIFIERS = {
    "after", "before", "breakdown", "filter", "limit", "metric", "metric_type", "order", "period", "since", "summary",
    "type", "until",
}  # fmt: skip


@dataclass
class Field:
    """One field: its modifiers by name, and the fields inside it (None: the default ones)."""

    name: str
    modifiers: dict[str, str] = field(default_factory=dict)
    inside: "list[Field] | None" = None


def parse(text: str) -> list[Field]:
    """Parse a selection. Raises 2500 "Syntax error", as the platform does, and 100 for an unknown modifier.

    The platform refuses aliases (`.as()`) for apps made since 2026-11-04, on every version. The error is our choice.
    """
    fields, end = _fields(text.replace(" ", ""), 0)
    if end != len(text.replace(" ", "")):
        raise _syntax(text, end)
    return fields


def _fields(text: str, at: int) -> tuple[list[Field], int]:
    fields: list[Field] = []
    while True:
        name = _NAME.match(text, at)
        if name is None:
            raise _syntax(text, at)
        field, at = Field(name[0]), name.end()
        while call := _CALL.match(text, at):
            if call[1] not in MODIFIERS:
                raise errors.invalid(f"Field modifier {call[1]} is not supported")
            field.modifiers[call[1]], at = call[2], call.end()
        if text[at : at + 1] == "{":
            field.inside, at = _fields(text, at + 1)
            if text[at : at + 1] != "}":
                raise _syntax(text, at)
            at += 1
        fields.append(field)
        if text[at : at + 1] != ",":
            return fields, at
        at += 1


def _syntax(text: str, at: int) -> Refusal:
    return Refusal(2500, f'Syntax error "Expected name." at character {at}: {text}')


PROFILE = {
    "can_post", "id", "link", "name", "pic", "pic_crop", "pic_large", "pic_small", "pic_square", "picture",
    "profile_type", "type", "username",
}  # fmt: skip
# The fields that exist inside a field; an empty set means none.
PARTS: dict[str, set[str]] = {
    "attachments": {
        "description", "description_tags", "media", "media_type", "subattachments", "target", "title", "type",
        "unshimmed_url", "url",
    },
    "subattachments": {
        "description", "description_tags", "media", "media_type", "target", "title", "type", "unshimmed_url", "url",
    },
    "target": {"id", "url"},
    "media": {"image", "source"},
    "picture": {"data", "height", "is_silhouette", "url", "width"},
    "engagement": {"count", "social_sentence"},
    "category_list": {"id", "name"},
    "image": {"height", "src", "width"},
    "from": {"id", "name"},
    "owner": {"id"},
    "application": {"id", "name"},
    "children": {
        "id", "media_type", "media_url", "alt_text", "owner", "permalink", "shortcode", "thumbnail_url", "timestamp",
        "username",
    },
    "status": {"video_status", "uploading_phase", "processing_phase", "publishing_phase"},
    "reactions": PROFILE,
    "insights": {"description", "id", "name", "period", "title", "total_value", "values"},
    "likes": PROFILE,
    "instagram_business_account": {"id", "name", "username"},
}  # fmt: skip


# Edges that handle the fields inside themselves.
WHOLE = {"comments", "replies"}


def keep(value: Any, wanted: Field) -> Any:
    """Reduce a value to the fields wanted inside it. Raises 100 for an unknown field."""
    if wanted.inside is None or wanted.name in WHOLE:
        return value
    known = PARTS.get(wanted.name, set())
    for part in wanted.inside:
        if part.name not in known:
            raise errors.unknown_field(part.name, wanted.name.title().replace("_", ""))
    if isinstance(value, dict) and isinstance(value.get("data"), list):
        return value | {"data": [_part(item, wanted.inside) for item in value["data"]]}
    return _part(value, wanted.inside) if isinstance(value, dict) else value


def _part(value: dict[str, Any], inside: list[Field]) -> dict[str, Any]:
    return {part.name: keep(value[part.name], part) for part in inside if part.name in value}
