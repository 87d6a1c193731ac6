"""Reads a published post again soon after the platform's webhook announced a change of it.

The webhook names accounts and posts; what changed is read from the platform. Comments are not stored, so a refresh
updates the counts. Webhooks of one post within DELAY cause one read, and a channel has MAX_REFRESHES per WINDOW, so
that a flood cannot use up the rate limit. What is left out is read by the sync.
"""

import hashlib
import hmac
import json
import logging
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.core.cache import cache
from redis.exceptions import RedisError

from accounts import clock
from posts.domain import enqueue
from posts.domain.channels import graph_account
from posts.domain.published_posts import upsert_posts
from posts.graph import feed, rate_limits
from posts.graph.errors import GraphError
from posts.graph.parsing import ImportedPost, dig, parse_id
from posts.models import ChannelState, ChannelSync, ChannelType, PublishedPost

log = logging.getLogger(__name__)
DELAY = 5  # seconds from the first webhook to the read
LOST = 120  # seconds after which a read that did not happen no longer holds back another
MAX_REFRESHES, WINDOW = 20, 600  # reads of a channel, in seconds
MAX_POSTS = 500  # of one webhook
SIGNATURE_PREFIX = "sha256="
# By the webhook's object: the type of the channel, the field, and where the id of the post is in its value.
OBJECTS: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "page": (ChannelType.FB_PAGE, "feed", ("post_id",)),
    "instagram": (ChannelType.INSTAGRAM_ACCOUNT, "comments", ("media", "id")),
}


def is_genuine(body: bytes, signature: str) -> bool:
    """Whether `signature` (X-Hub-Signature-256) is that of the bytes of `body`. Never without an app secret."""
    secret = settings.GRAPH_APP_SECRET
    if not secret or not signature.startswith(SIGNATURE_PREFIX):
        return False
    expected = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(expected.encode(), signature.removeprefix(SIGNATURE_PREFIX).encode(errors="replace"))


def receive(body: bytes) -> int:
    """Request a refresh of the known posts that a webhook names; return how many. Ignores everything else.

    Raises ValueError for a body that is not JSON.
    """
    try:
        document = json.loads(body)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    channel_type, posts = changed_posts(document)
    if not posts:
        return 0
    rows = PublishedPost.objects.filter(
        channel__type=channel_type,
        channel__platform_id__in={account for account, _ in posts},
        channel__state=ChannelState.CONNECTED,
        platform_id__in={post for _, post in posts},
        deleted_at=None,
    )
    columns = rows.values_list("pk", "channel", "channel__platform_id", "platform_id")
    return sum(request_refresh(pk, channel) for pk, channel, *named in columns if tuple(named) in posts)


def changed_posts(document: Any) -> tuple[str, set[tuple[str, str]]]:
    """Return the type of the channels, and account and post ids of the changes. Empty for anything unknown."""
    channel_type, field, path = OBJECTS.get(str(dig(document, "object")), ("", "", ()))
    found: set[tuple[str, str]] = set()
    for entry in _dicts(dig(document, "entry")) if channel_type else ():
        account = parse_id(entry.get("id"))
        for change in _dicts(entry.get("changes")):
            post = parse_id(dig(change, "value", *path)) if change.get("field") == field else ""
            if account and post and len(found) < MAX_POSTS:
                found.add((account, post))
    return channel_type, found


def request_refresh(post_id: int, channel_id: int) -> bool:
    """Enqueue a refresh in DELAY seconds; return whether it was. Not while one waits, nor beyond the budget."""
    try:
        if not cache.add(_key(post_id), 1, timeout=LOST) or not _spend(channel_id):
            return False
    except (OSError, RedisError, ValueError):  # ValueError: evicted between two calls
        log.warning("The cache is down: a webhook of the platform is left to the sync")
        return False
    return enqueue.send_task("posts.refresh_post", post_id, countdown=DELAY)


def refresh(post_id: int) -> str:
    """Read the post again and store its counts; return the result as a word or two."""
    cache.delete(_key(post_id))  # first: a webhook that arrives from here on causes another read
    rows = PublishedPost.objects.filter(pk=post_id, deleted_at=None, channel__state=ChannelState.CONNECTED)
    post = rows.select_related("channel").first()
    if post is None:
        return "not connected"
    try:
        account = graph_account(post.channel)
        if rate_limits.background_pace(account) is not rate_limits.Pace.FREE:
            return "rate limit"
        state = ChannelSync.objects.filter(channel=post.channel).first()
        imported = feed.fetch_post(account, post.platform_id, without=state.excluded_fields if state else ())
    except GraphError as error:
        log.info("post %s was not refreshed: %s", post_id, error.label)
        return "failed"
    if imported is None:
        return "not visible"
    # Without `type`: a reel that is requested by its id looks like any other post.
    changed = ImportedPost.without({"type"}, imported.platform_id, imported.published_at, imported.values)
    upsert_posts(post.channel, [changed], clock.now())
    return "refreshed"


def _spend(channel_id: int) -> bool:
    """Count a read of the channel; return whether it is within the budget."""
    key = f"post-refreshes:{channel_id}:{int(clock.now().timestamp() // WINDOW)}"
    return cache.add(key, 1, timeout=WINDOW * 2) or int(cache.incr(key)) <= MAX_REFRESHES


def _key(post_id: int) -> str:
    return f"post-refresh:{post_id}"


def _dicts(value: Any) -> Iterator[dict[str, Any]]:
    yield from (item for item in value if isinstance(item, dict)) if isinstance(value, list) else ()
