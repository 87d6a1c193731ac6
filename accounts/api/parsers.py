"""Parsing of JSON bodies, and content negotiation that ignores the Accept header."""

import json
import math
from collections.abc import Iterator
from typing import IO, Any

from rest_framework.exceptions import ParseError, UnsupportedMediaType
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer

from accounts.api.exceptions import Path, ValidationProblem

MAX_DEPTH = 64  # nested containers, the body included


class StrictJSONParser(BaseParser):
    """Parses UTF-8 JSON of at most DATA_UPLOAD_MAX_MEMORY_SIZE bytes, with numbers that a double can hold."""

    media_type = "application/json"

    def parse(self, stream: IO[Any], media_type: str | None = None, parser_context: Any = None) -> Any:  # noqa: ARG002
        """Return the parsed value. Raises RequestDataTooBig, UnsupportedMediaType, ParseError."""
        request = parser_context["request"]
        charset = request.content_params.get("charset", "utf-8")
        if charset.strip("\"'").lower() not in {"utf-8", "utf8"} or "*" in request.content_type.partition(";")[0]:
            raise UnsupportedMediaType(str(media_type))
        try:
            # A byte order mark is not part of JSON, but editors on Windows write one.
            return json.loads(
                request.body.decode("utf-8-sig"),
                parse_constant=_parse_float,
                parse_float=_parse_float,
                parse_int=_parse_int,
            )
        except (ValueError, RecursionError) as error:
            raise ParseError from error


def _parse_float(digits: str) -> float:
    """Raises ValueError for NaN and infinities, also for numbers that a double cannot hold."""
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError("no double can hold this number")
    return number


def _parse_int(digits: str) -> int:
    if len(digits) > 16:
        _parse_float(digits)
    return int(digits)


def find_invalid_text(value: Any, path: Path = ()) -> Iterator[ValidationProblem]:
    """Yield a problem for each value and key that the database, the digest or the platform would change or refuse.

    These are NUL, halves of surrogate pairs and non-finite numbers. A value nested deeper than MAX_DEPTH is one problem
    and is not searched.
    """
    if isinstance(value, str):
        if reason := _invalid_character(value):
            yield ValidationProblem(path, "string.base", f"must not contain {reason}")
    elif isinstance(value, float) and not math.isfinite(value):
        yield ValidationProblem(path, "number.base", "must be a number")
    elif isinstance(value, dict | list):
        if len(path) >= MAX_DEPTH:
            yield ValidationProblem(path, "object.base", f"must not be nested deeper than {MAX_DEPTH} levels")
            return
        if isinstance(value, dict):
            reasons = {reason for key in value if (reason := _invalid_character(key))}
            for reason in sorted(reasons):
                yield ValidationProblem(path, "object.base", f"must not have a key that contains {reason}")
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from find_invalid_text(item, (*path, key))


def _invalid_character(text: str) -> str:
    if "\x00" in text:
        return "a NUL character"
    if text.isascii():
        return ""
    try:
        text.encode()
    except UnicodeEncodeError:
        return "half of a surrogate pair"
    return ""


class JSONOnlyNegotiation(DefaultContentNegotiation):
    """Selects the first renderer whatever the client accepts."""

    def select_renderer(self, request: Any, renderers: Any, format_suffix: Any = None) -> tuple[BaseRenderer, str]:  # noqa: ARG002
        return renderers[0], renderers[0].media_type
