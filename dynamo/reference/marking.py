"""Text as the page shows it: words in backticks as code, JSON with its parts told apart. All of it escaped."""

import json
import re
from typing import Any

from django.utils.html import escape, format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

_CODE = re.compile(r"`([^`]+)`")
_PART = re.compile(r'(?P<key>"(?:\\.|[^"\\])*"(?=\s*:))|(?P<text>"(?:\\.|[^"\\])*")|(?P<word>-?\b[\w.+-]+\b)')


def prose(text: str) -> SafeString:
    """Return a paragraph's text with what stands in backticks as code."""
    pieces = _CODE.split(text)
    marked = [
        escape(one) if number % 2 == 0 else format_html("<code>{}</code>", one) for number, one in enumerate(pieces)
    ]
    return mark_safe("".join(marked))  # noqa: S308  every piece is escaped above


def paragraphs(text: str) -> list[SafeString]:
    """Return the paragraphs of a description."""
    return [prose(" ".join(one.split())) for one in text.split("\n\n") if one.strip()]


def shown(value: Any, kind: str = "application/json") -> SafeString:
    """Return an example's value, as it is read best."""
    if kind != "application/json":
        return mark_safe(escape(str(value).lstrip("\ufeff")))  # noqa: S308  escaped
    return coloured(pretty(value))


def pretty(value: Any) -> str:
    """Return a value as JSON over several lines; what is short stays on one."""
    return _laid_out(value, 0)


def _laid_out(value: Any, depth: int) -> str:
    flat = json.dumps(value, ensure_ascii=False)
    if not isinstance(value, dict | list) or not value or len(flat) + depth * 2 <= 56:
        return flat
    pad = "  " * (depth + 1)
    if isinstance(value, dict):
        lines = [
            f"{pad}{json.dumps(key, ensure_ascii=False)}: {_laid_out(one, depth + 1)}" for key, one in value.items()
        ]
    else:
        lines = [f"{pad}{_laid_out(one, depth + 1)}" for one in value]
    return "\n".join([flat[0], ",\n".join(lines), "  " * depth + flat[-1]])


def coloured(text: str) -> SafeString:
    """Return JSON with keys, texts and words in spans of their own."""
    pieces, at = [], 0
    for found in _PART.finditer(text):
        pieces += [("", text[at : found.start()]), (found.lastgroup or "", found.group())]
        at = found.end()
    pieces.append(("", text[at:]))
    return format_html_join("", "{}", ((_span(kind, piece),) for kind, piece in pieces if piece))


def _span(kind: str, text: str) -> SafeString:
    return format_html('<span class="j-{}">{}</span>', kind, text) if kind else format_html("{}", text)
