"""What an event of the trail remembers, line by line, in words. As it is stored it is shown beside them."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

from accounts.models import AuditEvent, Role
from posts.admin import times, wording
from posts.models import Channel, ChannelType
from scheduling.admin.changes import FIELDS

# What details are called, where that is not their own name with spaces.
LABELS = {
    **FIELDS,
    "may_review": "Reviews",
    "review_channels": "Reviews on",
    "user_id": "Account",
    "organization_id": "Organization",
    "is_active": "Active",
    "is_staff": "May sign in",
    "is_superuser": "Manages",
    "upTo": "Up to event",
    "postId": "Id at the platform",
    "firstBy": "First approved by account",
    "issued_by": "Answered for by account",
    "left": "Recovery codes left",
    "muted": "Not told of",
}
WORDS: dict[str, str] = {**dict(Role.choices), **dict(ChannelType.choices)}
LINES, LONGEST = 100, 2000
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)")


@dataclass(frozen=True)
class Detail:
    """One thing that an event remembers; `before` is what it was, None where only one value was kept."""

    label: str
    text: str
    before: str | None = None


def details(event: AuditEvent, zone: ZoneInfo) -> list[Detail]:
    """Return what the event remembers, the first hundred lines of it."""
    channels = Channel.objects.filter(organization_id=event.organization_id)
    names = dict(channels.values_list("wire_id", "name")) if event.details else {}
    return list(islice(_told((), event.details, names, zone), LINES))


def stored(event: AuditEvent) -> str:
    """Return the details as they are stored."""
    return json.dumps(event.details, ensure_ascii=False, indent=2, sort_keys=True)


def _told(path: tuple[str, ...], value: Any, names: dict[str, str], zone: ZoneInfo) -> Iterator[Detail]:
    if isinstance(value, dict) and path[-1:] in {("superpower",), ("document",)}:
        yield Detail(_label(path, names), "\n".join([wording.title(value), *wording.in_words(value)])[:LONGEST])
    elif isinstance(value, dict):
        for name, one in value.items():
            inner = (*path, str(name))
            if path == ("changed",) and isinstance(one, list) and len(one) == 2:  # before and after
                yield Detail(_label(inner, names), _words(one[1], names, zone), _words(one[0], names, zone))
            else:
                yield from _told(inner, one, names, zone)
    else:
        yield Detail(_label(path, names), _words(value, names, zone))


def _label(path: tuple[str, ...], names: dict[str, str]) -> str:
    steps = [one for one in path if one not in {"content", "channels", "changed", "was"}] or list(path[-1:])
    return " · ".join(names.get(one) or LABELS.get(one) or _spaced(one) for one in steps)


def _spaced(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])|_", " ", name).capitalize()


def _words(value: Any, names: dict[str, str], zone: ZoneInfo) -> str:
    if value is None or value in ("", []):
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(_words(one, names, zone) for one in value)[:LONGEST]
    if isinstance(value, str) and INSTANT.fullmatch(value):
        instant = datetime.fromisoformat(value)
        return ", ".join(filter(None, [times.full(instant, zone), times.in_utc(instant, zone)]))
    if isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False)[:LONGEST]
    text = str(value)
    return names.get(text) or WORDS.get(text) or (text if len(text) <= LONGEST else f"{text[:LONGEST]}…")
