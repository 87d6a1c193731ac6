"""Parsing of JSON bodies, and content negotiation that ignores the Accept header."""

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from typing import IO, Any, NoReturn

from rest_framework.exceptions import ParseError, UnsupportedMediaType
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

from accounts.api.exceptions import Path, ValidationProblem

MAX_DEPTH = 64  # nested containers, the body included


class StrictJSONParser(BaseParser):
    """Parses UTF-8 JSON of at most DATA_UPLOAD_MAX_MEMORY_SIZE bytes, with numbers that a double can hold."""

    media_type = "application/json"

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        """Return the parsed value. Raises RequestDataTooBig, UnsupportedMediaType for another charset, ParseError."""
        request = (parser_context or {}).get("request")
        raw: bytes = request.body if request is not None else stream.read()
        charset = request.content_params.get("charset", "utf-8") if request is not None else "utf-8"
        if charset.strip("\"'").lower() not in {"utf-8", "utf8"}:
            raise UnsupportedMediaType(media_type or self.media_type)
        try:
            # A byte order mark is not part of JSON, but editors on Windows write one.
            return json.loads(
                raw.decode("utf-8-sig"), parse_constant=_refuse_constant, parse_float=_parse_float, parse_int=_parse_int
            )
        except (ValueError, RecursionError) as error:
            raise ParseError from error


def _refuse_constant(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


def _parse_float(digits: str) -> float:
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
    """Selects the parser by content type, which must not be a pattern, and always the first renderer."""

    def select_parser(self, request: Request, parsers: Iterable[BaseParser]) -> BaseParser | None:
        if "*" in (request.content_type or "").partition(";")[0]:
            return None
        return super().select_parser(request, parsers)

    def select_renderer(
        self,
        request: Request,  # noqa: ARG002  DRF's signature
        renderers: Iterable[BaseRenderer],
        format_suffix: str | None = None,  # noqa: ARG002
    ) -> tuple[BaseRenderer, str]:
        first = next(iter(renderers))
        return first, first.media_type
