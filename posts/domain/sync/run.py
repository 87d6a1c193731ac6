"""One run over one channel: the last day if it is due, then the current walk, page by page."""

import logging
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction

from accounts import clock
from accounts.domain.actors import WORKER
from posts.domain import channels
from posts.domain.channels import graph_account
from posts.domain.published_posts import upsert_posts
from posts.domain.sync import deletions, intervals
from posts.domain.sync.state import LeaseLost, OnProgress, Outcome, Report, lease_channel, save_state
from posts.graph import feed, rate_limits
from posts.graph.account import Account
from posts.graph.errors import AuthFailed, GraphError, PermissionDenied, PolicyBlock, Throttled, Transient
from posts.models import Channel, ChannelState, ChannelSync

log = logging.getLogger(__name__)
CALL_SECONDS = 10.0
SLOW_PAUSE = timedelta(minutes=1)  # between two pages at Pace.SLOW
STOP_PAUSE = timedelta(minutes=5)
MAX_PAUSE = timedelta(hours=1)  # before a retry
MANUAL_PAUSE = timedelta(hours=6)  # before a retry of what a person has to fix
SMALLEST_PAGE = 25  # posts
START: dict[str, Any] = {"cursor": "", "until": None, "oldest_seen_at": None, "page_size": None}  # of a listing
MISSING = "missing"  # the phase in which posts that the listings lack are requested one by one


class _Pause(Exception):
    """End the run and continue at `at`. An empty message: there is no reason but the run's time limit."""

    def __init__(self, at: datetime, message: str) -> None:
        super().__init__(message)
        self.at = at


@dataclass
class _Run:
    channel: Channel
    account: Account
    state: ChannelSync
    until: float | None
    on_progress: OnProgress | None

    def spend(self) -> None:
        """Called before each call: renew the lease if it ends soon, check the rate limit. Raises _Pause, LeaseLost."""
        left = (self.state.lease_expires_at - clock.now()).total_seconds() if self.state.lease_expires_at else 0.0
        if left < settings.SYNC_LEASE / 2 + CALL_SECONDS:
            save_state(self.state)
        pace = rate_limits.background_pace(self.account)
        if pace is rate_limits.Pace.STOP:
            until = rate_limits.blocked_until(self.account) or clock.now() + STOP_PAUSE
            raise _Pause(until, "The rate limit is nearly used up; the rest is reserved for publishing.")

    def rest(self) -> None:
        """Called after each page. Raises _Pause when the run has to end there."""
        if rate_limits.background_pace(self.account) is rate_limits.Pace.SLOW:
            raise _Pause(clock.now() + SLOW_PAUSE, "Three quarters of the rate limit are used up: syncing slowly.")
        if self.until is not None and time.monotonic() >= self.until:
            raise _Pause(clock.now(), "")


def sync(
    channel: Channel, *, full: bool = False, progress: OnProgress | None = None, seconds: float | None = None
) -> Report:
    """Read what is due of the channel, for `seconds` or to the end. Never raises GraphErrors.

    First the last day, then the current walk or the deepest one that is due; `full` starts one over everything. Each
    page is saved together with the position after it, so that the next run continues there after a crash.
    """
    with lease_channel(channel) as state:
        if state is None:
            return Report(Outcome.BUSY, message="Another run is reading this channel.")
        try:
            return _sync_leased(channel, state, full=full, progress=progress, seconds=seconds)
        except LeaseLost:
            return Report(Outcome.BUSY, message="Another run has taken over.")


def _sync_leased(
    channel: Channel, state: ChannelSync, *, full: bool, progress: OnProgress | None, seconds: float | None
) -> Report:
    try:
        until = None if seconds is None else time.monotonic() + seconds
        _read_due(_Run(channel, graph_account(channel), state, until, progress), full=full)
    except _Pause as pause:
        message = str(pause)
        save_state(state, next_at=pause.at, failures=0, last_error=message)
        return _report(state, Outcome.PAUSED if message else Outcome.MORE, message)
    except GraphError as error:
        return _record_failure(channel, state, error)
    except LeaseLost:
        raise
    except Exception:
        _save_retry(state, "An error inside Dynamo; its log has the details.", _pause_after(state.failures))
        raise
    save_state(state, next_at=intervals.next_at(state, clock.now()), failures=0, last_error="")
    return _report(state, Outcome.FINISHED, "")


def _read_due(run: _Run, *, full: bool) -> None:
    state = run.state
    if full and state.depth != "all":
        _start_walk(run, intervals.DEPTHS[0])
    is_first = not state.done and not state.depth
    if not is_first and intervals.is_due(state, intervals.SHALLOW, clock.now()):
        _read_last_day(run)
    if not state.depth:
        depth = intervals.due(state, clock.now())
        if depth is None:
            return
        _start_walk(run, depth)
    while state.depth:
        if state.phase == MISSING:
            deletions.check_missing_posts(run.channel, run.account, state, spend=run.spend, rest=run.rest)
            _finish_walk(state)
        else:
            _read_page(run)
        if run.on_progress:
            run.on_progress(state)
        if state.depth:
            run.rest()


def _start_walk(run: _Run, depth: intervals.Depth) -> None:
    state, now = run.state, clock.now()
    since = intervals.oldest_to_fetch(state, depth, now)
    posts = run.channel.published_posts.filter(deleted_at=None)
    total = feed.total(run.account) if since is None else posts.filter(published_at__gte=since).count()
    if total is None and state.complete_at is not None:
        total = posts.count()
    excluded = [] if since is None else state.excluded_fields
    counts = {"total": total, "read_count": 0, "created_count": 0, "deleted_count": 0}
    walk = {"depth": depth.name, "since": since, "started_at": now, "excluded_fields": excluded}
    save_state(state, **START, **counts, **walk, phase=_phases(run.account)[0])


def _read_page(run: _Run) -> None:
    """Read one page of the walk, and save it together with the position after it."""
    state = run.state
    page = feed.read_page(
        run.account,
        state.phase,
        feed.FeedPosition(state.cursor, state.until),
        reached=state.oldest_seen_at,
        without=state.excluded_fields,
        size=state.page_size,
        before=run.spend,
    )
    past_end = state.since is not None and page.oldest is not None and page.oldest < state.since
    position: dict[str, Any]
    if page.lost and not past_end:
        position = {"cursor": "", "until": page.oldest or state.until}  # the next run continues by time
    elif page.then is None or past_end:
        phases = _phases(run.account)
        next_phase = phases[phases.index(state.phase) + 1]
        position = {**START, "phase": next_phase}
    else:
        position = {"cursor": page.then.after, "until": page.then.until, "page_size": page.size}
        position["oldest_seen_at"] = page.oldest or state.oldest_seen_at
    with transaction.atomic():
        created = upsert_posts(run.channel, page.posts, clock.now())
        counts = {"read_count": state.read_count + len(page.posts), "created_count": state.created_count + created}
        save_state(state, **position, **counts, excluded_fields=sorted(page.without))
    if not past_end:
        page.check_complete()


def _read_last_day(run: _Run) -> None:
    """Read the last day. It is short, so no position is saved, and it is read again after a failure."""
    start = clock.now()
    for edge in feed.EDGES[run.account.type]:
        position: feed.FeedPosition | None = feed.FeedPosition()
        reached = None
        while position is not None:
            page = feed.read_page(
                run.account, edge, position, reached=reached, without=run.state.excluded_fields, before=run.spend
            )
            upsert_posts(run.channel, page.posts, clock.now())
            reached = page.oldest or reached
            past_end = page.oldest is not None and page.oldest < start - timedelta(days=1)
            if not past_end:
                page.check_complete()
            position = None if past_end else page.then
    save_state(run.state, done=intervals.finished(run.state, intervals.SHALLOW.name, start))


def _finish_walk(state: ChannelSync) -> None:
    now, start = clock.now(), state.started_at or clock.now()
    complete = {"complete_at": now} if state.since is None else {}
    done = intervals.finished(state, state.depth, start)
    save_state(state, depth="", phase="", done=done, finished_at=now, **complete)


def _phases(account: Account) -> list[str]:
    return [*feed.EDGES[account.type], MISSING]


def _record_failure(channel: Channel, state: ChannelSync, error: GraphError) -> Report:
    """Save the error and the time of the retry. After AuthFailed the channel needs reconnecting."""
    pause = _pause_after(state.failures)
    if isinstance(error, Transient) and state.phase not in {"", MISSING}:
        # A page with too much data for the platform fails like an outage: request less.
        save_state(state, page_size=max(SMALLEST_PAGE, (state.page_size or SMALLEST_PAGE * 4) // 2))
    if isinstance(error, AuthFailed) and channel.state != ChannelState.DISCONNECTED:
        channels.mark_needs_reconnect(WORKER, channel, reason=str(error))
    if isinstance(error, Throttled):
        pause = timedelta(seconds=error.retry_after)
    elif isinstance(error, AuthFailed | PermissionDenied | PolicyBlock):
        pause = MANUAL_PAUSE
    _save_retry(state, str(error), pause)
    outcome = Outcome.PAUSED if isinstance(error, Throttled) else Outcome.FAILED
    return _report(state, outcome, str(error))


def _pause_after(failures: int) -> timedelta:
    return min(MAX_PAUSE, timedelta(seconds=30 * 2 ** min(failures, 10)))


def _save_retry(state: ChannelSync, message: str, pause: timedelta) -> None:
    save_state(state, next_at=clock.now() + pause, failures=state.failures + 1, last_error=message[:500])


def _report(state: ChannelSync, outcome: Outcome, message: str) -> Report:
    return Report(outcome, state.read_count, state.created_count, state.deleted_count, state.next_at, message)
