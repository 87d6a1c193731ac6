"""The requested fields. A field that the platform does not know fails the whole read, so each can be dropped."""

import re
from collections.abc import Callable, Collection, Sequence
from typing import Any, NamedTuple

from posts.graph import client
from posts.graph.account import Account
from posts.graph.errors import InvalidRequest, PermissionDenied

Before = Callable[[], None]
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


def groups_to_drop(
    error: InvalidRequest | PermissionDenied, groups: Sequence[FieldGroup], without: Collection[str], *, guess: bool
) -> set[str]:
    """Return the names of the groups to drop after this error; empty when dropping would not help.

    A field that the error names drops its group alone, a missing permission drops the `people` groups. With `guess` any
    other refusal drops all groups but the first, which is never dropped.
    """
    left = [group for group in groups[1:] if group.name not in without]
    if isinstance(error, PermissionDenied):
        return {group.name for group in left if group.people}
    field = NAMED.search(str(error))
    named = {group.name for group in left if field and re.search(rf"\b{field[1]}\b", group.fields)}
    return named or {group.name for group in left if guess}


def get_node(
    account: Account,
    node_id: str,
    groups: Sequence[FieldGroup],
    without: Collection[str],
    *,
    guess: bool,
    before: Before = lambda: None,
) -> tuple[dict[str, Any], set[str]]:
    """Return the fields of one object, and the groups that were dropped. `before` is called ahead of each call."""
    dropped = set(without)
    while True:
        before()
        try:
            return client.get(account, node_id, fields=fields_param(groups, dropped)), dropped
        except (InvalidRequest, PermissionDenied) as error:
            more = groups_to_drop(error, groups, dropped, guess=guess)
            if not more:
                raise
            dropped |= more
