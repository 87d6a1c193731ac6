"""Differences between two contents, for people: what changed where, word by word."""

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from accounts import formatting
from posts.admin.superpowers import describe_superpower, superpower_title

# Words of one text times words of the other that are compared. The time grows with the cube of a text's words when
# they are all alike, and the texts come from clients: this many take a tenth of a second at worst.
COMPARED = 40_000
FIELDS = {
    "type": "Type",
    "media": "Media",
    "mediaType": "Media type",
    "mediaSha256": "The picture or film itself",
    "scheduledFor": "Goes out",
    "caption": "Caption",
    "superpower": "Superpower",
    "mediumType": "Kind of channel",
}


@dataclass(frozen=True)
class DiffSegment:
    """A run of text in a difference. `kind` is `same`, `gone` or `new`."""

    kind: str
    text: str


@dataclass(frozen=True)
class Change:
    """One thing that differs. `before` and `after` are for reading; `pieces` interleaves them word by word.

    `pictured`: they are addresses of media, to be shown side by side.
    """

    path: str
    label: str
    before: str
    after: str
    pieces: list[DiffSegment]
    pictured: bool = False


def describe_changes(differences: Iterable[dict[str, Any]], *, names: dict[str, str], zone: ZoneInfo) -> list[Change]:
    """Return the domain's differences in words. `names` maps channel ids to what people call the channels.

    A hash of the media's bytes that only became known is no change of what people see, and is left out.
    """
    changes = []
    for difference in differences:
        path = [str(part) for part in difference["path"]]
        if path[-1] == "mediaSha256" and not (difference["before"] and difference["after"]):
            continue
        changes.append(_change(path, difference["before"], difference["after"], names, zone))
    return changes


def word_diff(before: str, after: str) -> list[DiffSegment]:
    """Return both texts as one, word by word; where too much changed for that, what went and what came."""
    old, new = re.findall(r"\s+|\S+[^\S\n]*", before), re.findall(r"\s+|\S+[^\S\n]*", after)
    start = _common(old, new)
    end = _common(old[start:][::-1], new[start:][::-1])
    gone, came = old[start : len(old) - end], new[start : len(new) - end]
    middle = (
        _compared(gone, came)
        if len(gone) * len(came) <= COMPARED
        else [DiffSegment("gone", "".join(gone)), DiffSegment("new", "".join(came))]
    )
    around = DiffSegment("same", "".join(old[:start])), DiffSegment("same", "".join(old[len(old) - end :]))
    return [piece for piece in (around[0], *middle, around[1]) if piece.text]


def _common(one: list[str], other: list[str]) -> int:
    """Return how many words both begin with."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((place for place, (left, right) in pairs if left != right), min(len(one), len(other)))


def _compared(old: list[str], new: list[str]) -> list[DiffSegment]:
    pieces = []
    for kind, left, left_end, right, right_end in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind == "equal":
            pieces.append(DiffSegment("same", "".join(old[left:left_end])))
            continue
        if left_end > left:
            pieces.append(DiffSegment("gone", "".join(old[left:left_end])))
        if right_end > right:
            pieces.append(DiffSegment("new", "".join(new[right:right_end])))
    return pieces


def _change(path: list[str], before: Any, after: Any, names: dict[str, str], zone: ZoneInfo) -> Change:
    field = path[-1]
    label = FIELDS.get(field, field)
    if path[0] == "channels" and len(path) > 1:
        channel = names.get(path[1], path[1])
        label = f"{label} on {channel}" if len(path) > 2 else channel
    if field == "mediaSha256":
        before, after = "the one that was decided on", "another one, at the same address"
    old, new = _text(field, before, zone), _text(field, after, zone)
    pieces = (
        word_diff(old, new)
        if field in {"caption", "superpower"}
        else [DiffSegment("gone", old), DiffSegment("new", new)]
    )
    return Change(
        ".".join(path), label, old, new, [piece for piece in pieces if piece.text], pictured=path == ["media"]
    )


def _text(field: str, value: Any, zone: ZoneInfo) -> str:
    if value is None or value == "":
        return "nothing"
    if field == "scheduledFor":
        return formatting.format_long(datetime.fromisoformat(value), zone)
    if isinstance(value, dict):
        if "caption" in value:
            return str(value["caption"]) or "no caption"
        return "\n".join([superpower_title(value), *describe_superpower(value)])
    return str(value)
