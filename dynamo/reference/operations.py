"""The operations as the page shows them, all of it out of the description."""

from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from django.utils.safestring import SafeString

from dynamo.openapi import operations
from dynamo.reference.curl import command
from dynamo.reference.fields import Field, Tables
from dynamo.reference.marking import paragraphs, prose, shown

TONES = {2: "green", 4: "amber", 5: "red"}
PLACES = {"path": "Path", "query": "Query", "header": "Headers"}


@dataclass(frozen=True)
class Sample:
    """An example, titled."""

    title: str
    text: SafeString | str


@dataclass(frozen=True)
class Answer:
    """What an operation may answer with one status. `topic` is the object that it is, `many` whether a list of them."""

    status: str
    phrase: str
    tone: str
    says: SafeString
    topic: str
    many: bool
    fields: list[Field]
    samples: list[Sample]

    @property
    def others(self) -> list[Sample]:
        """The examples after the first, which stands beside the operation."""
        return self.samples[1:]


@dataclass(frozen=True)
class Operation:
    """A method of a path. `always` are refusals that every operation knows; they are said once."""

    anchor: str
    method: str
    path: str
    title: str
    says: list[SafeString]
    scope: str
    parameters: list[tuple[str, list[Field]]]
    body: list[Field]
    requests: list[Sample]
    answers: list[Answer]
    always: list[str]

    @property
    def shown(self) -> Answer:
        """The answer that is hoped for; what is always refused has another."""
        return self.answers[0]


@dataclass(frozen=True)
class Reader:
    """Reads a description. Statuses of `everywhere` are left to the chapter on errors."""

    description: dict[str, Any]
    tables: Tables
    everywhere: tuple[str, ...]

    def operations(self, tag: str) -> list[Operation]:
        """Return the operations of a group."""
        return [self._one(path, method, said) for path, method, said in self._of(tag)]

    def common(self) -> list[Answer]:
        """Return what every operation may answer: of each status the first that the description has."""
        found: dict[str, Answer] = {}
        for _, _, said in operations(self.description):
            for status, one in said["responses"].items():
                if status in self.everywhere and status not in found and len(self.resolved(one)["content"]):
                    found[status] = self.answer(status, one)
        return [found[status] for status in self.everywhere]

    def answer(self, status: str, one: dict[str, Any]) -> Answer:
        """Return one answer."""
        said = self.resolved(one)
        schema: dict[str, Any] = {}
        samples: list[Sample] = []
        for kind, content in said["content"].items():
            schema = content["schema"] if kind == "application/json" else schema
            samples += [Sample(each["summary"], shown(each["value"], kind)) for each in content["examples"].values()]
        topic = self.tables.topic(schema)
        fields = [] if topic else self.tables.of(schema, asked=False)
        many, phrase = schema.get("type") == "array", HTTPStatus(int(status)).phrase
        return Answer(
            status, phrase, TONES[int(status) // 100], prose(said["description"]), topic, many, fields, samples
        )

    def resolved(self, one: dict[str, Any]) -> dict[str, Any]:
        """Return an answer that may be said elsewhere."""
        name = str(one.get("$ref", "")).rpartition("/")[2]
        found: dict[str, Any] = self.description["components"]["responses"][name] if name else one
        return found

    def _of(self, tag: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
        for path, method, said in operations(self.description):
            if tag in said["tags"]:
                yield path, method, said

    def _one(self, path: str, method: str, said: dict[str, Any]) -> Operation:
        content = said.get("requestBody", {}).get("content", {}).get("application/json", {})
        examples = content.get("examples", {}).values()
        bodies = [(one["summary"], one["value"]) for one in examples] or [("", None)]
        always = [status for status in said["responses"] if status in self.everywhere]
        own = {status: one for status, one in said["responses"].items() if status not in always or status == only(said)}
        roles = said["security"][0]["apiKey"]
        says = [one for one in said.get("description", "").split("\n\n") if not one.startswith("Needs the scope")]
        return Operation(
            anchor=anchor(method, path),
            method=method.upper(),
            path=path,
            title=said["summary"],
            says=paragraphs("\n\n".join(says)),
            scope=roles[0] if roles else "",
            parameters=list(self._parameters(said)),
            body=self.tables.of(content["schema"], asked=True) if content else [],
            requests=[Sample(title, command(path, method, said, body)) for title, body in bodies],
            answers=[self.answer(status, one) for status, one in own.items()],
            always=[status for status in always if status not in own],
        )

    def _parameters(self, said: dict[str, Any]) -> Iterator[tuple[str, list[Field]]]:
        for place, title in PLACES.items():
            found = [one for one in said.get("parameters", []) if one["in"] == place]
            if found:
                yield title, sorted(map(self.tables.parameter, found), key=lambda one: not one.required)


def only(said: dict[str, Any]) -> str:
    """Return 403 for an operation that is always refused, empty for the others."""
    return "" if any(status < "300" for status in said["responses"]) else "403"


def anchor(method: str, path: str) -> str:
    """Return the name under which an operation is linked to."""
    words = [word for word in path.removeprefix("/v1/").split("/") if not word.startswith("{")]
    one = "-one" if path.endswith("}") else ""
    return f"{method}-{'-'.join(words)}{one}"
