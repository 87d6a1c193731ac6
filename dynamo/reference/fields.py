"""Tables of fields, out of JSON Schema: what each is called, what it may be, and what is inside it."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django.utils.safestring import SafeString

from dynamo.reference.marking import pretty, prose

Schema = dict[str, Any]
FORMATS = {"date-time": "instant", "date": "date", "uuid": "UUID", "uri": "URL"}
LIMITS = {
    "maxLength": "at most {} characters",
    "minItems": "at least {}",
    "maxItems": "at most {}",
    "minimum": "from {}",
    "maximum": "to {}",
}


@dataclass(frozen=True)
class Field:
    """A line of a table. `inside` are the fields of what it holds; `topic` is the object that says them elsewhere."""

    name: str
    kind: str
    required: bool
    says: SafeString
    choices: list[str] = field(default_factory=list)
    facts: list[str] = field(default_factory=list)
    inside: list["Field"] = field(default_factory=list)
    topic: str = ""
    example: str = ""


@dataclass(frozen=True)
class Tables:
    """Reads the description's components. `topics` are those that have a section of their own."""

    components: Schema
    topics: frozenset[str]

    def of(self, schema: Schema, *, asked: bool) -> list[Field]:
        """Return the table of an object, or of the objects in an array; `asked`: clients send it."""
        found = self._resolved(schema)
        if "oneOf" in found:
            return [line for one in found["oneOf"] for line in self.of(one, asked=asked)]
        if found.get("type") == "array":
            return self.of(found["items"], asked=asked)
        needed = found.get("required", []) if asked else []
        return [
            self.line(name, one, required=name in needed, asked=asked)
            for name, one in found.get("properties", {}).items()
        ]

    def line(self, name: str, schema: Schema, *, required: bool, asked: bool) -> Field:
        """Return the line of one field, or of one parameter."""
        kinds, holds = self._kinds(schema)
        topic = self.topic(holds)
        facts = [words.format(f"{schema[limit]:,}") for limit, words in LIMITS.items() if limit in schema]
        if "default" in schema:
            facts.append(f"default {schema['default']}")
        inside = [] if topic or not holds else self._inside(holds, asked=asked)
        choices = [str(one) for one in schema.get("enum", []) if one is not None]
        return Field(name, kinds, required, prose(schema.get("description", "")), choices, facts, inside, topic)

    def parameter(self, one: Schema) -> Field:
        """Return the line of a parameter."""
        line = self.line(one["name"], one["schema"], required=one.get("required", False), asked=True)
        example = pretty(one["example"]).strip('"') if "example" in one and one["in"] != "header" else ""
        return Field(line.name, line.kind, line.required, prose(one.get("description", "")), line.choices, line.facts,
                     example=example)  # fmt: skip

    def topic(self, schema: Schema | None) -> str:
        """Return the name of the section that an object has, empty for none."""
        name = self.name(schema)
        return name if name in self.topics else ""

    def name(self, schema: Schema | None) -> str:
        """Return the name of the component that a schema, or its items, refer to: what is sent as what is given."""
        if not schema:
            return ""
        if schema.get("type") == "array":
            return self.name(schema["items"])
        return str(schema.get("$ref", "")).rpartition("/")[2].removesuffix("Request")

    def _inside(self, holds: Schema, *, asked: bool) -> list[Field]:
        each = holds.get("additionalProperties")
        if isinstance(each, dict):
            return [self.line("{key}", each, required=False, asked=asked)] if each else []
        return self.of(holds, asked=asked)

    def _kinds(self, schema: Schema) -> tuple[str, Schema | None]:
        """Return what a value may be, in words, and the object that it holds, if any."""
        options = schema.get("oneOf") or schema.get("allOf")
        if options:
            real = [one for one in options if one != {"type": "null"}]
            words, holds = self._kinds(real[0])
            return words + (" or null" if len(real) < len(options) else ""), holds
        if "$ref" in schema:
            return "object", schema
        types = schema.get("type", "any JSON")
        plain = [one for one in ([types] if isinstance(types, str) else types) if one != "null"]
        words, holds = " or ".join(plain), None
        if plain == ["array"]:
            inner, holds = self._kinds(schema.get("items", {}))
            words = f"list of {inner if inner.endswith('JSON') else inner + 's'}"
        elif plain == ["object"]:
            holds = schema
        elif formats := list(self._formats(schema)):
            words = " or ".join(formats)
        return words + (" or null" if isinstance(types, list) and "null" in types else ""), holds

    @staticmethod
    def _formats(schema: Schema) -> Iterator[str]:
        for one in [schema, *schema.get("anyOf", [])]:
            if one.get("format") in FORMATS:
                yield FORMATS[one["format"]]

    def _resolved(self, schema: Schema) -> Schema:
        name = str(schema.get("$ref", "")).rpartition("/")[2]
        found: Schema = self.components[name] if name else schema
        return found
