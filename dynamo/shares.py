"""How many connections each web process holds, in memory that all of them see, so that each takes its part of them.

They accept from one socket, and who wakes up first takes what has come. Clients that keep their connections would stay
where they once were: half of the processes could be busy with what the other half has no part in.
"""

import mmap
import time

PROCESSES = 64  # their places are used again after so many starts
SILENT = 3.0  # seconds after which a process that has said nothing counts for none
YIELD = 0.02  # seconds that a connection is left to others at most


class Shares:
    """Made before the processes part; each has the place that its number says, and writes to no other."""

    def __init__(self) -> None:
        self._held = memoryview(mmap.mmap(-1, PROCESSES * 16)).cast("d")  # connections, and when that was said

    def tell(self, number: int, held: int) -> None:
        """Say how many connections a process holds. To be said every second, or it is taken for gone."""
        place = number % PROCESSES * 2
        self._held[place], self._held[place + 1] = float(held), time.monotonic()

    def least(self, number: int) -> int | None:
        """Return how many the least of the other processes holds; None when there is no other."""
        since, mine = time.monotonic() - SILENT, number % PROCESSES * 2
        places = range(0, PROCESSES * 2, 2)
        held = [self._held[one] for one in places if one != mine and self._held[one + 1] >= since]
        return int(min(held)) if held else None
