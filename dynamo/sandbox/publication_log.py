"""The publication log: every post that became visible, once, in order. Tests of exactly-once read it."""

from typing import Any

from dynamo.sandbox.http import iso_milliseconds
from dynamo.sandbox.models import Post
from dynamo.sandbox.state import SandboxContext, now


def published_entries(context: SandboxContext, *, skip: int = 0) -> list[dict[str, Any]]:
    """Return the entries after the first `skip`. A text that went live twice has two entries."""
    with context.state.lock:
        live = context.state.live(now())
    # Without the lock: a long log must not delay publishing.
    return [entry(context, post) for post in live[skip:]]


def entry(context: SandboxContext, post: Post) -> dict[str, Any]:
    """Return a post as JSON; `calls` is the number of writes for the same text, photo, session or container."""
    origin = dict(post.created_by)
    origin["received_at"] = iso_milliseconds(origin.get("received_at") or post.created_at)
    return {
        "account": post.account,
        "account_type": context.state.account(post.account).type,
        "id": post.id,
        "kind": post.kind,
        "message": post.message,
        "link": post.link or None,
        "media": post.media_url or context.stored_url(post.sha256) or None,
        "media_sha256": post.sha256 or None,
        "photos": post.photos,
        "video": post.video or None,
        "container": post.container or None,
        "published_at": iso_milliseconds(post.visible_at or 0),
        "deleted_at": iso_milliseconds(post.deleted_at) if post.deleted_at is not None else None,
        "permalink": context.permalink(post.id),
        "created_by": origin,
        "calls": max(1, context.state.calls[post.key]),
    }
