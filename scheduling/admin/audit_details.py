"""What an event of the trail remembers, line by line, in words. As it is stored it is shown beside them."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

from accounts import formatting
from accounts.models import AuditEvent, Role, User
from posts.admin.superpowers import describe_superpower, superpower_title
from posts.models import Channel, ChannelType
from scheduling.admin.diff import FIELDS

# What details are called, where that is not their own name with spaces.
LABELS = {
    **FIELDS,
    "may_review": "Reviews",
    "review_channels": "Reviews on",
    "user_id": "Account",
    "user": "Account",
    "organization_id": "Organization",
    "is_active": "Active",
    "is_staff": "May sign in",
    "is_superuser": "Manages",
    "upTo": "Up to event",
    "postId": "Id at the platform",
    "firstBy": "First approved by",
    "issued_by": "Answered for by",
    "left": "Recovery codes left",
    "muted": "Not told of",
    "mediaSha256": "Fingerprint of the media",
    "url": "Address",
}
SKIPPED = {"mediumType"}  # the channel's name tells it
EVERY = {"channels", "review_channels"}  # where nothing means all of them
PEOPLE = ("issued_by", "firstBy", "user", "user_id", "invited_by")  # whose values are ids of accounts
WORDS: dict[str, str] = {
    **dict(Role.choices),
    **dict(ChannelType.choices),
    "POST": "Post",
    "IMAGE": "Image",
    "VIDEO": "Video",
}
LINES, LONGEST = 100, 2000
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)")


@dataclass(frozen=True)
class Detail:
    """One thing that an event remembers; `before` is what it was, None where only one value was kept."""

    label: str
    text: str
    before: str | None = None


def details(event: AuditEvent, zone: ZoneInfo) -> list[Detail]:
    """Return what the event remembers, the first hundred lines of it; what it has no value for is left out."""
    channels = Channel.objects.filter(organization_id=event.organization_id).values_list("public_id", "name")
    kept = [event.details, event.details.get("was"), event.details.get("changed")]
    ids = {str(item[name]) for item in kept if isinstance(item, dict) for name in PEOPLE if name in item}
    people = User.objects.filter(pk__in=[pk for pk in ids if pk.isascii() and pk.isdecimal()])
    words = DetailFormatter(
        dict(channels), {str(person.pk): person.get_full_name() or person.get_username() for person in people}, zone
    )
    return list(islice(words.told((), event.details), LINES))


def raw_json(event: AuditEvent) -> str:
    """Return the details as they are stored."""
    return json.dumps(event.details, ensure_ascii=False, indent=2, sort_keys=True)


@dataclass(frozen=True)
class DetailFormatter:
    """What people call things: channels by id on the wire, people by theirs. `zone` is the reader's."""

    channels: dict[str, str]
    people: dict[str, str]
    zone: ZoneInfo

    def told(self, path: tuple[str, ...], value: Any) -> Iterator[Detail]:
        """Yield what lies under `path`, line by line."""
        name = path[-1] if path else ""
        if name in SKIPPED or (value in (None, "", [], {}) and name not in EVERY):
            return
        if isinstance(value, dict) and name in {"superpower", "document"}:
            yield Detail(self.label(path), "\n".join([superpower_title(value), *describe_superpower(value)])[:LONGEST])
        elif isinstance(value, dict):
            for one, inner in value.items():
                yield from self.told((*path, str(one)), inner)
        elif path[:1] == ("changed",) and isinstance(value, list) and len(value) == 2:  # before and after
            yield Detail(self.label(path), self.say(name, value[1]), self.say(name, value[0]))
        else:
            yield Detail(self.label(path), self.say(name, value))

    def label(self, path: tuple[str, ...]) -> str:
        """Return what a line is called: `Caption on Casa do Sol`."""
        name = LABELS.get(path[-1]) or _spaced(path[-1])
        on = self.channels.get(path[-2], path[-2]) if len(path) > 2 and path[-3] == "channels" else ""
        return f"{name} on {on}" if on else name

    def say(self, name: str, value: Any) -> str:
        """Return one value in words."""
        if value is None or value in ("", []):
            return "all" if name in EVERY and value is None else "none"
        if isinstance(value, bool):
            return "yes" if value else "no"
        if isinstance(value, list):
            return ", ".join(self.say(name, item) for item in value)[:LONGEST]
        return self._text(name, json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else str(value))

    def _text(self, name: str, text: str) -> str:
        if name in PEOPLE:
            return self.people.get(text, text)
        if INSTANT.fullmatch(text):
            instant = datetime.fromisoformat(text)
            return ", ".join(
                filter(None, [formatting.format_long(instant, self.zone), formatting.in_utc(instant, self.zone)])
            )
        known = self.channels.get(text) or WORDS.get(text)
        return known or (text if len(text) <= LONGEST else f"{text[:LONGEST]}…")


def _spaced(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])|_", " ", name).capitalize()
