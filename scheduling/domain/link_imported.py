"""Links published deliveries whose post id the platform did not return to imported posts of the channel.

A video is matched by its id, which is part of the permalink. Otherwise channel, caption, kind of media and time must
match one post and one delivery only; ambiguous matches are left to a person.
"""

from collections import Counter
from datetime import timedelta

from django.db import transaction

from accounts import clock
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
    match_counts = Counter(row.pk for rows in candidates.values() for row in rows)
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
    last = attempts[-1]
    ended = max(last.finished_at or last.started_at, delivery.published_at or last.started_at)
    ended += PROCESSING if item.listed_type == "VIDEO" else SKEW
    rows = PublishedPost.objects.filter(
        channel=delivery.channel_id,
        scheduled_post_id=None,
        published_at__range=(attempts[0].started_at - SKEW, ended),
    )
    taken = claimed_deliveries(delivery.channel)
    free = [row for row in rows[:BATCH] if not taken.filter(platform_post_id=row.platform_id).exists()]
    video = str(delivery.staged.get("video") or "")
    by_permalink = [row for row in free if video and video in (row.permalink or "").replace("?", "/").split("/")]
    if by_permalink:
        return by_permalink
    if item.type == PostType.STORY or not item.caption.strip():
        return []
    kinds = {None, item.listed_type or "TEXT"}
    return [row for row in free if same_text(row.caption, item.caption) and row.media_type in kinds]


def _attempts(delivery: Delivery) -> list[Attempt]:
    """Return the attempts under the approval that was published, in order."""
    attempts = list(delivery.attempts.select_related("approval").order_by("id"))
    last = next((attempt for attempt in reversed(attempts) if attempt.outcome == Outcome.PUBLISHED), None)
    if last is None:
        return []
    return [attempt for attempt in attempts if attempt.approval_id == last.approval_id and attempt.pk <= last.pk]


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
        superpower = content["channels"][delivery.channel.public_id]["superpower"]
        PublishedPost.objects.filter(pk=row.pk).update(
            superpower=superpower, scheduled_post_id=delivery.post_id, media_sha256=content["mediaSha256"]
        )
    return 1
