"""The requested fields. A field that the platform does not know fails the whole read, so each can be dropped."""

import re
from collections.abc import Collection, Sequence
from typing import NamedTuple

from posts.graph.errors import GraphError, InvalidRequest, PermissionDenied

NAMED = re.compile(r"nonexisting field \((\w+)\)")


class FieldGroup(NamedTuple):
    """Fields that are requested or dropped together, and the `columns` that are unknown without them.

    `people`: they require the permission to read what other people did.
    """

    name: str
    fields: str
    columns: tuple[str, ...] = ()
    people: bool = False


def fields_param(groups: Sequence[FieldGroup], without: Collection[str]) -> str:
    """Return the value of `fields=`."""
    return ",".join(group.fields for group in groups if group.name not in without)


def missing_columns(groups: Sequence[FieldGroup], without: Collection[str]) -> set[str]:
    """Return the columns of the dropped groups."""
    return {column for group in groups if group.name in without for column in group.columns}


def groups_to_drop(error: GraphError, groups: Sequence[FieldGroup], without: Collection[str]) -> set[str]:
    """Return the names of the groups to drop after this error; empty when dropping would not help.

    A field that the error names drops its group alone, a missing permission drops the `people` groups. The first group
    is never dropped.
    """
    left = [group for group in groups[1:] if group.name not in without]
    if isinstance(error, PermissionDenied):
        return {group.name for group in left if group.people}
    field = NAMED.search(str(error)) if isinstance(error, InvalidRequest) else None
    if field is None:
        return set()
    return {group.name for group in left if re.search(rf"\b{field[1]}\b", group.fields)}


def optional(groups: Sequence[FieldGroup], without: Collection[str]) -> set[str]:
    """Return the names of all groups that can be dropped, for an error that names no field."""
    return {group.name for group in groups[1:] if group.name not in without}
