"""One run over one channel: the last day when that is due, then the walk under way, page by page."""

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
from posts.domain.sync import deletions, intervals
from posts.domain.sync.state import LeaseLost, Outcome, Report, Tell, lease_channel, progress_of, save_state
from posts.domain.sync.store import upsert_posts
from posts.graph import feed as reading
from posts.graph import rate_limits
from posts.graph.account import Account
from posts.graph.errors import AuthFailed, GraphError, PermissionDenied, PolicyBlock, Throttled, Transient
from posts.models import Channel, ChannelState, ChannelSync

log = logging.getLogger(__name__)
CALL = 10.0  # seconds
SLOWLY = timedelta(minutes=1)  # between two pages while most of the calls are used up
REST = timedelta(minutes=5)
LONGEST = timedelta(hours=1)  # between two tries of what fails
HOPELESS = timedelta(hours=6)  # … of what a person has to mend
SMALLER = 25  # posts on a page, at the least, after failures
_EDGES = {edge for edges in reading.EDGES.values() for edge in edges}
MISSING = "missing"  # the phase in which posts that the listings lack are asked for one by one


class _Pause(Exception):
    """Enough for now: go on at `at`."""

    def __init__(self, at: datetime, message: str) -> None:
        super().__init__(message)
        self.at = at


@dataclass
class _Run:
    channel: Channel
    account: Account
    state: ChannelSync
    until: float | None
    tell: Tell | None

    def spend(self) -> None:
        """Ask before each call whether there is budget for it, and hold on to the lease. Raises _Pause, LeaseLost."""
        left = (self.state.lease_expires_at - clock.now()).total_seconds() if self.state.lease_expires_at else 0.0
        if left < settings.SYNC_LEASE / 2 + CALL:
            save_state(self.state)
        pace = rate_limits.background_pace(self.account)
        if pace is rate_limits.Pace.STOP:
            until = rate_limits.blocked_until(self.account) or clock.now() + REST
            raise _Pause(until, "The platform's limit of calls is nearly used up; the rest is kept for publishing.")

    def rest(self) -> None:
        """Ask after each page whether to stop there. Raises _Pause."""
        if rate_limits.background_pace(self.account) is rate_limits.Pace.SLOW:
            raise _Pause(clock.now() + SLOWLY, "Three quarters of the platform's limit are used: reading slowly.")
        if self.until is not None and time.monotonic() >= self.until:
            raise _Pause(clock.now(), "")


def sync(channel: Channel, *, full: bool = False, progress: Tell | None = None, seconds: float | None = None) -> Report:
    """Read what is due of the channel, for `seconds` or to the end; return how that went. Never raises GraphErrors.

    Numbers of the last day, then the walk that is under way or the deepest one that is due; `full` begins one to the
    end of the listings. Each page is saved with the position behind it: whoever comes after a killed run goes on there.
    """
    with lease_channel(channel) as state:
        if state is None:
            return Report(Outcome.BUSY, message="Another run is reading this channel.")
        try:
            return _guarded(channel, state, full=full, progress=progress, seconds=seconds)
        except LeaseLost:
            return Report(Outcome.BUSY, message="Another run has taken over.")


def _guarded(
    channel: Channel, state: ChannelSync, *, full: bool, progress: Tell | None, seconds: float | None
) -> Report:
    try:
        until = None if seconds is None else time.monotonic() + seconds
        run = _Run(channel, graph_account(channel), state, until, progress)
        _go(run, full=full)
    except _Pause as pause:
        save_state(state, next_at=pause.at, failures=0, last_error=str(pause))
        more = not str(pause)
        return _report(state, Outcome.MORE if more else Outcome.PAUSED, str(pause))
    except GraphError as error:
        return _failed(channel, state, error)
    except LeaseLost:
        raise
    except Exception:
        _later(state, "An error inside Dynamo; its log has the details.", _pause_after(state.failures))
        raise
    save_state(state, next_at=intervals.next_at(state, clock.now()), failures=0, last_error="")
    return _report(state, Outcome.FINISHED, "")


def _go(run: _Run, *, full: bool) -> None:
    state = run.state
    if full and state.depth != "all":
        _begin(run, intervals.DEPTHS[0])
    first = not state.done and not state.depth
    if not first and intervals.shallow_due(state, clock.now()):
        _shallow(run)
    if not state.depth:
        depth = intervals.due(state, clock.now())
        if depth is None:
            return
        _begin(run, depth)
    while state.depth:
        if state.phase == MISSING:
            deletions.check_missing_posts(run.channel, run.account, state, spend=run.spend, rest=run.rest)
            _finish(state)
        else:
            _page(run)
        if run.tell:
            run.tell(progress_of(state))
        if state.depth:
            run.rest()


def _begin(run: _Run, depth: intervals.Depth) -> None:
    state, now = run.state, clock.now()
    since = intervals.oldest_to_fetch(state, depth, now)
    known = run.channel.published_posts.filter(deleted_at=None)
    complete = reading.total(run.account) if since is None else known.filter(published_at__gte=since).count()
    if complete is None and state.complete_at is not None:
        complete = known.count()
    save_state(
        state,
        depth=depth.name,
        since=since,
        phase=_edges(run.account)[0],
        cursor="",
        until=None,
        oldest_seen_at=None,
        page_size=None,
        excluded_fields=[] if since is None else state.excluded_fields,
        total=complete,
        read_count=0,
        created_count=0,
        deleted_count=0,
        started_at=now,
    )


def _page(run: _Run) -> None:
    """Read one page of the walk, and save it with the position behind it."""
    state = run.state
    spot = reading.FeedPosition(state.cursor, state.until)
    page = reading.page(
        run.account,
        state.phase,
        spot,
        reached=state.oldest_seen_at,
        without=state.excluded_fields,
        size=state.page_size,
        before=run.spend,
    )
    past = state.since is not None and page.oldest is not None and page.oldest < state.since
    position: dict[str, Any]
    if page.then is None or past:
        after = _after(run.account, state.phase)
        position = {"phase": after, "cursor": "", "until": None, "oldest_seen_at": None, "page_size": None}
    else:
        position = {"cursor": page.then.after, "until": page.then.until, "page_size": page.size}
        position["oldest_seen_at"] = page.oldest or state.oldest_seen_at
    with transaction.atomic():
        added = upsert_posts(run.channel, page.posts, clock.now())
        counted = {"read_count": state.read_count + len(page.posts), "created_count": state.created_count + added}
        save_state(state, **position, **counted, excluded_fields=sorted(page.without))


def _shallow(run: _Run) -> None:
    """Read the last day, without a position: it is short, and when it breaks off it is read again."""
    begun = clock.now()
    for edge in _edges(run.account):
        spot: reading.FeedPosition | None = reading.FeedPosition()
        reached = None
        while spot is not None:
            page = reading.page(
                run.account, edge, spot, reached=reached, without=run.state.excluded_fields, before=run.spend
            )
            upsert_posts(run.channel, page.posts, clock.now())
            reached = page.oldest or reached
            past = page.oldest is not None and page.oldest < begun - intervals.SHALLOW
            spot = None if past else page.then
    save_state(run.state, done=intervals.finished(run.state, "1d", begun))


def _finish(state: ChannelSync) -> None:
    now, start = clock.now(), state.started_at or clock.now()
    complete = {"complete_at": now} if state.since is None else {}
    done = intervals.finished(state, state.depth, start)
    save_state(state, depth="", phase="", done=done, finished_at=now, **complete)


def _edges(account: Account) -> list[str]:
    return list(reading.EDGES[account.type])


def _after(account: Account, edge: str) -> str:
    """Return the phase that follows an edge."""
    edges = _edges(account)
    return [*edges[edges.index(edge) + 1 :], MISSING][0]


def _failed(channel: Channel, state: ChannelSync, error: GraphError) -> Report:
    """Note why it broke off and when to try again; a token that no longer opens the account stops the channel."""
    pause = _pause_after(state.failures)
    if isinstance(error, Transient) and state.phase in _EDGES:
        # A page that is too heavy for the platform fails like an outage: ask for less.
        save_state(state, page_size=max(SMALLER, (state.page_size or SMALLER * 4) // 2))
    if isinstance(error, AuthFailed) and channel.state != ChannelState.DISCONNECTED:
        channels.mark_needs_reconnect(WORKER, channel, reason=str(error))
    if isinstance(error, Throttled):
        pause = timedelta(seconds=error.retry_after)
    elif isinstance(error, AuthFailed | PermissionDenied | PolicyBlock):
        pause = HOPELESS
    _later(state, str(error), pause)
    outcome = Outcome.PAUSED if isinstance(error, Throttled) else Outcome.FAILED
    return _report(state, outcome, str(error))


def _pause_after(failures: int) -> timedelta:
    return min(LONGEST, timedelta(seconds=30 * 2 ** min(failures, 10)))


def _later(state: ChannelSync, message: str, pause: timedelta) -> None:
    save_state(state, next_at=clock.now() + pause, failures=state.failures + 1, last_error=message[:500])


def _report(state: ChannelSync, outcome: Outcome, message: str) -> Report:
    return Report(outcome, state.read_count, state.created_count, state.deleted_count, state.next_at, message)
