"""A node as JSON: the fields that were asked for plus `id`, absent ones left out. Field names: the v26 schema."""

from collections.abc import Callable
from typing import Any

from dynamo.sandbox import account_fields, comments, errors, insights, instagram_fields, page_fields
from dynamo.sandbox.field_parser import Field, keep, parse
from dynamo.sandbox.models import Account, Comment, Container, Node, Photo, Post, Video
from dynamo.sandbox.state import SandboxContext

Reader = Callable[[SandboxContext, Any, Field], Any]


def node_type(node: Node) -> str:
    """Return the platform's name of the node's type."""
    if isinstance(node, Account):
        return node.node_type
    if isinstance(node, Post):
        return "IGMedia" if node.media_type else "Post"
    if isinstance(node, Comment):
        return "Comment" if "_" in node.id else "IGComment"
    return {Photo: "Photo", Video: "Video", Container: "IGContainer"}[type(node)]


READERS: dict[str, dict[str, Reader]] = {
    "Page": account_fields.PAGE,
    "IGUser": account_fields.INSTAGRAM,
    "Post": page_fields.POST | {"insights": insights.edge},
    "Photo": page_fields.PHOTO,
    "Video": page_fields.VIDEO,
    "IGMedia": instagram_fields.MEDIA | {"insights": insights.edge},
    "IGContainer": instagram_fields.CONTAINER,
}
USUAL = {
    "Page": "name",
    "IGUser": "id",
    "Post": "created_time,message,story",
    "Photo": "created_time,name",
    "Video": "updated_time,description",
    "IGMedia": "id",
    "IGContainer": "id",
    "Comment": "created_time,from,message",
    "IGComment": "timestamp,text",
}


def view(world: SandboxContext, node: Node, fields: str = "") -> dict[str, Any]:
    """Return the node with these fields, or the usual ones. Raises 100 for a field that its type does not have."""
    return select(world, node, parse(fields or USUAL[node_type(node)]))


def select(world: SandboxContext, node: Node, wanted: list[Field]) -> dict[str, Any]:
    if isinstance(node, Comment):
        return comments.shown(world, node, wanted)
    kind = node_type(node)
    readers = READERS[kind]
    shown: dict[str, Any] = {}
    for one in wanted:
        if one.name != "id":
            if one.name not in readers:
                raise errors.unknown_field(one.name, kind)
            value = keep(readers[one.name](world, node, one), one)
            if value is not None:
                shown[one.alias] = value
    return shown | {"id": node.id}
