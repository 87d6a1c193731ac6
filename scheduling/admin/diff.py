"""Differences between two versions of a post's content, word by word."""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from difflib import SequenceMatcher
from itertools import takewhile
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from accounts import formatting
from posts.admin.superpower_description import changed_lines, text_lines
from posts.domain import media_store
from posts.models import MediaFile

# Limit of words in one text times words in the other. difflib needs cubic time when all words are equal, and the texts
# come from clients: this many take a tenth of a second at worst.
MAX_COMPARISONS = 40_000
FIELDS = {
    "type": "Type",
    "media": "Media",
    "mediaType": "Media type",
    "mediaSha256": "Image or video file",
    "mediaItems": "Images and videos",
    "altText": "Alternative text",
    "isAiGenerated": "Made with AI",
    "scheduledFor": "Publish on",
    "caption": "Caption",
    "superpower": "Superpower",
    "mediumType": "Channel type",
}


class DiffSegment(NamedTuple):
    """A part of a text. `kind` is `same`, `removed` or `added`."""

    kind: str
    text: str


class MediaCopy(NamedTuple):
    """A stored image or video. `side` is `removed` or `added`, `kind` IMAGE or VIDEO; no `url`: it was deleted."""

    side: str
    text: str
    url: str = ""
    kind: str = ""


class Change(NamedTuple):
    """A changed field. `before` and `after` are display texts; `segments` interleaves them word by word.

    `copies`: the stored images or videos before and after, to be shown side by side; empty for other fields.
    """

    path: str
    label: str
    before: str
    after: str
    segments: list[DiffSegment]
    copies: list[MediaCopy]


def describe_changes(
    differences: Iterable[dict[str, Any]],
    *,
    names: dict[str, str],
    zone: ZoneInfo,
    stored: Mapping[str, MediaFile] | None = None,
) -> list[Change]:
    """Return the domain's differences for display.

    `names` maps public channel ids to channel names, `stored` hashes to stored images and videos.

    A media hash that was unknown before, or is now, is left out: it is no visible change.
    """
    changes = []
    for difference in differences:
        path = [str(part) for part in difference["path"]]
        if path[-1] == "mediaSha256" and not (difference["before"] and difference["after"]):
            continue
        change = _describe_change(path, difference["before"], difference["after"], names, zone)
        if path[-1] == "mediaSha256":
            change = change._replace(copies=_copies(difference["before"], difference["after"], stored or {}))
        elif path[0] == "mediaItems" and len(path) == 2:
            change = change._replace(copies=_whole_item(difference["before"], difference["after"], stored or {}))
        changes.append(change)
    return changes


def _copies(before: str, after: str, stored: Mapping[str, MediaFile]) -> list[MediaCopy]:
    copies = []
    for side, sha256, text in (("removed", before, "the reviewed file"), ("added", after, "the present file")):
        row = stored.get(sha256)
        url, kind = (media_store.admin_url(row), row.kind) if row else ("", "")
        copies.append(MediaCopy(side, text, url, kind))
    return copies


def _whole_item(before: Any, after: Any, stored: Mapping[str, MediaFile]) -> list[MediaCopy]:
    """Return the copy of an item that was added or removed, with its data as the text."""
    side, item = ("removed", before) if after is None else ("added", after)
    row = stored.get(item["mediaSha256"])
    if row is None:
        return []
    return [MediaCopy(side, _display_text("mediaItems", item, ZoneInfo("UTC")), media_store.admin_url(row), row.kind)]


def word_diff(before: str, after: str) -> list[DiffSegment]:
    """Return the segments of both texts. Above MAX_COMPARISONS the whole differing part is removed and added."""
    old, new = re.findall(r"\s+|\S+[^\S\n]*", before), re.findall(r"\s+|\S+[^\S\n]*", after)
    start = _common_prefix(old, new)
    end = _common_prefix(old[start:][::-1], new[start:][::-1])
    prefix, suffix = old[:start], old[len(old) - end :]
    old, new = old[start : len(old) - end], new[start : len(new) - end]
    segments = [DiffSegment("same", "".join(prefix))]
    if len(old) * len(new) > MAX_COMPARISONS:
        segments += [DiffSegment("removed", "".join(old)), DiffSegment("added", "".join(new))]
    else:
        for kind, left, left_end, right, right_end in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
            if kind == "equal":
                segments.append(DiffSegment("same", "".join(old[left:left_end])))
                continue
            segments.append(DiffSegment("removed", "".join(old[left:left_end])))
            segments.append(DiffSegment("added", "".join(new[right:right_end])))
    segments.append(DiffSegment("same", "".join(suffix)))
    return [segment for segment in segments if segment.text]


def _common_prefix(old: list[str], new: list[str]) -> int:
    """Return the number of equal words at the beginning."""
    return len(list(takewhile(lambda pair: pair[0] == pair[1], zip(old, new, strict=False))))


def _describe_change(path: list[str], before: Any, after: Any, names: dict[str, str], zone: ZoneInfo) -> Change:
    field = path[-1]
    label = FIELDS.get(field, field)
    if path[0] == "mediaItems" and len(path) > 1:
        number = int(path[1]) + 1
        label = f"{label} of item {number}" if len(path) > 2 else f"Item {number}"
    if path[0] == "channels" and len(path) > 1:
        channel = names.get(path[1], path[1])
        label = f"{label} on {channel}" if len(path) > 2 else channel
    if field == "mediaSha256":
        before, after = "the reviewed file", "another file"
    old, new = _display_text(field, before, zone), _display_text(field, after, zone)
    if old == new:
        old, new = changed_lines(before, after)
    segments = [DiffSegment("removed", old), DiffSegment("added", new)]
    if field in {"caption", "superpower", "altText"}:
        segments = word_diff(old, new)
    return Change(".".join(path), label, old, new, segments, [])


def _display_text(field: str, value: Any, zone: ZoneInfo) -> str:
    if value is None or value == "":
        return "nothing"
    if field == "scheduledFor":
        return formatting.format_long(datetime.fromisoformat(value), zone)
    if field == "superpower":
        return "\n".join(text_lines(value))
    if isinstance(value, dict) and "media" in value:
        return "\n".join(str(value[name]) for name in ("media", "mediaType", "altText") if value.get(name))
    if isinstance(value, dict):
        lines = [str(value.get("caption") or "no caption"), *text_lines(value.get("superpower"))]
        return "\n".join(lines)
    return str(value)
