"""An outcome that is not known is read back. Reads only: nothing here can publish."""

import logging
from datetime import datetime, timedelta

from django.conf import settings
from django.db import DatabaseError, transaction
from django.db.models import QuerySet

from accounts import clock
from posts.graph.errors import GraphError
from posts.graph.publishers import Finding, Verdict
from posts.models import Channel
from scheduling.domain.content import Content
from scheduling.domain.publishing import outcomes, payload, retry_policy
from scheduling.domain.publishing.lease import Run
from scheduling.models import Attempt, Delivery, DeliveryState, Outcome

log = logging.getLogger(__name__)
FIRST_LOOK = 2.0  # seconds after an unclear answer; most late successes are readable by then
PROOFS = 2  # spaced absences that allow another try
HELD_BACK = "The platform took this for spam and held it back; it did not go live."
CLAIMED_WITHIN = timedelta(days=1)
FAST = timedelta(days=1)  # by which our clock may have been ahead where the platform's was not known


def open_attempts(run: Run) -> dict[int, Attempt]:
    """Return by delivery its latest attempt of which nobody knows how it ended, whatever was tried after it."""
    rows = Attempt.objects.filter(delivery__in=run.deliveries, approval=run.post.approval).order_by("id")
    return {one.delivery_id: one for one in rows.filter(outcome__in=outcomes.OPEN)}


def stumbled(run: Run, delivery: Delivery, error: Exception) -> None:
    """An error of our own broke off a step: go on later, from the ledger, and not for ever.

    What was never sent ends by the late limit, what may have been sent as not known.
    """
    last = open_attempts(run).get(delivery.pk)
    if last is not None and clock.now() - last.started_at > timedelta(seconds=settings.RECONCILE_LIMIT):
        outcomes.unknown(delivery)
    else:
        outcomes.again(delivery, error, seconds=min(60.0, FIRST_LOOK * 2 ** min(delivery.tries, 5)))


def reconcile(delivery: Delivery, content: Content, last: Attempt) -> bool:
    """Read back what became of `last`; return whether another try is allowed: only after proof of absence, twice.

    Found live: the delivery is settled as published. Unclear for longer than the limit: settled as unknown.
    """
    finding = _look(delivery, content, last)
    if finding.verdict is Verdict.LIVE:
        _live(delivery, content, last, finding.post_id)
    elif finding.verdict is Verdict.ABSENT:
        return _absent(delivery, last)
    elif clock.now() - last.started_at > timedelta(seconds=settings.RECONCILE_LIMIT):
        outcomes.unknown(delivery)
    else:
        age = (clock.now() - last.started_at).total_seconds()
        pause = min(60.0, max(FIRST_LOOK, age / 3))
        outcomes.note(delivery, state=DeliveryState.PENDING, next_try_at=payload.later(pause))
    return False


def _live(delivery: Delivery, content: Content, last: Attempt, post_id: str) -> None:
    """Settle it as published, unless somebody else who reads the same Page back has claimed the post just now."""
    channel = delivery.channel
    with transaction.atomic():
        same = Channel.objects.filter(type=channel.type, platform_id=channel.platform_id)
        list(same.select_for_update(no_key=True).order_by("pk").values_list("pk", flat=True))
        if post_id and spoken_for(channel).filter(live_id=post_id).exclude(pk=delivery.pk).exists():
            outcomes.note(delivery, state=DeliveryState.PENDING, next_try_at=payload.later(FIRST_LOOK))
            return
        outcomes.published(delivery, last, content, post_id)


def spoken_for(channel: Channel) -> QuerySet[Delivery]:
    """Return the deliveries that are live on the channel's Page or account, whichever organization connected it.

    For ids alone: one organization learns nothing of another.
    """
    same = Channel.objects.filter(type=channel.type, platform_id=channel.platform_id)
    return Delivery.objects.filter(channel__in=same).exclude(live_id="")


def _look(delivery: Delivery, content: Content, last: Attempt) -> Finding:
    """Read back from the first attempt on: by the platform's clock where that was known then.

    Where it was not, or says what cannot be, ours may have been fast, and the post stand in front of the window. What
    is found further back proves nothing, neither that it is ours nor that ours is absent.
    """
    tries = [*delivery.attempts.filter(approval=last.approval_id), last]
    begun = min(one.started_at for one in tries)
    since = min(one.platform_at or begun - FAST for one in tries)
    sure = all(one.platform_at for one in tries) and begun - since <= FAST
    finding = _find(delivery, content, min(begun, since) if sure else begun)
    if sure or finding.verdict is not Verdict.ABSENT:
        return finding
    finding = _find(delivery, content, since)
    return finding if finding.verdict is Verdict.ABSENT else Finding(Verdict.UNCLEAR)


def _find(delivery: Delivery, content: Content, since: datetime) -> Finding:
    try:
        claimed = spoken_for(delivery.channel).filter(published_at__gte=since - CLAIMED_WITHIN)
        return payload.platform(delivery).find(
            payload.account(delivery),
            payload.item(content, delivery),
            delivery.staged,
            since=since,
            claimed=set(claimed.values_list("live_id", flat=True)),
        )
    except GraphError:
        return Finding(Verdict.UNCLEAR)
    except DatabaseError:
        raise
    except Exception:
        # An answer of a shape that nobody expected proves nothing.
        log.exception("reading back delivery %s", delivery.pk)
        return Finding(Verdict.UNCLEAR)


def _may_still_come(last: Attempt) -> bool:
    """Whether the platform may still be at work on an attempt that it did not answer."""
    since = clock.now() - last.started_at
    return retry_policy.may_come_late(last.error_code) and since < timedelta(seconds=settings.LANDING_LIMIT)


def _absent(delivery: Delivery, last: Attempt) -> bool:
    """Whether another try is allowed: once the absence was seen often enough, and is not to be waited for longer."""
    if delivery.absences + 1 < PROOFS or _may_still_come(last):
        again = payload.later(settings.ABSENCE_SPACING)
        outcomes.note(delivery, state=DeliveryState.PENDING, absences=delivery.absences + 1, next_try_at=again)
        return False
    said = last.error_message or "Read back twice: it did not go live."
    if not outcomes.write(last, Outcome.REFUSED, error_message=said):
        return False  # another has found out meanwhile
    if last.error_code in retry_policy.BLOCKS_WHEN_ABSENT:
        outcomes.held_back(delivery, last.error_code, HELD_BACK)
        return False
    outcomes.note(delivery, absences=0, next_try_at=None)
    return True
