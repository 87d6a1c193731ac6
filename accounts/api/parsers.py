"""JSON in: strict, UTF-8, at most DATA_UPLOAD_MAX_MEMORY_SIZE bytes, and nothing that JSON or a double cannot hold."""

import json
import math
from collections.abc import Mapping
from typing import IO, Any, NoReturn

from rest_framework.exceptions import UnsupportedMediaType
from rest_framework.parsers import BaseParser

from accounts.api.problems import ShapeError


class StrictJSONParser(BaseParser):
    """Parse the body. Raises ShapeError (empty path, `object.base`) for what is not JSON in UTF-8."""

    media_type = "application/json"

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        """Return the parsed value. Raises RequestDataTooBig, UnsupportedMediaType for another charset, ShapeError."""
        request = (parser_context or {}).get("request")
        raw: bytes = request.body if request is not None else stream.read()
        charset = request.content_params.get("charset", "utf-8") if request is not None else "utf-8"
        if charset.strip("\"'").lower() not in {"utf-8", "utf8"}:
            raise UnsupportedMediaType(media_type or self.media_type)
        try:
            # A byte order mark is not JSON's, but editors on Windows write one.
            return json.loads(
                raw.decode("utf-8-sig"), parse_constant=_refuse, parse_float=_finite, parse_int=_small_enough
            )
        except (ValueError, RecursionError):
            raise ShapeError.one("object.base", "must be valid JSON") from None


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError("no double can hold this number")
    return number


def _small_enough(digits: str) -> int:
    if len(digits) > 16:
        _finite(digits)
    return int(digits)
