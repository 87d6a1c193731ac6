"""Which fields are asked for. One that the platform does not know fails the whole read, so each can be left out."""

import re
from collections.abc import Collection, Sequence
from typing import NamedTuple

from posts.graph.errors import GraphError, InvalidRequest, PermissionDenied

NAMED = re.compile(r"nonexisting field \((\w+)\)")


class FieldGroup(NamedTuple):
    """Fields that are asked for or left out together, and the columns that nothing is known of without them.

    `people`: takes the permission to read what others did.
    """

    name: str
    fields: str
    columns: tuple[str, ...] = ()
    people: bool = False


def fields_param(parts: Sequence[FieldGroup], without: Collection[str]) -> str:
    """Return the value of `fields=`."""
    return ",".join(part.fields for part in parts if part.name not in without)


def missing_columns(parts: Sequence[FieldGroup], without: Collection[str]) -> set[str]:
    """Return the columns of which nothing is known, because their part is left out."""
    return {column for part in parts if part.name in without for column in part.columns}


def groups_to_drop(error: GraphError, parts: Sequence[FieldGroup], without: Collection[str]) -> set[str]:
    """Return the names of the parts to leave out after this refusal; empty when leaving out would not help.

    A field that the refusal names costs its part alone. A missing permission costs what others did. The first part
    of a set is never left out.
    """
    left = [part for part in parts[1:] if part.name not in without]
    if isinstance(error, PermissionDenied):
        return {part.name for part in left if part.people}
    if not isinstance(error, InvalidRequest):
        return set()
    found = NAMED.search(str(error))
    if found is None:
        return set()
    return {part.name for part in left if re.search(rf"\b{found[1]}\b", part.fields)}


def optional(parts: Sequence[FieldGroup], without: Collection[str]) -> set[str]:
    """Return all that can be left out, for a refusal that names nothing."""
    return {part.name for part in parts[1:] if part.name not in without}
