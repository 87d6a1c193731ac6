"""How much each web process holds, in memory that all of them see, so that each takes its part of the connections.

They accept from one socket, and who wakes up first takes what has come. Clients that keep their connections would stay
where they once were: half of the processes could be busy with what the other half has no part in.
"""

import mmap
import time

PROCESSES = 64  # their places are used again after so many starts
SILENT = 3.0  # seconds after which a process that has said nothing counts for none
YIELD = 0.02  # seconds that a connection is left to others at most
IMPATIENT = 0.5  # seconds in which nothing is left to others that did not take what was


class Shares:
    """Made before the processes part; each has the place that its number says, and writes to no other."""

    def __init__(self) -> None:
        self._held = memoryview(mmap.mmap(-1, PROCESSES * 16)).cast("d")  # how much, and when that was said

    def tell(self, number: int, held: int) -> None:
        """Say how much a process holds. To be said every second, or it is taken for gone."""
        place = number % PROCESSES * 2
        self._held[place], self._held[place + 1] = float(held), time.monotonic()

    def leave(self, number: int) -> None:
        """Say that a process takes nothing more."""
        self._held[number % PROCESSES * 2 + 1] = 0.0

    def least(self, number: int) -> int | None:
        """Return how much the least of the other processes holds; None when there is no other."""
        since, mine = max(0.001, time.monotonic() - SILENT), number % PROCESSES * 2
        places = range(0, PROCESSES * 2, 2)
        held = [self._held[one] for one in places if one != mine and self._held[one + 1] >= since]
        return int(min(held)) if held else None


class Turn:
    """Whose turn a connection is, as one process sees it."""

    def __init__(self, shares: Shares, number: int) -> None:
        self.shares, self.number = shares, number
        self._since = self._last = self._impatient = 0.0

    def is_anothers(self, held: int) -> bool:
        """Whether to leave what has come to a process that holds less, for now: to be asked again in no time.

        What nobody takes within YIELD is this one's, and so is all that comes in the moments after it.
        """
        least, now = self.shares.least(self.number), time.monotonic()
        if least is None or held <= least or now < self._impatient:
            return False
        if now - self._last > YIELD:
            self._since = now  # the one before was taken
        if now - self._since > YIELD:
            self._impatient = now + IMPATIENT
            return False
        self._last = now
        return True
