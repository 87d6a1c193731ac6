"""A web worker that slow clients cannot exhaust.

Gunicorn's threads read requests themselves, so that a client who sends one half, or nothing, holds a thread for as long
as it likes. Here the main loop, which can watch any number of connections, gathers a request first, body included; a
thread gets it when it is whole. A client that takes too long is cut off, and when too many are at it, the one that has
been at it longest. A proxy that buffers requests does the same; this does not depend on there being one.
"""

import errno
import re
import selectors
import socket
import time
from collections import deque
from concurrent.futures import Future
from contextlib import suppress
from functools import partial
from typing import Any

from gunicorn.workers.gthread import TConn, ThreadWorker

from dynamo.shares import Shares, Turn

GATHER = 20.0  # seconds that a client has to send a request, body included
READ = 10.0  # … once a thread has it: what was too large to gather, or in chunks that end otherwise than expected
STALLED = 60.0  # seconds that a client may not take what it is sent
LINGER = 2.0  # seconds that a client has to close a connection after the last answer on it
FULL = 1_000_000  # what a process holds more, in the eyes of the others, while none of its threads is free
LARGEST = 1024**2 + 128 * 1024  # gathered at most: the body's limit, and headers as large as gunicorn admits
END = b"\r\n\r\n"
LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d{1,15})[ \t]*\r\n", re.IGNORECASE)
CHUNKED = re.compile(rb"\r\ntransfer-encoding:", re.IGNORECASE)
CONTINUE = re.compile(rb"\r\nexpect:[ \t]*100-continue[ \t]*\r\n", re.IGNORECASE)
SHARES = Shares()


class Patient(socket.socket):
    """A client's socket. `ahead`: what it has sent; `whole`: how much of that is the request that a thread may read."""

    def __init__(self, taken: socket.socket) -> None:
        super().__init__(taken.family, taken.type, taken.proto, fileno=taken.detach())
        self.ahead, self.whole, self.until, self._seen, self._body = bytearray(), 0, 0.0, 0, -1

    def gather(self) -> bool:
        """Take what has come, without waiting; whether the request is whole. Raises ConnectionError when it ended."""
        if not (self.ahead and self._is_whole()):
            try:
                more = super().recv(1 << 16)
            except BlockingIOError:
                return False
            if not more:
                raise ConnectionResetError(errno.ECONNRESET, "The client has gone")
            self.ahead += more
            if not self._is_whole():
                return False
        self._seen, self._body = 0, -1
        return True

    def _is_whole(self) -> bool:
        if self._body < 0:
            found = self.ahead.find(END, max(0, self._seen - 3))
            self._seen = len(self.ahead)
            if found < 0:
                self.whole = len(self.ahead)
                return self.whole > LARGEST
            self._body = found + len(END)
            if CONTINUE.search(self.ahead, 0, self._body) and len(self.ahead) == self._body:
                self.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        length = LENGTH.search(self.ahead, 0, self._body)
        if CHUNKED.search(self.ahead, 0, self._body):
            self.whole = len(self.ahead)
            return self.ahead.endswith(b"0\r\n\r\n", self._body) or self.whole > LARGEST
        wanted = self._body + (int(length[1]) if length else 0)
        self.whole = min(wanted, len(self.ahead))
        return len(self.ahead) >= min(wanted, LARGEST)

    def has_news(self) -> bool:
        """Whether something has come that nobody has taken yet, if only the end."""
        try:
            super().recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except BlockingIOError:
            return False
        except OSError:
            return True
        return True

    def is_over(self) -> bool:
        """Throw away what has come; whether that was the end."""
        try:
            return not super().recv(1 << 16)
        except BlockingIOError:
            return False
        except OSError:
            return True

    def recv(self, size: int, flags: int = 0) -> bytes:
        """Return of the request what was gathered; beyond that wait, within the time that is left, and the timeout."""
        most = min(size, self.whole or len(self.ahead))
        if most:
            given = bytes(self.ahead[:most])
            del self.ahead[:most]
            self.whole = max(0, self.whole - most)
            return given
        try:
            left = max(0.001, self.until - time.monotonic())
            self.settimeout(min(left, STALLED if (set_ := self.gettimeout()) is None else set_))
            return super().recv(size, flags)
        except TimeoutError:
            # Told as gunicorn expects it of clients that have gone: it closes, and does not call it an error.
            raise ConnectionResetError(errno.ECONNRESET, "The request took too long") from None
        finally:
            self.settimeout(STALLED)

    def setblocking(self, flag: bool) -> None:  # noqa: FBT001  the overridden signature
        """Wait, but not for ever."""
        self.settimeout(STALLED if flag else 0.0)


class PatientWorker(ThreadWorker):  # type: ignore[misc]  # gunicorn carries no types
    """Gathers requests in the main loop and hands whole ones to the threads."""

    told = 0.0  # when the arbiter was told last

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.turn = Turn(SHARES, self.age)
        self.lingering: deque[Any] = deque()  # connections that are over for us, in the order of their timeouts

    def init_process(self) -> None:
        """Run; the settings are read from here on as they stand, and not asked for at each request."""
        self.cfg.__dict__.update({name: one.get() for name, one in self.cfg.settings.items()})
        super().init_process()

    def run(self) -> None:
        """Run, and take no part any more afterwards."""
        try:
            super().run()
        finally:
            SHARES.leave(self.age)

    def accept(self, listener: Any) -> None:
        """Take a connection in; it costs no thread until its request is whole. One that is another's turn is left."""
        if self.turn.is_anothers(self._held()):
            time.sleep(0.0005)
            return
        try:
            taken, address = listener.accept()
        except OSError as error:
            if error.errno not in {errno.EAGAIN, errno.ECONNABORTED, errno.EWOULDBLOCK}:
                raise
            return
        if len(self.pending_conns) >= self.worker_connections // 2:
            self._cut(self.pending_conns.popleft())
        self.nr_conns += 1
        self._tell()
        self._await(TConn(self.cfg, Patient(taken), address, listener.getsockname()))

    def on_pending_socket_readable(self, conn: Any, client: Any) -> None:
        """Gather; hand over what is whole."""
        if conn not in self.pending_conns:
            return  # it was cut for another that came with it
        try:
            whole = conn.sock.gather()
        except OSError:
            self.pending_conns.remove(conn)
            self._cut(conn)
            return
        if whole:
            super().on_pending_socket_readable(conn, client)

    def on_client_socket_readable(self, conn: Any, client: Any) -> None:
        """Hand over another request of a connection that was kept, or begin to gather it."""
        self.poller.unregister(client)
        self.keepalived_conns.remove(conn)
        try:
            whole = conn.sock.gather()
        except OSError:
            self._cut(conn)
            return
        if whole:
            self.enqueue_req(conn)
        else:
            self._await(conn)

    def murder_keepalived(self, force: bool = False) -> None:  # noqa: FBT001, FBT002  the overridden signature
        """Close connections that were idle for too long, except those whose next request has just come."""
        now = time.monotonic()
        while not force and self.keepalived_conns and self.keepalived_conns[0].timeout <= now:
            conn = self.keepalived_conns[0]
            if conn.sock.has_news():
                self.on_client_socket_readable(conn, conn.sock)
            else:
                self.keepalived_conns.popleft()
                self._cut(conn)
        super().murder_keepalived(force)

    def murder_pending(self) -> None:
        """Close what did not become whole in time, and what clients did not close themselves."""
        super().murder_pending()
        while self.lingering and self.lingering[0].timeout <= time.monotonic():
            self._let_go(self.lingering.popleft())

    def notify(self) -> None:
        """Tell the arbiter that this process lives, which waits for it for a minute: once a second is enough."""
        if (now := time.monotonic()) - self.told >= 1 or not self.alive:
            self.told = now
            self._tell()
            super().notify()

    def handle(self, conn: Any) -> Any:
        """Answer; what is left to read has its time from now."""
        conn.sock.until = time.monotonic() + READ
        return super().handle(conn)

    def finish_request(self, conn: Any, fs: "Future[Any]") -> None:
        """Keep the connection or part from it. What the client sent ahead of its turn makes no socket readable.

        Gunicorn waits here for the client to close, in the loop that everybody needs.
        """
        if fs.cancelled() or fs.exception() is not None or not fs.result():
            self._part(conn)
            return
        super().finish_request(conn, fs)
        self._tell()
        if conn.sock.ahead and conn in self.keepalived_conns:
            self.on_client_socket_readable(conn, conn.sock)

    def enqueue_req(self, conn: Any) -> None:
        """Hand a request over to the threads."""
        super().enqueue_req(conn)
        self._tell()

    def _held(self) -> int:
        """Return how much this process holds: its connections, and far more than any while no thread is free."""
        busy = self.nr_conns - len(self.pending_conns) - len(self.keepalived_conns)
        return int(self.nr_conns) + (FULL if busy >= self.cfg.threads else 0)

    def _tell(self) -> None:
        if self.alive:
            SHARES.tell(self.age, self._held())
        else:
            SHARES.leave(self.age)

    def _await(self, conn: Any) -> None:
        conn.sock.settimeout(0.0)
        conn.timeout = time.monotonic() + GATHER  # the queue is in this order
        self.pending_conns.append(conn)
        self.poller.register(conn.sock, selectors.EVENT_READ, partial(self.on_pending_socket_readable, conn))

    def _cut(self, conn: Any) -> None:
        self.nr_conns -= 1
        self._let_go(conn)
        self._tell()

    def _let_go(self, conn: Any) -> None:
        with suppress(KeyError, ValueError, OSError):  # it is not, or no longer, watched
            self.poller.unregister(conn.sock)
        conn.close()

    def _part(self, conn: Any) -> None:
        """Say that nothing more comes, and leave it to the client to close: cut off, it could lose the answer."""
        self.nr_conns -= 1
        self._tell()
        try:
            conn.sock.shutdown(socket.SHUT_WR)
            conn.sock.settimeout(0.0)
            self.poller.register(conn.sock, selectors.EVENT_READ, partial(self._drain, conn))
        except (ValueError, OSError):
            conn.close()
            return
        conn.timeout = time.monotonic() + LINGER
        self.lingering.append(conn)
        if len(self.lingering) > self.worker_connections:
            self._let_go(self.lingering.popleft())

    def _drain(self, conn: Any, client: Any) -> None:
        if conn in self.lingering and client.is_over():
            self.lingering.remove(conn)
            self._let_go(conn)
