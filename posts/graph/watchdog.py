"""One thread of a process that ends what takes too long. A timer of its own for each call would cost a thread each."""

import heapq
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from itertools import count

_numbers = count()


class Watchdog:
    """Calls back what is still running at its deadline. The callback must be quick: they share the one thread."""

    def __init__(self) -> None:
        self._state = threading.Condition()
        self._waiting: list[tuple[float, int]] = []
        self._running: dict[int, Callable[[], None]] = {}
        self._awake = False

    @contextmanager
    def watch(self, seconds: float, late: Callable[[], None]) -> Iterator[None]:
        """Run the block; call `late` once, from another thread, when it has not ended within `seconds`.

        `late` never runs after the block has ended.
        """
        number = next(_numbers)
        deadline = time.monotonic() + seconds
        with self._state:
            if not self._awake:
                self._awake = True
                threading.Thread(target=self._look, name="watchdog", daemon=True).start()
            self._running[number] = late
            heapq.heappush(self._waiting, (deadline, number))
            if self._waiting[0][1] == number:
                self._state.notify()
        try:
            yield
        finally:
            with self._state:
                self._running.pop(number, None)

    def _look(self) -> None:
        with self._state:
            while True:
                now = time.monotonic()
                while self._waiting and self._waiting[0][0] <= now:
                    late = self._running.pop(heapq.heappop(self._waiting)[1], None)
                    if late is not None:
                        late()
                self._state.wait(self._waiting[0][0] - now if self._waiting else None)


_of_process: dict[int, Watchdog] = {}


def watch(seconds: float, late: Callable[[], None]) -> AbstractContextManager[None]:
    """As Watchdog.watch, with the process's own: a fork takes no threads along, and may find its locks held."""
    pid = os.getpid()
    one = _of_process.get(pid) or _of_process.setdefault(pid, Watchdog())
    return one.watch(seconds, late)
