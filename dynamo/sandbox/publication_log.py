"""The publication log: every post that became visible, once, in order. Tests prove exactly-once against it."""

from typing import Any

from dynamo.sandbox.http import exact
from dynamo.sandbox.models import Post
from dynamo.sandbox.state import SandboxContext, now


def published_entries(world: SandboxContext, *, skip: int = 0) -> list[dict[str, Any]]:
    """Return the entries after the first `skip`; nothing is merged, so what went live twice stands here twice."""
    with world.state.lock:
        live = world.state.live(now())
    # Written out without the lock: a long record must not delay the publishing that it proves.
    return [entry(world, post) for post in live[skip:]]


def entry(world: SandboxContext, post: Post) -> dict[str, Any]:
    """`calls` counts the writes that the sandbox got for the same thing: text, staged photo, session or container."""
    origin = dict(post.created_by)
    origin["received_at"] = exact(origin.get("received_at") or post.created_at)
    return {
        "account": post.account,
        "account_type": world.state.account(post.account).type,
        "id": post.id,
        "kind": post.kind,
        "message": post.message,
        "link": post.link or None,
        "media": post.media_url or world.stored_url(post.sha256) or None,
        "media_sha256": post.sha256 or None,
        "photos": post.photos,
        "video": post.video or None,
        "container": post.container or None,
        "published_at": exact(post.visible_at or 0),
        "deleted_at": exact(post.deleted_at) if post.deleted_at is not None else None,
        "permalink": world.permalink(post.id),
        "created_by": origin,
        "calls": max(1, world.state.calls[post.key]),
    }
