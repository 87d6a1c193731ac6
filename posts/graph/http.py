"""HTTP calls that know two things which `requests` does not tell: whether anything was sent, and a hard end.

Whether a failed write may be repeated depends on whether its first byte left this machine, and no exception says that
reliably. And a socket timeout bounds one read, not an answer that drips: a lease that outlasts the call needs a bound
on the whole.
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

_here = threading.local()


class CallState:
    """One call. `sent`: a byte of the request may have left. `late`: its time was up, and it was cut off."""

    def __init__(self) -> None:
        self.sent = True  # until a connection of ours says otherwise
        self.late = False
        self.socket: socket.socket | None = None

    def abort(self) -> None:
        """End the call from another thread: what has not been sent will not be, what is being read ends."""
        self.late = True
        if self.socket is not None:
            try:
                # The plain socket's method: the TLS one would let go of the session under the reader's feet.
                socket.socket.shutdown(self.socket, socket.SHUT_RDWR)
            except OSError:
                return


@contextmanager
def track_call(seconds: float) -> Iterator[CallState]:
    """Watch the calls that this thread makes inside; cut them off after `seconds` in all."""
    one = CallState()
    _here.call = one
    try:
        with deadline(seconds, one.abort):
            yield one
    finally:
        _here.call = None
        one.socket = None


class _Ended(TimeoutError):
    """The time was up before the request was sent."""


@contextmanager
def _connecting(connection: HTTPConnection) -> Iterator[None]:
    one: CallState | None = getattr(_here, "call", None)
    try:
        yield
    finally:
        if one is not None:
            # Also after a proxy was spoken to: nothing of the request itself has gone out yet.
            one.sent = False
            one.socket = connection.sock


def _sending(connection: HTTPConnection) -> None:
    one: CallState | None = getattr(_here, "call", None)
    if one is None:
        return
    one.socket = connection.sock
    if one.late:
        one.sent = False
        raise _Ended
    one.sent = True


class _Plain(HTTPConnection):
    def connect(self) -> None:
        with _connecting(self):
            super().connect()

    def send(self, data: Any) -> None:
        if self.sock is None:
            self.connect()
        _sending(self)
        super().send(data)


class _Secure(HTTPSConnection):
    def connect(self) -> None:
        with _connecting(self):
            super().connect()

    def send(self, data: Any) -> None:
        if self.sock is None:
            self.connect()
        _sending(self)
        super().send(data)


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = _Plain


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _Secure


POOLS = {"http": _PlainPool, "https": _SecurePool}
READS_AGAIN = Retry(
    total=2, status_forcelist=(502, 503, 504), allowed_methods={"GET"}, backoff_factor=0.1, backoff_jitter=0.1,
    raise_on_status=False, respect_retry_after_header=False, redirect=False,
)  # fmt: skip
NEVER_AGAIN = Retry(0, connect=0, read=False, redirect=False)


class Adapter(HTTPAdapter):
    """Connections that watch their call. Only a GET is ever sent again by itself, as `reads` says."""

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
    """Return a session that keeps no cookies and speaks through `adapter` alone."""
    made = requests.Session()
    made.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    made.mount("http://", adapter)
    made.mount("https://", adapter)
    return made


def thread_key() -> tuple[int, int]:
    """Return what a session may not be shared across: the process and the thread."""
    return os.getpid(), threading.get_ident()


_numbers = count()


class DeadlineTimer:
    """Calls the callbacks of blocks that run past their deadline, all from one thread: callbacks must be quick."""

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
                threading.Thread(target=self._look, name="deadline-timer", daemon=True).start()
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


_of_process: dict[int, DeadlineTimer] = {}


def deadline(seconds: float, late: Callable[[], None]) -> AbstractContextManager[None]:
    """Run DeadlineTimer.watch of this process: a fork has no threads of its parent, and may inherit held locks."""
    pid = os.getpid()
    one = _of_process.get(pid) or _of_process.setdefault(pid, DeadlineTimer())
    return one.watch(seconds, late)
