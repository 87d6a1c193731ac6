"""What no field of any depth may carry, because no database, digest or platform would carry it through."""

import math
from collections.abc import Iterator
from typing import Any

from accounts.api.problems import Path, Problem

DEEPEST = 64  # containers within one another, the body itself included


def unsound(value: Any, path: Path = ()) -> Iterator[Problem]:
    """Yield a problem for each NUL, each half of a surrogate pair and each non-finite number, in values and keys.

    What is nested deeper than 64 levels is one problem, and is not looked into.
    """
    if isinstance(value, str):
        if reason := _unsayable(value):
            yield Problem(path, "string.base", f"must not contain {reason}")
    elif isinstance(value, float) and not math.isfinite(value):
        yield Problem(path, "number.base", "must be a number")
    elif isinstance(value, dict | list):
        if len(path) >= DEEPEST:
            yield Problem(path, "object.base", f"must not be nested deeper than {DEEPEST} levels")
            return
        if isinstance(value, dict):
            reasons = {reason for key in value if (reason := _unsayable(key))}
            for reason in sorted(reasons):
                yield Problem(path, "object.base", f"must not have a key that contains {reason}")
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from unsound(item, (*path, key))


def _unsayable(text: str) -> str:
    if "\x00" in text:
        return "a NUL character"
    if text.isascii():
        return ""
    try:
        text.encode()
    except UnicodeEncodeError:
        return "half of a surrogate pair"
    return ""
