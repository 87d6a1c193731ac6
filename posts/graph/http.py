"""HTTP calls with two additions to `requests`: whether a byte was sent, and a deadline for the whole call.

A failed write may be repeated only when its first byte was not sent, and no exception shows that reliably. A socket
timeout limits one read, not a response that arrives in small pieces, and the lease of a post must outlast the call.
"""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.cookiejar import DefaultCookiePolicy
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
        self._ended = False
        self._lock = threading.Lock()

    def abort(self) -> None:
        """End a running call from another thread: nothing more is sent, and a blocked read returns."""
        with self._lock:
            self.late = not self._ended
            if self.late and self.socket is not None:
                with suppress(OSError):
                    # The plain socket's method: that of TLS would drop the session while the other thread reads.
                    socket.socket.shutdown(self.socket, socket.SHUT_RDWR)

    def end(self) -> None:
        """Keep `abort` from cutting a later call, which may use the same connection."""
        with self._lock:
            self._ended, self.socket = True, None


@contextmanager
def track_call(seconds: float) -> Iterator[CallState]:
    """Track the calls that this thread makes inside; cut them off after `seconds` in all."""
    _local.call = call = CallState()
    timer = threading.Timer(seconds, call.abort)
    timer.daemon = True
    timer.start()
    try:
        yield call
    finally:
        timer.cancel()
        _local.call = None
        call.end()


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
                raise TimeoutError  # the deadline passed before the request was sent
            call.sent = True
        super().send(data)


class _TrackedTLSConnection(_TrackedConnection, HTTPSConnection): ...


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


class _Session(requests.Session):
    """Follows no redirect: even without `allow_redirects`, `requests` reads the whole body of one, decompressed."""

    def get_redirect_target(self, resp: requests.Response) -> None:  # noqa: ARG002  the overridden signature
        return None


def session(adapter: HTTPAdapter) -> requests.Session:
    """Return a session without cookies and redirects that sends everything through `adapter`."""
    created = _Session()
    created.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    created.mount("http://", adapter)
    created.mount("https://", adapter)
    return created
