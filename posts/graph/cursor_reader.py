"""Reads an edge page by page without losing items when a cursor becomes invalid.

Cursors are opaque and become invalid when the item that they point to is deleted: the next page is then refused (100)
or empty, as at the end of the edge. A page with too much data is refused as well (code 1). The next page is requested
by its cursor, never by the `next` URL, which may contain the token (graph-api, section 5).
"""

import random
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from posts.graph import client
from posts.graph.account import Account
from posts.graph.errors import CursorLost, InvalidRequest, Transient
from posts.graph.parsing import dig, items, parse_graph_time

TRIES = 9  # enough to halve 200 down to 1
PAUSE, MAX_PAUSE = 0.05, 1.0  # seconds before the next try, doubling
PAGES_BEFORE_GROWTH = 8  # read pages after which a halved size is doubled
CURSORS_KEPT = 3  # to step back over
MAX_PAGES = 100_000
TIES = 20  # items of the same second that are remembered
HUGE = 80 * 1024 * 1024  # bytes of a response with a single item: 10 MB of text, escaped

Item = dict[str, Any]


@dataclass(frozen=True)
class EdgePosition:
    """A position in an edge: in the page of `size` items at the last cursor of `cursors` ("" is the start of the edge).

    `done` is the id of the last item that was read, `at` its time in seconds, and `same` the other ids of that second.
    `begun`: that item belongs to this page, or the page is known and nothing of it was read; otherwise it is the last
    one of the page before.
    """

    cursors: tuple[str, ...] = ("",)
    size: int = 25
    done: str = ""
    at: float | None = None
    begun: bool = False
    same: tuple[str, ...] = ()


@dataclass(frozen=True)
class EdgeReader:
    """Reads the edge at `path`. `stamp` is the field with an item's time. `seconds` limits one page with its retries.

    `between` is called before every page but the first; an exception from it ends the reading.
    """

    account: Account
    path: str
    params: Mapping[str, str]
    stamp: str
    newest_first: bool
    seconds: float
    between: Callable[[], None] = lambda: None

    def read(
        self, position: EdgePosition, first: Item | None = None
    ) -> Iterator[tuple[Item, EdgePosition, EdgePosition | None]]:
        """Yield each item after `position` with its own position and the next one's, None for the last item.

        `first` is the first page if it is known already. An item may be yielded twice after an invalid cursor; none is
        skipped. Raises GraphErrors, CursorLost among them.
        """
        reading = _Reading(self, position)
        for page, after in reading.pages(first):
            cursors, size = tuple(reading.cursors), reading.size
            for item in page:
                at, last = _seconds(item, self.stamp), reading.last
                same = (*last.same, last.done)[-TIES:] if at == last.at else ()
                reading.last = here = EdgePosition(cursors, size, item["id"], at, begun=True, same=same)
                if item is not page[-1]:
                    yield item, here, here
                elif after:
                    yield item, here, replace(here, cursors=(*cursors, after)[-CURSORS_KEPT:], begun=False)
                else:
                    yield item, here, None

    def shows(self, position: EdgePosition) -> bool:
        """Whether the page of `position` still contains the item that was read last. Raises GraphErrors."""
        return position.done in [item["id"] for item in _items(_Reading(self, position).fetch_page())]


class _Reading:
    """One reading of an edge: the page, the position `last` in it, and the cursor that is suspected to be invalid."""

    def __init__(self, edge: EdgeReader, position: EdgePosition) -> None:
        self.edge, self.wanted_size = edge, position.size
        self.cursors, self.size = list(position.cursors), position.size
        self.last = position
        self.skipping = position.begun  # the page may begin with items that were read already
        self.suspect, self.refused = "", False
        self.seen_cursors: set[str] = set()
        self.pages_at_size = 0

    def pages(self, first: Item | None) -> Iterator[tuple[list[Item], str]]:
        """Yield the unread items of each page, and the cursor of the next page."""
        for number in range(MAX_PAGES):
            if number:
                self.edge.between()
            response, first = first if first is not None else self._fetch_or_step_back(), None
            if response is None:
                continue
            items, after = _items(response), _after(response)
            if self.suspect and after == self.suspect:
                # The page before still ends with this cursor, so the cursor is valid.
                if self.refused:
                    raise CursorLost("The platform does not accept a cursor that it returned")
                return
            if not items and not after and len(self.cursors) > 1 and not self.suspect:
                self._step_back(refused=False)
                continue
            self.suspect = ""
            if items := self._unread(items):
                yield items, after
                self._grow()
            if not after:
                return
            if after in self.seen_cursors:
                raise CursorLost("The platform's cursors form a cycle")
            self.seen_cursors.add(after)
            self.cursors = [*self.cursors, after][-CURSORS_KEPT:]
        raise CursorLost("There are too many pages")

    def _step_back(self, *, refused: bool) -> None:
        """Go to the page before, to find there the items after the last one that was read."""
        self.suspect, self.refused = self.cursors.pop(), refused
        self.seen_cursors.discard(self.suspect)  # an earlier page may return it again
        if not self.cursors:
            raise CursorLost("The platform no longer accepts this position")
        self.skipping = bool(self.last.done)

    def _fetch_or_step_back(self) -> Item | None:
        """Return the page, None when its cursor was refused; the position is then at the page before."""
        try:
            return self.fetch_page()
        except InvalidRequest:
            if not self.cursors[-1]:
                raise
        self._step_back(refused=True)
        return None

    def fetch_page(self) -> Item:
        """Request the page; after each Transient half of it, until TRIES or the edge's `seconds` are used up."""
        edge, until = self.edge, time.monotonic() + self.edge.seconds
        params = {**edge.params, "limit": str(self.size)}
        if self.cursors[-1]:
            params["after"] = self.cursors[-1]
        pause, tries = PAUSE, 1
        while True:
            seconds = max(1.0, until - time.monotonic())
            largest = HUGE if self.size == 1 else client.LARGEST
            try:
                return client.get(edge.account, edge.path, seconds=seconds, largest=largest, **params)
            except Transient:
                if tries == TRIES or time.monotonic() + pause > until:
                    raise
            self.size, self.pages_at_size = max(1, self.size // 2), 0
            params["limit"] = str(self.size)
            time.sleep(pause * random.uniform(0.5, 1))  # noqa: S311  jitter
            pause, tries = min(MAX_PAUSE, pause * 2), tries + 1

    def _grow(self) -> None:
        self.pages_at_size += 1
        if self.pages_at_size >= PAGES_BEFORE_GROWTH and self.size < self.wanted_size:
            self.size, self.pages_at_size = min(self.wanted_size, self.size * 2), 0

    def _unread(self, items: list[Item]) -> list[Item]:
        if not self.skipping:
            return items
        ids = [item["id"] for item in items]
        if self.last.done in ids:
            self.skipping = False
            return items[ids.index(self.last.done) + 1 :]
        # It was deleted, or newer items have moved it to the next page: compare the times, which are whole seconds.
        unread = [item for item in items if self._is_after(_seconds(item, self.edge.stamp), item["id"])]
        self.skipping = not unread
        return unread

    def _is_after(self, at: float | None, item_id: str) -> bool:
        if at is None or self.last.at is None:
            return True
        if item_id in self.last.same:
            return False
        return at <= self.last.at if self.edge.newest_first else at >= self.last.at


def _items(response: Item) -> list[Item]:
    return [{**item, "id": str(item["id"])} for item in items(response) if isinstance(item.get("id"), str | int)]


def _after(response: Item) -> str:
    """Return the next page's cursor. A last page may have cursors too: only `next` shows that there is more."""
    paging = dig(response, "paging")
    if not isinstance(paging, dict) or "next" not in paging:
        return ""
    after = dig(paging, "cursors", "after")
    if not isinstance(after, str) or not after:
        raise CursorLost("The platform announces another page without its cursor")
    return after


def _seconds(item: Item, stamp: str) -> float | None:
    at = parse_graph_time(item.get(stamp))
    return at.timestamp() if at else None
