"""What requests and answers look like. The schema shows them, and a test replays each against the real thing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

JSON, CSV = "application/json", "text/csv"


@dataclass(frozen=True)
class Example:
    """A request and what it is answered.

    `given` is what must be so beforehand, in words that the test knows how to bring about. What differs from call to
    call (ids, instants) is compared by its kind alone. `body`, `query` and `headers` are what is sent.
    """

    name: str
    status: int
    answer: Any
    given: str = ""
    body: Any = None
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    kind: str = JSON

    @property
    def key(self) -> str:
        """What the schema calls it."""
        return "-".join("".join(one if one.isalnum() else " " for one in self.name.lower()).split())


def refused(name: str, status: int, message: str, given: str = "", **more: Any) -> Example:
    """Return an example of envelope B; `details` are the envelope's, what else is given the example's."""
    details = {"details": more.pop("details")} if "details" in more else {}
    return Example(name, status, {"message": message, **details}, given, **more)


def misshapen(name: str, path: Sequence[str | int], type_: str, says: str, *, sent: Mapping[str, Any]) -> Example:
    """Return an example of envelope A with one problem; `sent` are the example's `body` or `query`, and `context`."""
    label = str(path[-1]) if path else "value"
    context = {"label": label, **sent.get("context", {}), **({"key": path[-1]} if path else {})}
    problem = {"message": f'"{label}" {says}', "path": list(path), "type": type_, "context": context}
    given = {key: value for key, value in sent.items() if key != "context"}
    return Example(name, 422, {"error": [problem]}, **given)


def no_limit(query: Mapping[str, str] | None = None, *, most: int = 500) -> Example:
    """Return the example of a list that is asked for more than it gives at once."""
    query = {**(query or {}), "limit": str(most * 2)}
    context = {"limit": most, "value": most * 2}
    says = f"must be less than or equal to {most}"
    return misshapen("A limit out of bounds", ["limit"], "number.max", says, sent={"query": query, "context": context})


UNKNOWN = refused("Not found", 404, "Not found", "nothing there")
NOT_JSON = misshapen("Not JSON", [], "object.base", "must be valid JSON", sent={"body": b'{"status": '})


def everywhere(scope: str | None, *, body: bool) -> list[Example]:
    """Return what any operation may answer, one that needs the scope; with `body` also what comes of a wrong one."""
    found = [
        refused("Inactive organization", 402, "The organization is inactive", "an inactive organization"),
        refused("No signature", 403, "Missing authentication headers", "no signature"),
        refused("No date", 403, "Invalid date", "a date that is none"),
        refused("Old signature", 403, "Signature expired", "an old signature"),
        refused("Wrong signature", 403, "Invalid signature", "a wrong signature"),
        refused(
            "Full signature wanted", 403,
            "This organization wants requests signed in full: send x-signature-full", "a full signature is required",
        ),
        refused("Too large", 413, "The body is larger than 1 MiB", "too large a body"),
        refused("Too many", 429, "Too many requests", "too many requests"),
    ]  # fmt: skip
    if scope:
        found.append(refused("Scope missing", 403, f"This key lacks the scope {scope}", "a key without scopes"))
    if body:
        says = "Send JSON in UTF-8, with the content type application/json"
        found.append(refused("Not JSON by its type", 415, says, "another content type"))
    return found
