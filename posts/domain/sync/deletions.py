"""Detects posts that were deleted on the platform.

A post counts as deleted after two refusals (100/33) at least a day apart, if the listings lacked it both times and the
platform returned other objects of the account. 100/33 alone is not enough: in May 2026 the platform returned it for
everything for most of a day. A post that the platform returns again is restored at once.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

from django.db.models import Q, QuerySet

from accounts import clock
from posts.domain.published_posts import upsert_posts
from posts.domain.sync.state import save_state
from posts.graph import feed
from posts.graph.account import Account
from posts.graph.errors import NotFound
from posts.graph.parsing import ImportedPost
from posts.models import Channel, ChannelSync, PostType, PublishedPost

SPACING = timedelta(hours=24)
LISTING_DELAY = timedelta(minutes=10)  # a younger post may not be listed yet
STORY_AGE = timedelta(hours=23)  # an older story may have left its listing because it expired
MAX_CHECKS = 100  # posts per walk; the others are checked by the next one


def check_missing_posts(
    channel: Channel, account: Account, state: ChannelSync, *, spend: Callable[[], None], rest: Callable[[], None]
) -> None:
    """Request each post that the walk should have listed and did not. `state.cursor` is the number of checked posts.

    `spend` is called before, `rest` after each post; their exceptions and GraphErrors end the checks.
    """
    start = state.started_at or clock.now()
    while (number := int(state.cursor or 0)) < MAX_CHECKS:
        post = _missing_posts(channel, start, state.since).first()
        if post is None:
            return
        spend()
        deleted = 0
        try:
            imported = feed.fetch_post(account, post.platform_id, without=state.excluded_fields)
        except NotFound:
            imported = None
        if imported is not None:
            # Without `type`: a reel that is requested by its id looks like any other post.
            changed = ImportedPost.without({"type"}, imported.platform_id, imported.published_at, imported.values)
            upsert_posts(channel, [changed], clock.now())
        elif not feed.is_reachable(account, _listed_id(channel, account, start)):
            return
        else:
            deleted = _record_refusal(post, start)
        save_state(state, cursor=str(number + 1), deleted_count=state.deleted_count + deleted)
        rest()


def _missing_posts(channel: Channel, start: datetime, since: datetime | None) -> QuerySet[PublishedPost]:
    """Return the posts that the walk, started at `start`, did not list and that were not checked within SPACING."""
    now = clock.now()
    posts = PublishedPost.objects.filter(
        Q(missing_since=None) | Q(missing_since__lte=now - SPACING),
        channel=channel,
        deleted_at=None,
        imported_at__lt=start,
        published_at__lt=start - LISTING_DELAY,
    ).exclude(type=PostType.STORY, published_at__lt=now - STORY_AGE)
    if since is not None:
        posts = posts.filter(published_at__gte=since)
    return posts.order_by("imported_at", "pk")


def _record_refusal(post: PublishedPost, start: datetime) -> int:
    """Set `missing_since`, or the second time `deleted_at`; return 1 then. A post imported since `start` is kept."""
    unseen = PublishedPost.objects.filter(pk=post.pk, imported_at__lt=start, deleted_at=None)
    if post.missing_since is None:
        unseen.update(missing_since=clock.now())
        return 0
    return unseen.update(deleted_at=clock.now())


def _listed_id(channel: Channel, account: Account, start: datetime) -> str:
    """Return the id of a post that this walk has listed, else of the account itself."""
    listed = PublishedPost.objects.filter(channel=channel, deleted_at=None, imported_at__gte=start)
    newest = listed.order_by("-published_at", "-platform_id").values_list("platform_id", flat=True).first()
    return newest or account.platform_id
