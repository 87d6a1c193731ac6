"""Posts that the listings do not show any more: are they gone, or is the platform confused?

A post counts as gone after two refusals (100/33) at least a day apart, while the listings lacked it each time and the
platform showed other things of the account. 100/33 alone proves nothing: in May 2026 it was answered for everything
for most of a day. A post that the platform shows again is back at once.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

from django.db.models import Q, QuerySet

from accounts import clock
from posts.domain.sync.state import save_state
from posts.domain.sync.store import upsert_posts
from posts.graph import feed as reading
from posts.graph.account import Account
from posts.graph.errors import NotFound
from posts.graph.feed import ImportedPost
from posts.models import Channel, ChannelSync, PostType, PublishedPost

SPACING = timedelta(hours=24)
SETTLING = timedelta(minutes=10)  # what is younger may not be listed yet
STORY = timedelta(hours=23)  # later a story leaves its listing because its day is over
AT_MOST = 100  # questions in one walk; the others wait for the next one


def check_missing_posts(
    channel: Channel, account: Account, state: ChannelSync, *, spend: Callable[[], None], rest: Callable[[], None]
) -> None:
    """Ask for each post that the walk should have met and did not. `state.cursor` counts the questions meanwhile.

    Raises GraphErrors, and whatever `spend` and `rest`, which are called around each question, raise.
    """
    start = state.started_at or clock.now()
    while (number := int(state.cursor or 0)) < AT_MOST:
        row = _missed(channel, start, state.since).first()
        if row is None:
            return
        spend()
        gone = 0
        try:
            found = reading.fetch_post(account, row.platform_id, without=state.excluded_fields)
        except NotFound:
            found = None
        if found is not None:
            upsert_posts(channel, [_as_known(found)], clock.now())
        elif not reading.is_reachable(account, _known_to_be_there(channel, account, start)):
            return
        else:
            gone = _refused(row, start)
        save_state(state, cursor=str(number + 1), deleted_count=state.deleted_count + gone)
        rest()


def _missed(channel: Channel, start: datetime, since: datetime | None) -> QuerySet[PublishedPost]:
    """Return what the walk, begun at `start`, passed over, and what was not asked for within the spacing."""
    now = clock.now()
    rows = PublishedPost.objects.filter(
        Q(missing_since=None) | Q(missing_since__lte=now - SPACING),
        channel=channel,
        deleted_at=None,
        imported_at__lt=start,
        published_at__lt=start - SETTLING,
    ).exclude(type=PostType.STORY, published_at__lt=now - STORY)
    if since is not None:
        rows = rows.filter(published_at__gte=since)
    return rows.order_by("imported_at", "pk")


def _refused(row: PublishedPost, start: datetime) -> int:
    """Note one more proof; return whether it was the last one that it takes. A post seen meanwhile stays."""
    now = clock.now()
    mine = PublishedPost.objects.filter(pk=row.pk, imported_at__lt=start, deleted_at=None)
    if row.missing_since is None:
        mine.update(missing_since=now)
        return 0
    return mine.update(deleted_at=now)


def _as_known(found: ImportedPost) -> ImportedPost:
    """Return it without its type: a reel reads like any other post when it is asked for by its id."""
    values = {column: value for column, value in found.values.items() if column != "type"}
    return ImportedPost(found.platform_id, found.published_at, values)


def _known_to_be_there(channel: Channel, account: Account, start: datetime) -> str:
    """Return the id of something that this walk has seen: a post, else the account itself."""
    seen = PublishedPost.objects.filter(channel=channel, deleted_at=None, imported_at__gte=start)
    newest = seen.order_by("-published_at", "-platform_id").values_list("platform_id", flat=True).first()
    return newest or account.platform_id
