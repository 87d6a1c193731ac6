"""What can be done to a Page's post or photo afterwards: change it, let it go live, delete it."""

from typing import Any

from dynamo.sandbox.errors import invalid
from dynamo.sandbox.facebook.scheduling import check_window
from dynamo.sandbox.http import Request
from dynamo.sandbox.models import Photo, Post, Video
from dynamo.sandbox.state import SandboxContext, now


def change(world: SandboxContext, request: Request, post: Post) -> dict[str, Any]:
    """POST /{page}_{post}. `is_published=true` is repeatable: a post that is live stays as it went live."""
    params = request.params
    with world.state.lock:
        scheduled = params.instant("scheduled_publish_time")
        if params.flag("is_published", default=False):
            world.state.calls[post.key] += 1
            if post.visible_at is None or post.visible_at > now():
                post.visible_at, post.scheduled_for, post.created_by = now(), None, request.origin()
        elif scheduled is not None:
            if post.is_visible(now()):
                raise invalid("The post is published already")
            check_window(scheduled, world.settings)
            post.visible_at = post.scheduled_for = scheduled
        if "message" in params.values:
            post.message = params.text("message")
        post.is_hidden = params.flag("is_hidden", default=post.is_hidden)
        post.is_pinned = params.flag("is_pinned", default=post.is_pinned)
        post.updated_at = now()
        world.state.put(post)
        return {"success": True}


def delete(world: SandboxContext, node: Post | Photo | Video) -> dict[str, Any]:
    with world.state.lock:
        node.deleted_at = now()
        world.state.put(node)
        return {"success": True}
