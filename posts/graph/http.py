"""HTTP calls with two additions to `requests`: whether a byte was sent, and a deadline for the whole call.

A failed write may be repeated only when its first byte was not sent, and no exception shows that reliably. A socket
timeout limits one read, not a response that arrives in small pieces, and the lease of a post must outlast the call.
"""

import heapq
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from http.cookiejar import DefaultCookiePolicy
from itertools import count
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.util import Retry

_local = threading.local()


class CallState:
    """One call. `sent`: a byte of the request may have been sent. `late`: the deadline passed and the call was cut."""

    def __init__(self) -> None:
        self.sent = True  # until a connection of ours shows otherwise
        self.late = False
        self.socket: socket.socket | None = None

    def abort(self) -> None:
        """End the call from another thread: nothing more is sent, and a blocked read returns."""
        self.late = True
        if self.socket is not None:
            try:
                # The plain socket's method: that of TLS would drop the session while the other thread reads from it.
                socket.socket.shutdown(self.socket, socket.SHUT_RDWR)
            except OSError:
                return


@contextmanager
def track_call(seconds: float) -> Iterator[CallState]:
    """Track the calls that this thread makes inside; cut them off after `seconds` in all."""
    call = CallState()
    _local.call = call
    try:
        with deadline(seconds, call.abort):
            yield call
    finally:
        _local.call = None
        call.socket = None


class _DeadlinePassed(TimeoutError):
    """The deadline passed before the request was sent."""


class _TrackedConnection(HTTPConnection):
    """Records in this thread's CallState whether a byte of the request was sent."""

    def connect(self) -> None:
        try:
            super().connect()
        finally:
            call: CallState | None = getattr(_local, "call", None)
            if call is not None:
                # Also after CONNECT to a proxy: no byte of the request itself has been sent yet.
                call.sent = False
                call.socket = self.sock

    def send(self, data: Any) -> None:
        if self.sock is None:
            self.connect()
        call: CallState | None = getattr(_local, "call", None)
        if call is not None:
            call.socket = self.sock
            if call.late:
                call.sent = False
                raise _DeadlinePassed
            call.sent = True
        super().send(data)


class _TrackedTLSConnection(_TrackedConnection, HTTPSConnection):
    pass


class _Pool(HTTPConnectionPool):
    ConnectionCls = _TrackedConnection


class _TLSPool(HTTPSConnectionPool):
    ConnectionCls = _TrackedTLSConnection


POOLS = {"http": _Pool, "https": _TLSPool}
READS_AGAIN = Retry(
    total=2, status_forcelist=(502, 503, 504), allowed_methods={"GET"}, backoff_factor=0.1, backoff_jitter=0.1,
    raise_on_status=False, respect_retry_after_header=False, redirect=False,
)  # fmt: skip
NEVER_AGAIN = Retry(0, connect=0, read=False, redirect=False)


class Adapter(HTTPAdapter):
    """Uses the tracked connections. Only a GET is retried, according to `reads`."""

    reads = READS_AGAIN

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **more: Any) -> None:  # noqa: FBT001, FBT002  the overridden signature
        super().init_poolmanager(connections, maxsize, block, **more)
        self.poolmanager.pool_classes_by_scheme = POOLS

    def proxy_manager_for(self, proxy: str, **more: Any) -> Any:
        manager = super().proxy_manager_for(proxy, **more)
        manager.pool_classes_by_scheme = POOLS
        return manager

    def send(self, request: requests.PreparedRequest, *args: Any, **more: Any) -> requests.Response:
        self.max_retries = self.reads if request.method == "GET" else NEVER_AGAIN
        return super().send(request, *args, **more)


def session(adapter: HTTPAdapter) -> requests.Session:
    """Return a session without cookies that sends everything through `adapter`."""
    created = requests.Session()
    created.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    created.mount("http://", adapter)
    created.mount("https://", adapter)
    return created


def thread_key() -> tuple[int, int]:
    """Return the process and the thread: a session must not be shared between two of them."""
    return os.getpid(), threading.get_ident()


_numbers = count()


class DeadlineTimer:
    """Calls the callbacks of blocks that run past their deadline, all from one thread: callbacks must be quick."""

    def __init__(self) -> None:
        self._state = threading.Condition()
        self._deadlines: list[tuple[float, int]] = []  # a heap of (time.monotonic(), number of the block)
        self._callbacks: dict[int, Callable[[], None]] = {}
        self._started = False

    @contextmanager
    def watch(self, seconds: float, late: Callable[[], None]) -> Iterator[None]:
        """Run the block; call `late` once, from another thread, when it has not ended within `seconds`.

        `late` never runs after the block has ended.
        """
        number = next(_numbers)
        with self._state:
            if not self._started:
                self._started = True
                threading.Thread(target=self._run, name="deadline-timer", daemon=True).start()
            self._callbacks[number] = late
            heapq.heappush(self._deadlines, (time.monotonic() + seconds, number))
            if self._deadlines[0][1] == number:
                self._state.notify()
        try:
            yield
        finally:
            with self._state:
                self._callbacks.pop(number, None)

    def _run(self) -> None:
        with self._state:
            while True:
                now = time.monotonic()
                while self._deadlines and self._deadlines[0][0] <= now:
                    late = self._callbacks.pop(heapq.heappop(self._deadlines)[1], None)
                    if late is not None:
                        late()
                self._state.wait(self._deadlines[0][0] - now if self._deadlines else None)


# One per process: a fork has none of its parent's threads, and may inherit held locks.
_timers: dict[int, DeadlineTimer] = {}


def deadline(seconds: float, late: Callable[[], None]) -> AbstractContextManager[None]:
    """Call `DeadlineTimer.watch` of this process."""
    pid = os.getpid()
    timer = _timers.get(pid) or _timers.setdefault(pid, DeadlineTimer())
    return timer.watch(seconds, late)
