"""A person says what is true of a delivery that the platform did not speak clearly about."""

import re

from django.db import transaction
from django.db.models import Exists, OuterRef, Q

from accounts import clock
from accounts.domain.reviewers import Reviewer, reaches
from accounts.exceptions import Conflict, Forbidden, Invalid
from posts.models import ChannelType, PublishedPost
from scheduling.domain.audit import remember
from scheduling.domain.publishing import outcomes
from scheduling.lifecycle import Status
from scheduling.models import Attempt, Delivery, DeliveryState, Outcome, ScheduledPost

POST_ID = re.compile(r"[0-9]{1,40}(_[0-9]{1,40})?")
NOT_THERE = "NOT_THERE"


def mark_live(reviewer: Reviewer, delivery: Delivery, post_id: str, *, turn: int) -> ScheduledPost:
    """Note that the delivery is live under the platform's `post_id`; return the post, PUBLISHED when it was the last.

    For an outcome that is not known, and for a failure that turns out to be none. `turn` is the page's: what it says of
    one try is not said of the next. Raises Forbidden (another's
    organization), Invalid (no id of this channel), Conflict (settled, sent again, or the id is another post's).
    """
    with transaction.atomic():
        post, mine = _settleable(reviewer, delivery, {DeliveryState.UNKNOWN, DeliveryState.FAILED}, turn)
        live_id = _checked(mine, post_id)
        sent = list(mine.attempts.select_related("approval").order_by("id"))
        if not sent:
            raise Conflict(f"Nothing was ever sent to {mine.channel.name} for this post")
        last = ([one for one in sent if one.outcome in outcomes.OPEN] or sent)[-1]
        mine.state, mine.live_id, mine.published_at = DeliveryState.PUBLISHED, live_id, last.started_at
        mine.error_code = mine.error_message = ""
        mine.next_try_at = None
        columns = ["state", "live_id", "published_at", "error_code", "error_message", "next_try_at"]
        mine.save(update_fields=columns)
        _conclude(last, Outcome.PUBLISHED, f"{reviewer.actor.name} found it live.")
        outcomes.record_copy(mine, last.approval.content, live_id, last.started_at)
        left = str(post.status)
        remember(reviewer.actor, "mark_live", post, left, channel=mine.channel.wire_id, postId=live_id)
        if post.deliveries.exclude(state=DeliveryState.PUBLISHED).exists():
            _tell(post)
        else:
            open_ones = Delivery.objects.filter(post=OuterRef("pk")).exclude(state=DeliveryState.PUBLISHED)
            left = post.move("settle", only_if=Q(~Exists(open_ones)), failure="")
            remember(reviewer.actor, "settle", post, left)
    return post


def mark_absent(reviewer: Reviewer, delivery: Delivery, *, turn: int) -> ScheduledPost:
    """Note that a person looked and that it is not live: from then on it may be approved for another try.

    `turn` is the page's, so that a form which is sent once more says nothing of a later try: that could go out twice.

    Raises Forbidden, or Conflict when the outcome is known by now.
    """
    with transaction.atomic():
        post, mine = _settleable(reviewer, delivery, {DeliveryState.UNKNOWN}, turn)
        said = f"{reviewer.actor.name} looked: it did not go live."
        mine.state, mine.error_code, mine.error_message = DeliveryState.FAILED, NOT_THERE, said
        mine.save(update_fields=["state", "error_code", "error_message"])
        for one in mine.attempts.filter(outcome__in=outcomes.OPEN):
            _conclude(one, Outcome.REFUSED, said)
        remember(reviewer.actor, "mark_absent", post, str(post.status), channel=mine.channel.wire_id)
        _tell(post)
    return post


def _settleable(
    reviewer: Reviewer, delivery: Delivery, states: set[DeliveryState], turn: int
) -> tuple[ScheduledPost, Delivery]:
    # The row is locked as approval locks it: whoever comes second sees what the first one said.
    post = ScheduledPost.objects.select_for_update().filter(pk=delivery.post_id).first()
    if post is None:
        raise Conflict("This post has been deleted in the meantime")
    if reviewer.organization.pk != post.organization_id:
        raise Forbidden("You may not review posts in this organization")
    mine = post.deliveries.select_related("channel").filter(pk=delivery.pk).first()
    if mine is not None and not reaches(reviewer.membership, [mine.channel.wire_id]):
        raise Forbidden(f"You do not review {mine.channel.name}: another reviewer says what is true there")
    if mine is None or post.status != Status.FAILED or post.turn != turn or mine.state not in states:
        raise Conflict("Somebody has settled this, or sent it again, in the meantime")
    return post, mine


def _checked(delivery: Delivery, post_id: str) -> str:
    """Return the id as the channel's posts are named. Raises Invalid or Conflict."""
    live_id, channel = post_id.strip(), delivery.channel
    page = channel.type == ChannelType.FB_PAGE
    if not POST_ID.fullmatch(live_id) or ("_" in live_id and not page):
        example = f"{channel.platform_id}_1234" if page else "18012345678901234"
        raise Invalid(f"That is no id of a post on {channel.name}: it is made of digits, such as {example}")
    if "_" in live_id and live_id.partition("_")[0] != channel.platform_id:
        raise Invalid(f"That id belongs to another Page than {channel.name}")
    if live_id == channel.platform_id:
        raise Invalid(f"That is the id of {channel.name} itself, not of a post on it")
    taken = Delivery.objects.filter(channel=channel, live_id=live_id).exclude(pk=delivery.pk).exists()
    copies = PublishedPost.objects.filter(channel=channel, platform_id=live_id, scheduled_post_id__isnull=False)
    if taken or copies.exclude(scheduled_post_id=delivery.post_id).exists():
        raise Conflict("That id is another post's of yours")
    return live_id


def _conclude(attempt: Attempt, outcome: Outcome, said: str) -> None:
    outcomes.write(attempt, outcome, error_message=f"{attempt.error_message} {said}".strip()[:500])


def _tell(post: ScheduledPost) -> None:
    """Say anew, on the post, what is still in the way."""
    left = post.deliveries.exclude(state=DeliveryState.PUBLISHED).select_related("channel").order_by("channel__wire_id")
    post.failure = "; ".join(f"{one.channel.name}: {one.error_message}" for one in left)[:300]
    post.updated_at = clock.now()
    post.save(update_fields=["failure", "updated_at"])
