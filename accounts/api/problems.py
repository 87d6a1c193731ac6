"""Envelope A: what is wrong with the shape of a request, in Joi's words."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any, Self

Path = tuple[str | int, ...]
REPORTED = 5000  # a body of 1 MiB can hold half a million wrong items; nobody reads beyond this
ECHOED = 200  # characters of a wrong value that are worth sending back


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong. `path` leads from the body's root, or is the query parameter's name.

    `type` is Joi's code; `says` is Joi's sentence without its label; `context` adds `limit`, `valids` and the like.
    """

    path: Path
    type: str
    says: str
    context: dict[str, Any] = field(default_factory=dict)

    def as_wire(self) -> dict[str, Any]:
        """Return the error as clients see it, free of characters that UTF-8 cannot carry."""
        label = _label(self.path)
        context = {"label": label, **self.context}
        if self.path:
            context["key"] = self.path[-1]
        error = {"message": f'"{label}" {self.says}', "path": list(self.path), "type": self.type, "context": context}
        return {key: _encodable(value) for key, value in error.items()}


class ShapeError(Exception):
    """The request's shape is wrong: 422, envelope A, with every problem that was found."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        super().__init__("The shape of the request is wrong")
        self.problems = list(problems)

    @classmethod
    def one(cls, type_: str, says: str, *, path: Path = (), value: Any = None, **context: Any) -> Self:
        """Return an error of a single problem. `value` is echoed when it is small and plain."""
        if isinstance(value, bool | int | float) or (isinstance(value, str) and len(value) <= ECHOED):
            context["value"] = value
        return cls([Problem(path, type_, says, context)])

    def under(self, key: str | int) -> list[Problem]:
        """Return the problems as seen from the container that holds them at `key`."""
        return [replace(problem, path=(key, *problem.path)) for problem in self.problems]

    def as_wire(self) -> dict[str, Any]:
        """Return the body of the answer."""
        return {"error": [problem.as_wire() for problem in self.problems[:REPORTED]]}


def _label(path: Path) -> str:
    if not path:
        return "value"
    return path[-1] if isinstance(path[-1], str) else f"[{path[-1]}]"


def _encodable(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, list):
        return [_encodable(item) for item in value]
    if isinstance(value, dict):
        return {_encodable(key): _encodable(item) for key, item in value.items()}
    return value
