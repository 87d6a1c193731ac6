"""Dispatches on their way. A receiver that hangs holds a thread of this module's own, never one that publishes.

1. A round of the beat asks for it by a message, when something is due.
2. Whichever worker gets the message wakes at most AT_ONCE threads beside its pool, and is free again at once.
3. A thread claims a dispatch by compare-and-set, for LEASE seconds, sends it, and notes how that ended. No two threads
   of a process send to the same receiver, so that one which is slow holds one of them.
4. What did not arrive is tried again after a pause that doubles, for a day. A receiver that does not answer at all is
   asked once per pause, whatever else waits for it.
A worker that is killed in between leaves a claim that runs out: then it is sent again, under the same id.
"""

import logging
import os
import random
import threading
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connections, transaction
from django.db.models import QuerySet

from accounts import clock
from accounts.domain import trail
from accounts.domain.actors import Actor
from accounts.errors import Conflict
from scheduling.domain import calling, handover, letters
from scheduling.domain.arriving import Moot, NotArrived
from scheduling.models import Dispatch, DispatchState, Means

log = logging.getLogger(__name__)
AT_ONCE = 2  # threads of a process
LEASE = timedelta(seconds=90)  # longer than any one sending
GIVEN_UP_AFTER = timedelta(days=1)
FIRST_PAUSE, LONGEST_PAUSE = 30.0, 3600.0  # seconds
P = DispatchState.PENDING
_waking, _claiming = threading.Lock(), threading.Lock()
_threads: dict[int, list[threading.Thread]] = {}
_busy: set[UUID | None] = set()  # the webhooks that this process calls at the moment, None for the mail server


def ask() -> int:
    """Have a worker send what is due, if anything is; return whether it was asked."""
    return int(due().exists() and handover.hint("dispatch"))


def ask_after_commit() -> None:
    """Once the transaction is through, have a worker send what is due: somebody waits for it."""

    def send_off() -> None:
        handover.hint("dispatch")

    transaction.on_commit(send_off)


def due() -> QuerySet[Dispatch]:
    """Return what is to be sent now, what waited longest first."""
    return Dispatch.objects.filter(state=P, next_try_at__lte=clock.now()).order_by("next_try_at", "pk")


def wake() -> int:
    """Have this process's threads send what is due, and return at once; the number of threads that were started."""
    with _waking:
        running = [one for one in _threads.get(os.getpid(), []) if one.is_alive()]
        fresh = [threading.Thread(target=_work, name="dispatching", daemon=True) for _ in range(AT_ONCE - len(running))]
        _threads.clear()
        _threads[os.getpid()] = running + fresh
        for one in fresh:
            one.start()
    return len(fresh)


def _work() -> None:
    try:
        work_off()
    except Exception:
        log.exception("dispatching")
    finally:
        connections.close_all()


def work_off() -> int:
    """Send what is due, one after the other, until nothing is; return how many were tried."""
    tried = 0
    while (one := _next()) is not None:
        try:
            send(one)
        finally:
            with _claiming:
                _busy.discard(one.webhook_id)
        tried += 1
    return tried


def _next() -> Dispatch | None:
    with _claiming:
        one = claim(busy=_busy)
        if one is not None:
            _busy.add(one.webhook_id)
    return one


def claim(*, busy: Collection[UUID | None] = ()) -> Dispatch | None:
    """Take what has waited longest, alone; None when nothing is due that nobody else takes. `busy` is left out."""
    rows = due().exclude(webhook__in=[one for one in busy if one is not None])
    if None in busy:
        rows = rows.exclude(means=Means.EMAIL)
    for one in rows.select_related("notice__organization", "notice__channel", "user", "webhook")[: AT_ONCE * 5]:
        until = clock.now() + LEASE
        mine = Dispatch.objects.filter(pk=one.pk, state=P, next_try_at=one.next_try_at, tries=one.tries)
        if mine.update(next_try_at=until, tries=one.tries + 1, last_error=""):
            one.next_try_at, one.tries, one.last_error = until, one.tries + 1, ""
            return one
    return None


def send(one: Dispatch) -> None:
    """Send a dispatch that was claimed, and note how that ended."""
    try:
        letters.send(one) if one.means == Means.EMAIL else calling.call(one)
    except Moot as moot:
        _note(one, state=DispatchState.MOOT, last_error=str(moot))
    except NotArrived as error:
        _failed(one, str(error)[:500], silent=error.silent)
    except Exception as error:
        log.exception("dispatch %s", one.pk)
        _failed(one, f"An error inside Dynamo ({type(error).__name__}); its log has the details.", silent=False)
    else:
        Dispatch.objects.filter(pk=one.pk).update(state=DispatchState.SENT, sent_at=clock.now(), last_error="")


def again(actor: Actor, one: Dispatch) -> None:
    """Have it sent now, once more: what was sent, what was given up, and what waits for another try.

    Raises Conflict while it is on its way.
    """
    with transaction.atomic():
        rows = Dispatch.objects.filter(pk=one.pk, state=one.state, tries=one.tries, last_error=one.last_error)
        on_its_way = one.state == P and not one.last_error
        if on_its_way or not rows.update(state=P, tries=0, next_try_at=clock.now(), sent_at=None, last_error=""):
            raise Conflict("It is on its way already")
        subject, organization = f"notice:{one.notice_id}", one.notice.organization_id
        trail.record(actor, "notice.resend", organization_id=organization, subject=subject, dispatch=one.pk)
        ask_after_commit()


def pause(tries: int) -> float:
    """Return seconds until the next try: doubling, up to an hour, with jitter."""
    return min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** min(tries - 1, 10)) * random.uniform(1.0, 1.25)  # noqa: S311


def _failed(one: Dispatch, words: str, *, silent: bool) -> None:
    now = clock.now()
    later = now + timedelta(seconds=pause(one.tries))
    if one.notice.created_at <= now - GIVEN_UP_AFTER:
        _note(one, state=DispatchState.FAILED, last_error=words)
    else:
        _note(one, next_try_at=later, last_error=words)
    if silent:
        _spare(one, now, later, words)


def _spare(one: Dispatch, now: datetime, later: datetime, words: str) -> None:
    """Let what else is due for the same receiver wait as long, or give it up when its day is over."""
    others = Dispatch.objects.filter(state=P, next_try_at__lte=now, means=one.means, webhook=one.webhook_id)
    old = others.filter(notice__created_at__lte=now - GIVEN_UP_AFTER)
    old.update(state=DispatchState.FAILED, last_error=words)
    others.update(next_try_at=later, last_error=words)


def _note(one: Dispatch, **columns: Any) -> None:
    """Note how it ended, unless the claim has run out and another has it now."""
    mine = Dispatch.objects.filter(pk=one.pk, state=P, next_try_at=one.next_try_at, tries=one.tries)
    mine.update(**columns)
