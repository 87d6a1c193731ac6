"""Links published deliveries whose post id the platform did not return to imported posts of the channel.

A video is matched by its id, which is part of the permalink. Otherwise channel, caption, kind of media and time must
match one post and one delivery only; ambiguous matches are left to a person.
"""

from datetime import datetime, timedelta

from django.db import transaction

from accounts import clock
from posts.domain.published_posts import record_published
from posts.graph.feed import same_text
from posts.models import PostType, PublishedPost
from scheduling.domain.content import Content
from scheduling.domain.publishing import outcomes, payload
from scheduling.domain.publishing.reconcile import claimed_deliveries
from scheduling.models import Attempt, Delivery, DeliveryState, Outcome

KEPT = timedelta(days=30)  # how long after publishing a post is searched for
SKEW = timedelta(seconds=60)
PROCESSING = timedelta(hours=6)  # that a video may take from the publishing call to its publication
BATCH = 200


def link_imported_posts() -> int:
    """Link deliveries to imported posts; return how many. Reads the imported posts only, never the platform."""
    since = clock.now() - KEPT
    unlinked = Delivery.objects.filter(state=DeliveryState.PUBLISHED, platform_post_id="", published_at__gte=since)
    deliveries = list(unlinked.select_related("channel", "post").order_by("published_at")[:BATCH])
    candidates = {delivery.pk: _candidates(delivery) for delivery in deliveries}
    match_counts: dict[int, int] = {}
    for rows in candidates.values():
        for row in rows:
            match_counts[row.pk] = match_counts.get(row.pk, 0) + 1
    linked = 0
    for delivery in deliveries:
        rows = candidates[delivery.pk]
        if len(rows) == 1 and match_counts[rows[0].pk] == 1:
            linked += _link(delivery, rows[0])
    return linked


def _candidates(delivery: Delivery) -> list[PublishedPost]:
    """Return the unlinked imported posts that can be this delivery's."""
    attempts = _attempts(delivery)
    if not attempts:
        return []
    item = payload.build_payload(attempts[-1].approval.content, delivery)
    begun, ended = attempts[0].started_at - SKEW, _latest_time(delivery, attempts[-1], video=item.media_type == "VIDEO")
    rows = PublishedPost.objects.filter(
        channel=delivery.channel_id, scheduled_post_id=None, published_at__range=(begun, ended)
    )
    free = [row for row in rows[:BATCH] if not _taken(delivery, row)]
    video = str(delivery.staged.get("video") or "")
    by_permalink = [row for row in free if video and video in (row.permalink or "").replace("?", "/").split("/")]
    if by_permalink:
        return by_permalink
    if item.type == PostType.STORY or not item.caption.strip():
        return []
    return [row for row in free if same_text(row.caption, item.caption) and _same_kind(row, item.media_type)]


def _attempts(delivery: Delivery) -> list[Attempt]:
    """Return the attempts under the approval that was published, in order."""
    attempts = list(delivery.attempts.select_related("approval").order_by("id"))
    last = next((attempt for attempt in reversed(attempts) if attempt.outcome == Outcome.PUBLISHED), None)
    if last is None:
        return []
    return [attempt for attempt in attempts if attempt.approval_id == last.approval_id and attempt.pk <= last.pk]


def _latest_time(delivery: Delivery, last: Attempt, *, video: bool) -> datetime:
    end = max(last.finished_at or last.started_at, delivery.published_at or last.started_at)
    return end + (PROCESSING if video else SKEW)


def _taken(delivery: Delivery, row: PublishedPost) -> bool:
    return claimed_deliveries(delivery.channel).filter(platform_post_id=row.platform_id).exists()


def _same_kind(row: PublishedPost, media_type: str | None) -> bool:
    return row.media_type is None or row.media_type == (media_type or "TEXT")


def _link(delivery: Delivery, row: PublishedPost) -> int:
    """Store the post's id on the delivery, and the scheduled post and superpower on the imported post."""
    content: Content = _attempts(delivery)[-1].approval.content
    with transaction.atomic():
        unlinked = Delivery.objects.select_for_update().filter(
            pk=delivery.pk, state=DeliveryState.PUBLISHED, platform_post_id=""
        )
        if not unlinked.exists():
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
