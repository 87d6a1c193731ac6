"""A person says what is true of a delivery that the platform did not speak clearly about."""

import re

from django.db import transaction
from django.db.models import Exists, OuterRef, Q

from accounts import clock
from accounts.domain.reviewers import Reviewer, can_review_channels
from accounts.exceptions import Conflict, Forbidden, Invalid
from posts.models import ChannelType, PublishedPost
from scheduling.domain.audit import record_post_event
from scheduling.domain.publishing import outcomes
from scheduling.lifecycle import Status
from scheduling.models import Attempt, Delivery, DeliveryState, Outcome, ScheduledPost

POST_ID = re.compile(r"[0-9]{1,40}(_[0-9]{1,40})?")
NOT_THERE = "NOT_THERE"


def mark_live(reviewer: Reviewer, delivery: Delivery, post_id: str, *, revision: int) -> ScheduledPost:
    """Note that the delivery is live under the platform's `post_id`; return the post, PUBLISHED when it was the last.

    For an outcome that is not known, and for a failure that turns out to be none. `revision` is the page's: what it
    says of
    one try is not said of the next. Raises Forbidden (another's
    organization), Invalid (no id of this channel), Conflict (settled, sent again, or the id is another post's).
    """
    with transaction.atomic():
        post, mine = _settleable(reviewer, delivery, {DeliveryState.UNKNOWN, DeliveryState.FAILED}, revision)
        platform_post_id = _checked(mine, post_id)
        sent = list(mine.attempts.select_related("approval").order_by("id"))
        if not sent:
            raise Conflict(f"Nothing was ever sent to {mine.channel.name} for this post")
        last = ([item for item in sent if item.outcome in outcomes.OPEN] or sent)[-1]
        mine.state, mine.platform_post_id, mine.published_at = (
            DeliveryState.PUBLISHED,
            platform_post_id,
            last.started_at,
        )
        mine.error_code = mine.error_message = ""
        mine.retry_at = None
        columns = ["state", "platform_post_id", "published_at", "error_code", "error_message", "retry_at"]
        mine.save(update_fields=columns)
        _conclude(last, Outcome.PUBLISHED, f"{reviewer.actor.name} found it live.")
        outcomes.record_copy(mine, last.approval.content, platform_post_id, last.started_at)
        left = str(post.status)
        record_post_event(
            reviewer.actor, "mark_live", post, left, channel=mine.channel.public_id, postId=platform_post_id
        )
        if post.deliveries.exclude(state=DeliveryState.PUBLISHED).exists():
            _tell(post)
        else:
            open_ones = Delivery.objects.filter(post=OuterRef("pk")).exclude(state=DeliveryState.PUBLISHED)
            left = post.apply_transition("settle", only_if=Q(~Exists(open_ones)), failure_reason="")
            record_post_event(reviewer.actor, "settle", post, left)
    return post


def mark_not_published(reviewer: Reviewer, delivery: Delivery, *, revision: int) -> ScheduledPost:
    """Note that a person looked and that it is not live: from then on it may be approved for another try.

    `revision` is the page's, so that a form which is sent once more says nothing of a later try: that could go out
    twice.

    Raises Forbidden, or Conflict when the outcome is known by now.
    """
    with transaction.atomic():
        post, mine = _settleable(reviewer, delivery, {DeliveryState.UNKNOWN}, revision)
        said = f"{reviewer.actor.name} looked: it did not go live."
        mine.state, mine.error_code, mine.error_message = DeliveryState.FAILED, NOT_THERE, said
        mine.save(update_fields=["state", "error_code", "error_message"])
        for attempt in mine.attempts.filter(outcome__in=outcomes.OPEN):
            _conclude(attempt, Outcome.REFUSED, said)
        record_post_event(reviewer.actor, "mark_absent", post, str(post.status), channel=mine.channel.public_id)
        _tell(post)
    return post


def _settleable(
    reviewer: Reviewer, delivery: Delivery, states: set[DeliveryState], revision: int
) -> tuple[ScheduledPost, Delivery]:
    # The row is locked as approval locks it: whoever comes second sees what the first one said.
    post = ScheduledPost.objects.select_for_update().filter(pk=delivery.post_id).first()
    if post is None:
        raise Conflict("This post has been deleted in the meantime")
    if reviewer.organization.pk != post.organization_id:
        raise Forbidden("You may not review posts in this organization")
    mine = post.deliveries.select_related("channel").filter(pk=delivery.pk).first()
    if mine is not None and not can_review_channels(reviewer.membership, [mine.channel.public_id]):
        raise Forbidden(f"You do not review {mine.channel.name}: another reviewer says what is true there")
    if mine is None or post.status != Status.FAILED or post.revision != revision or mine.state not in states:
        raise Conflict("Somebody has settled this, or sent it again, in the meantime")
    return post, mine


def _checked(delivery: Delivery, post_id: str) -> str:
    """Return the id as the channel's posts are named. Raises Invalid or Conflict."""
    platform_post_id, channel = post_id.strip(), delivery.channel
    page = channel.type == ChannelType.FB_PAGE
    if not POST_ID.fullmatch(platform_post_id) or ("_" in platform_post_id and not page):
        example = f"{channel.platform_id}_1234" if page else "18012345678901234"
        raise Invalid(f"That is no id of a post on {channel.name}: it is made of digits, such as {example}")
    if "_" in platform_post_id and platform_post_id.partition("_")[0] != channel.platform_id:
        raise Invalid(f"That id belongs to another Page than {channel.name}")
    if platform_post_id == channel.platform_id:
        raise Invalid(f"That is the id of {channel.name} itself, not of a post on it")
    taken = Delivery.objects.filter(channel=channel, platform_post_id=platform_post_id).exclude(pk=delivery.pk).exists()
    copies = PublishedPost.objects.filter(
        channel=channel, platform_id=platform_post_id, scheduled_post_id__isnull=False
    )
    if taken or copies.exclude(scheduled_post_id=delivery.post_id).exists():
        raise Conflict("That id is another post's of yours")
    return platform_post_id


def _conclude(attempt: Attempt, outcome: Outcome, said: str) -> None:
    outcomes.write(attempt, outcome, error_message=f"{attempt.error_message} {said}".strip()[:500])


def _tell(post: ScheduledPost) -> None:
    """Say anew, on the post, what is still in the way."""
    left = (
        post.deliveries.exclude(state=DeliveryState.PUBLISHED).select_related("channel").order_by("channel__public_id")
    )
    post.failure_reason = "; ".join(f"{item.channel.name}: {item.error_message}" for item in left)[:300]
    post.updated_at = clock.now()
    post.save(update_fields=["failure_reason", "updated_at"])
