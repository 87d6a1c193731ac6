"""Taking comments away, as an account may below its own posts."""

from typing import Any

from dynamo.sandbox.nodes import Comment, Post
from dynamo.sandbox.state import now
from dynamo.sandbox.world import World


def delete(world: World, comment: Comment) -> dict[str, Any]:
    with world.state.lock:
        remove(world, comment)
        return {"success": True}


def remove(world: World, comment: Comment) -> None:
    """Delete a comment, kept or computed; its replies go with it. Lock held."""
    post = world.state.nodes[comment.post]
    assert isinstance(post, Post)  # noqa: S101  a comment's post is a post
    kept = world.state.comments.get(post.id, [])
    audience = world.state.audience(post)
    audience.deleted[comment.id] = 1
    for one in kept:
        if comment.id in {one.id, one.parent}:
            one.deleted_at = now()
            audience.deleted[one.id] = 1
            world.state.put(one)
    parent = world.state.find(comment.parent)
    if isinstance(parent, Comment):
        parent.replies -= 1
        world.state.put(parent)
    elif audience.more_replies.get(comment.parent) and comment.id in world.state.nodes:
        audience.more_replies[comment.parent] -= 1
    world.state.put(audience)
