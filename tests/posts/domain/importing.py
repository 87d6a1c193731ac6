"""What the tests of importing share: posts that were made elsewhere, and the rows that became of them."""

from typing import Any

from posts.models import Channel, PublishedPost
from tests.services.sandbox import SandboxControl

COLUMNS = (
    "platform_id", "type", "caption", "media_url", "media_type", "thumbnail_url", "permalink", "published_at", "likes",
    "comments", "shares", "reactions",
)  # fmt: skip


def make(sandbox: SandboxControl, channel: Channel, *items: dict[str, Any], **series: Any) -> list[str]:
    """Make posts on the channel's account; return the ids of `items`."""
    order = {"account": channel.platform_id, **({"items": list(items)} if items else {}), **series}
    return list(sandbox.call("POST", "/__posts", order)["ids"])


def rows(channel: Channel) -> list[tuple[Any, ...]]:
    """Return what is known of the channel's posts, by id."""
    return list(PublishedPost.objects.filter(channel=channel).order_by("platform_id").values_list(*COLUMNS))


def row(platform_id: str) -> PublishedPost:
    return PublishedPost.objects.get(platform_id=platform_id)
