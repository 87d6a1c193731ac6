"""Posts that we published and whose id the platform did not tell: found again among what was read of the channel.

Conservatively. A video is known by its own id, which stands in the post's address. Otherwise channel, caption and time
must fit, one post to one delivery and no other: what could be two is left to a person.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import transaction

from accounts import clock
from posts.domain.published_posts import record_published
from posts.graph.publishers.recent_posts import same_text
from posts.models import PostType, PublishedPost
from scheduling.domain.content import Content
from scheduling.domain.publishing import outcomes, payload
from scheduling.domain.publishing.reconcile import claimed_deliveries
from scheduling.models import Attempt, Delivery, DeliveryState, Outcome

KEPT = timedelta(days=30)  # how long an id is looked for
SKEW = timedelta(seconds=60)
PROCESSING = timedelta(hours=6)  # what a video may take from the write to its instant
BATCH = 200


def link_imported_posts() -> int:
    """Link what can be linked; return how many were. Reads the copies only, never the platform."""
    since = clock.now() - KEPT
    lost = Delivery.objects.filter(state=DeliveryState.PUBLISHED, platform_post_id="", published_at__gte=since)
    deliveries = list(lost.select_related("channel", "post").order_by("published_at")[:BATCH])
    fits = {delivery.pk: _candidates(delivery) for delivery in deliveries}
    wanted: dict[int, int] = {}
    for rows in fits.values():
        for row in rows:
            wanted[row.pk] = wanted.get(row.pk, 0) + 1
    linked = 0
    for delivery in deliveries:
        rows = fits[delivery.pk]
        if len(rows) == 1 and wanted[rows[0].pk] == 1:
            linked += _join(delivery, rows[0])
    return linked


def _candidates(delivery: Delivery) -> list[PublishedPost]:
    """Return the copies that can be this delivery and that are nobody's yet."""
    attempts = _attempts(delivery)
    if not attempts:
        return []
    item = payload.build_payload(attempts[-1].approval.content, delivery)
    begun, ended = attempts[0].started_at - SKEW, _ended(delivery, attempts[-1], video=item.media_type == "VIDEO")
    rows = PublishedPost.objects.filter(
        channel=delivery.channel_id, scheduled_post_id=None, published_at__range=(begun, ended)
    )
    free = [row for row in rows[:BATCH] if not _taken(delivery, row)]
    video = str(delivery.staged.get("video") or "")
    by_address = [row for row in free if video and video in (row.permalink or "").replace("?", "/").split("/")]
    if by_address:
        return by_address
    if item.type == PostType.STORY or not item.caption.strip():
        return []
    return [row for row in free if same_text(row.caption, item.caption) and _same_kind(row, item.media_type)]


def _attempts(delivery: Delivery) -> list[Attempt]:
    """Return the attempts under the approval that went live, in order."""
    every = list(delivery.attempts.select_related("approval").order_by("id"))
    last = next((item for item in reversed(every) if item.outcome == Outcome.PUBLISHED), None)
    return [item for item in every if last and item.approval_id == last.approval_id and item.pk <= last.pk]


def _ended(delivery: Delivery, last: Attempt, *, video: bool) -> datetime:
    end = max(last.finished_at or last.started_at, delivery.published_at or last.started_at)
    return end + (PROCESSING if video else SKEW)


def _taken(delivery: Delivery, row: PublishedPost) -> bool:
    return claimed_deliveries(delivery.channel).filter(platform_post_id=row.platform_id).exists()


def _same_kind(row: PublishedPost, media_type: str | None) -> bool:
    told: Iterable[str | None] = (None, media_type or "TEXT")
    return row.media_type in told


def _join(delivery: Delivery, row: PublishedPost) -> int:
    """Give the delivery its id, and the copy its scheduled post and superpower."""
    content: Content = _attempts(delivery)[-1].approval.content
    with transaction.atomic():
        mine = Delivery.objects.select_for_update().filter(
            pk=delivery.pk, state=DeliveryState.PUBLISHED, platform_post_id=""
        )
        if not mine.exists():
            return 0
        outcomes.update_delivery(delivery, platform_post_id=row.platform_id, permalink=row.permalink or "")
        record_published(
            channel=delivery.channel,
            platform_id=row.platform_id,
            type=row.type,
            caption=row.caption,
            media_url=row.media_url,
            media_type=row.media_type,
            permalink=row.permalink,
            published_at=row.published_at,
            superpower=content["channels"][delivery.channel.public_id]["superpower"],
            scheduled_post_id=delivery.post_id,
        )
    return 1
