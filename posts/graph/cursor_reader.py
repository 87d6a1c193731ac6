"""Reading an edge page by page, so that nothing is lost when the platform loses its place.

Cursors are the platform's own words and die when what they stand on is deleted: the next page is then refused (100)
or comes back empty, as if that were the end. One that is too much at once is refused as well (code 1). The next page is
asked for by its cursor, never by the URL that the platform gives, which may carry the token (graph-api, section 5).
"""

import random
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from posts.graph import client
from posts.graph.account import Account
from posts.graph.errors import InvalidRequest, Transient
from posts.graph.publishers.recent_posts import parse_graph_time

TRIES = 9  # enough to come down from 200 to a single one
PAUSE, LONGEST = 0.05, 1.0  # seconds before another try, doubling
AGAIN = 8  # good pages after which a halved size is doubled
KEPT = 3  # cursors to step back over
PAGES = 100_000
TIES = 20  # items of the same second that are told apart
HUGE = 80 * 1024 * 1024  # bytes of an answer with a single item: 10 MB of text, escaped

Item = dict[str, Any]


class CursorLost(Transient):
    """The platform no longer knows the place, or leads in circles. What is left cannot be read from here."""


@dataclass(frozen=True)
class EdgePosition:
    """A place in an edge: in the page of `size` items at the last cursor of `trail` ("" is the beginning).

    `done` is the last item that was read, `at` its time in seconds, and `same` the others of that second. `begun` says
    that it is one of this page's, else it is the last of the page before.
    """

    trail: tuple[str, ...] = ("",)
    size: int = 25
    done: str = ""
    at: float | None = None
    begun: bool = False
    same: tuple[str, ...] = ()


@dataclass(frozen=True)
class EdgeReader:
    """What to read: a node's edge. `stamp` names the items' time. `seconds` is for one page with all its tries.

    `between` is called before every page but the first; what it raises ends the reading.
    """

    account: Account
    path: str
    params: Mapping[str, str]
    stamp: str
    newest_first: bool
    seconds: float
    between: Callable[[], None] = lambda: None

    def read(
        self, spot: EdgePosition, first: Item | None = None
    ) -> Iterator[tuple[Item, EdgePosition, EdgePosition | None]]:
        """Yield what comes behind `spot`: each item, its own place, and the next one's, None when it is the last.

        `first` is the edge's beginning when that is known already. An item may come twice when the platform lost its
        place; none is left out. Raises GraphErrors, Lost among them.
        """
        last = spot
        for page in _Reading(self, spot).pages(first):
            for item in page.items:
                at = _seconds(item, self.stamp)
                same = (*last.same, last.done)[-TIES:] if at == last.at else ()
                last = here = EdgePosition(page.trail, page.size, item["id"], at, begun=True, same=same)
                if item is not page.items[-1]:
                    yield item, here, here
                elif page.after:
                    yield item, here, replace(here, trail=(*page.trail, page.after)[-KEPT:], begun=False)
                else:
                    yield item, here, None

    def shows(self, spot: EdgePosition) -> bool:
        """Whether the page of `spot` still holds the item that was read last. Raises GraphErrors."""
        return spot.done in [item["id"] for item in _items(_Reading(self, spot).ask())]


@dataclass(frozen=True)
class _Page:
    items: list[Item]
    trail: tuple[str, ...]
    size: int
    after: str


class _Reading:
    """One reading of an edge: where it is, and what it tried."""

    def __init__(self, edge: EdgeReader, spot: EdgePosition) -> None:
        self.edge, self.wanted = edge, spot.size
        self.trail, self.size = list(spot.trail), spot.size
        self.done, self.at, self.same, self.seeking = spot.done, spot.at, spot.same, spot.begun
        self.dead, self.refused = "", False
        self.cursors: set[str] = set()
        self.good = 0

    def pages(self, first: Item | None = None) -> Iterator[_Page]:
        for number in range(PAGES):
            if number:
                self.edge.between()
            said, first = first if first is not None else self._read(), None
            if said is None:
                continue
            items, after = _items(said), _after(said)
            if self.dead and after == self.dead:
                # The page before still ends where the cursor stood: the cursor is not dead.
                if self.refused:
                    raise CursorLost("The platform does not go on from a place that it named itself")
                return
            if not items and not after and len(self.trail) > 1 and not self.dead:
                self._step_back(refused=False)
                continue
            self.dead = ""
            trail = tuple(self.trail)
            if items := self._beyond(items):
                self._remember(items)
                yield _Page(items, trail, self.size, after)
                self._grow()
            if not after:
                return
            if after in self.cursors:
                raise CursorLost("The platform leads in circles")
            self.cursors.add(after)
            self.trail = [*trail, after][-KEPT:]
        raise CursorLost("There are more pages than anybody should read through")

    def _step_back(self, *, refused: bool) -> None:
        """Go to the page before, to look there for what comes behind the last item that was read."""
        self.dead, self.refused = self.trail.pop(), refused
        self.cursors.discard(self.dead)  # an earlier page may return it again
        if not self.trail:
            raise CursorLost("The platform no longer knows this place")
        self.seeking = bool(self.done)

    def _read(self) -> Item | None:
        """Return the page's answer, None when its cursor was refused and the one before is to be tried."""
        try:
            return self.ask()
        except InvalidRequest:
            if not self.trail[-1]:
                raise
        self._step_back(refused=True)
        return None

    def ask(self) -> Item:
        """Ask for the page, and when that fails for half of it, again."""
        edge, until = self.edge, time.monotonic() + self.edge.seconds
        params = {**edge.params, "limit": str(self.size)}
        if self.trail[-1]:
            params["after"] = self.trail[-1]
        pause, tries = PAUSE, 1
        while True:
            seconds = max(1.0, until - time.monotonic())
            largest = HUGE if self.size == 1 else client.LARGEST
            try:
                return client.get_with_deadline(edge.account, edge.path, params, seconds=seconds, largest=largest)
            except Transient:
                if tries == TRIES or time.monotonic() + pause > until:
                    raise
            self.size, self.good = max(1, self.size // 2), 0
            params["limit"] = str(self.size)
            time.sleep(pause * random.uniform(0.5, 1))  # noqa: S311  jitter
            pause, tries = min(LONGEST, pause * 2), tries + 1

    def _remember(self, items: list[Item]) -> None:
        self.done, self.at = items[-1]["id"], _seconds(items[-1], self.edge.stamp)
        before = items[-TIES - 1 : -1]
        self.same = tuple(item["id"] for item in before if _seconds(item, self.edge.stamp) == self.at)

    def _grow(self) -> None:
        """Dare more again after a while."""
        self.good += 1
        if self.good >= AGAIN and self.size < self.wanted:
            self.size, self.good = min(self.wanted, self.size * 2), 0

    def _beyond(self, items: list[Item]) -> list[Item]:
        """Return the items behind the last one that was read, when this page may hold ones from before it."""
        if not self.seeking:
            return items
        names = [item["id"] for item in items]
        if self.done in names:
            self.seeking = False
            return items[names.index(self.done) + 1 :]
        # It was deleted, or newer ones have pushed it onto the next page: then time tells, to the second.
        found = [item for item in items if self._is_beyond(_seconds(item, self.edge.stamp), item["id"])]
        self.seeking = not found
        return found

    def _is_beyond(self, at: float | None, name: str) -> bool:
        if at is None or self.at is None:
            return True
        if name in self.same:
            return False
        return at <= self.at if self.edge.newest_first else at >= self.at


def _items(said: Item) -> list[Item]:
    data = said.get("data")
    found = [item for item in data if isinstance(item, dict)] if isinstance(data, list) else []
    return [{**item, "id": str(item["id"])} for item in found if isinstance(item.get("id"), str | int)]


def _after(said: Item) -> str:
    """Return the next page's cursor. A last page may carry cursors too: what tells is that `next` is missing."""
    paging = said.get("paging")
    if not isinstance(paging, dict) or "next" not in paging:
        return ""
    cursors = paging.get("cursors")
    after = cursors.get("after") if isinstance(cursors, dict) else None
    if not isinstance(after, str) or not after:
        raise CursorLost("The platform says that there is more, but not where")
    return after


def _seconds(item: Item, stamp: str) -> float | None:
    at = parse_graph_time(item.get(stamp))
    return at.timestamp() if at else None
