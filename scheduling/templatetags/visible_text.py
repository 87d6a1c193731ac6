"""Renders texts of authors so that nothing in them is hidden.

Invisible characters become symbols, long runs of empty lines or spaces become their number, and a link shows where it
leads when its host could be mistaken for another one. Everything is escaped.
"""

import re
from bisect import bisect_left
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

from django.utils.html import conditional_escape, escape, format_html
from django.utils.safestring import SafeString, mark_safe

from scheduling.domain.text_rules import InvisibleCharacter, ascii_host, invisible_characters

Chunk = Callable[[int, int], str]
SPACE = "[ \t\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]"
EMPTY_LINES = rf"(?P<lines>(?:{SPACE}*+\r?\n){{4,}}+)"  # three empty lines or more
SPACES = rf"(?P<spaces>{SPACE}{{20,}}+)"
LINK = r"(?P<link>https?://[^\s<>]+)"
TAG = r"(?P<tag>(?<![\w&/])[#@]\w[\w.]*\w|(?<![\w&/])[#@]\w)"
# Platforms make links of these without a scheme. Other names with dots are mostly sentences without a space.
TOP_LEVEL = "com|net|org|info|app|io|co|eu|pt|br|es|fr|de|it|uk|ru"
HOST = rf"(?P<host>(?<![\w@.-])(?:www\.[\w.-]+|[\w-]+(?:\.[\w-]+)*\.(?:{TOP_LEVEL}))\b)"
HIDDEN = re.compile(f"{EMPTY_LINES}|{SPACES}|{LINK}|{HOST}")
HIGHLIGHTED = re.compile(f"{EMPTY_LINES}|{SPACES}|{LINK}|{HOST}|{TAG}")
URL = re.compile(r"https?://[^\s<>]+")


def visible(text: object) -> SafeString:
    """Render a text with everything that it contains."""
    return _render(text, HIDDEN, highlight=False)


def visible_caption(text: object) -> SafeString:
    """Render a caption as `visible` does, with its hashtags, mentions and links coloured as on the platforms."""
    return _render(text, HIGHLIGHTED, highlight=True)


def visible_value(text: object) -> SafeString:
    """Render a value as `visible` does, and as a link if the whole of it is a URL. Nothing is loaded from there."""
    if isinstance(text, str) and URL.fullmatch(text):
        return format_html(
            '<a href="{}" rel="noopener noreferrer nofollow" target="_blank">{}</a>{}',
            text,
            _render_invisible(text)(0, len(text)),
            _host_note(text),
        )
    return visible(text)


def _render(text: object, pattern: re.Pattern[str], *, highlight: bool) -> SafeString:
    if not isinstance(text, str):
        return conditional_escape(str(text))
    chunk, parts, at = _render_invisible(text), [], 0
    for match in pattern.finditer(text):
        parts.append(chunk(at, match.start()))
        parts.append(_render_match(match, chunk, highlight=highlight))
        at = match.end()
    parts.append(chunk(at, len(text)))
    return mark_safe("".join(parts))  # noqa: S308  every part is escaped


def _render_match(match: re.Match[str], chunk: Chunk, *, highlight: bool) -> str:
    found, whole = match.lastgroup, match.group()
    if found == "lines":
        # The first line break ends the line before, if there is one.
        count = whole.count("\n") - (match.start() > 0)
        return format_html('<span class="hidden-lines">{} empty lines</span>', f"{count:,}")
    if found == "spaces":
        return format_html('<span class="hidden-spaces">{} spaces</span>', f"{len(whole):,}")
    inner = mark_safe(chunk(*match.span()))  # noqa: S308  escaped there
    note = "" if found == "tag" else _host_note(whole if found == "link" else f"https://{whole}")
    if not highlight or found == "host":
        return inner + note
    return format_html('<span class="{}">{}</span>{}', found, inner, note)


def _host_note(url: str) -> SafeString:
    """Render the host beside a URL that could be mistaken: other letters than ASCII, or a user name before the host."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return mark_safe("")
    if host.isascii() and "@" not in parts.netloc:
        return mark_safe("")
    return format_html(' <bdi class="real-host" title="The host that this link leads to">{}</bdi>', ascii_host(host))


def _render_invisible(text: str) -> Chunk:
    """Return a function that renders a part of the text, with symbols where the whole text needs them."""
    found = {each.position: each for each in invisible_characters(text)}
    if not found:
        return lambda start, end: str(escape(text[start:end]))
    indices = sorted(found)

    def render(start: int, end: int) -> str:
        parts, at = [], start
        inside = indices[bisect_left(indices, start) : bisect_left(indices, end)]
        for first, count in _runs(inside, text):
            parts += [str(escape(text[at:first])), _symbol(found[first], count)]
            at = first + count
        return "".join([*parts, str(escape(text[at:end]))])

    return render


def _runs(indices: list[int], text: str) -> Iterator[tuple[int, int]]:
    """Yield the index and the length of each run of one character."""
    start = 0
    while start < len(indices):
        first, end = indices[start], start + 1
        while end < len(indices) and indices[end] == first + end - start and text[indices[end]] == text[first]:
            end += 1
        yield first, end - start
        start = end


def _symbol(found: InvisibleCharacter, count: int) -> str:
    times = f" \u00d7{count:,}" if count > 1 else ""
    return format_html(
        '<span class="hidden-char" title="{} ({})" data-code="{}" data-count="{}">{}{}</span>',
        found.name,
        found.code,
        f"{ord(found.character):x}",
        count,
        found.code,
        times,
    )
