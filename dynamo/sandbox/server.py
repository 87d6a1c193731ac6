"""The wire: HTTP/1.1 with kept connections on 127.0.0.1, a thread per connection. `start` is how tests run it."""

import base64
import contextlib
import os
import socket
import struct
import sys
import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, cast
from urllib.parse import parse_qsl, unquote, urlsplit

from dynamo.sandbox import control_api, handler, media, ui
from dynamo.sandbox.http import Request, Response, answer
from dynamo.sandbox.state import HangUp, SandboxContext, now

LARGEST_BODY = 72 * 1024 * 1024
SITE: list[tuple[str, Callable[[SandboxContext, Request], Response]]] = [
    ("/live/", ui.single),
    ("/stored/", media.stored),
    ("/page.", lambda _world, request: ui.file(request) if request.raw_path in ui.FILES else _nothing()),
    ("/__", control_api.handle),
]


def _nothing() -> Response:
    return Response(404, b"nothing here\n", "text/plain")


class Handler(BaseHTTPRequestHandler):
    """Reads a request, has it answered, writes headers and body in one piece."""

    protocol_version = "HTTP/1.1"
    server_version = "dynamo-sandbox"
    sys_version = ""
    wbufsize = -1  # one write per answer
    disable_nagle_algorithm = True
    server: "Listener"

    def date_time_string(self, timestamp: float | None = None) -> str:
        """Return the Date header's time: by the clock that posts are stamped with."""
        return super().date_time_string(now() if timestamp is None else timestamp)

    def _serve(self) -> None:
        received_at = now()
        body = self._body()
        if body is None:
            return
        parts = urlsplit(self.path)
        request = Request(
            method=self.command,
            raw_path=unquote(parts.path),
            query=dict(parse_qsl(parts.query, keep_blank_values=True)),
            headers=cast("Mapping[str, str]", self.headers),
            body=body,
            id="A" + base64.urlsafe_b64encode(os.urandom(16)).decode().rstrip("="),
            received_at=received_at,
        )
        try:
            self._write(self._respond(request))
        except HangUp as order:
            self._hang_up(reset=order.reset)

    def _respond(self, request: Request) -> Response:
        world = self.server.world
        if request.raw_path == "/" and request.method in {"GET", "HEAD"} and "ids" not in request.query:
            return ui.overview(world, request)
        if request.raw_path.startswith("/media/"):
            return handler.faulty(world, request, media.generated)
        for prefix, respond in SITE:
            if request.raw_path.startswith(prefix):
                return respond(world, request)
        return handler.handle(world, request)

    def _body(self) -> bytes | None:
        """Return the whole body, of a length or in chunks; None after answering that it is too large or unclear."""
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            return self._chunks()
        length = self.headers.get("Content-Length", "0")
        if not length.isdecimal() or int(length) > LARGEST_BODY:
            self.close_connection = True
            self._write(answer({"error": {"message": "too large", "type": "OAuthException", "code": 1}}, 413))
            return None
        return self.rfile.read(int(length))

    def _chunks(self) -> bytes:
        body = b""
        while (size := int(self.rfile.readline().split(b";")[0] or b"0", 16)) and len(body) <= LARGEST_BODY:
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def _write(self, response: Response) -> None:
        self.send_response(response.status)
        self.send_header("Content-Type", response.content_type)
        self.send_header("Content-Length", str(len(response.body)))
        for name, value in response.headers.items():
            self.send_header(name, value)
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(response.body)

    def _hang_up(self, *, reset: bool) -> None:
        self.close_connection = True
        if reset:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    do_GET = do_HEAD = do_POST = do_DELETE = do_PUT = do_PATCH = _serve  # noqa: N815  the standard library's names

    def handle_expect_100(self) -> bool:
        """Let the client send at once: the interim answer must not wait in the buffer."""
        going_on = super().handle_expect_100()
        self.wfile.flush()
        return going_on

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the standard library's name
        """Say nothing: /__requests shows what came, and a request line may carry a token."""


class Listener(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 1024

    def __init__(self, port: int, world: SandboxContext) -> None:
        self.world = world
        self._open: set[socket.socket] = set()
        self._guard = threading.Lock()
        super().__init__(("127.0.0.1", port), Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._guard:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._guard:
            self._open.discard(request)
        # After an ordered reset there must be no orderly shutdown, which would come first.
        if request.fileno() >= 0 and request.getsockopt(socket.SOL_SOCKET, socket.SO_LINGER, 8)[:4] != b"\0" * 4:
            request.close()
            return
        super().shutdown_request(request)

    def hang_up_all(self) -> None:
        """End the connections that clients keep, so that nothing is answered after close."""
        with self._guard:
            kept = list(self._open)
        for one in kept:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no news here; anything else is a defect and is shown."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class Sandbox:
    """A running sandbox: `url` without a trailing slash, `world` for looking inside, `close` to stop it."""

    def __init__(self, port: int, folder: Path | None, app_secret: str) -> None:
        self.world = SandboxContext(folder, app_secret)
        self._listener = Listener(port, self.world)
        self.port: int = self._listener.server_address[1]
        self.url = self.world.url = f"http://127.0.0.1:{self.port}"
        self._thread = threading.Thread(
            target=self._listener.serve_forever, kwargs={"poll_interval": 0.05}, name="sandbox", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Stop at once: no new call, sleeping ones woken, kept connections ended, the journal closed."""
        self._listener.shutdown()
        self.world.end_sleepers()
        self._listener.hang_up_all()
        self._listener.server_close()
        self._thread.join()
        with self.world.state.lock:
            self.world.state.journal.close()


def start(*, port: int = 0, folder: str | Path | None = None, app_secret: str = "") -> Sandbox:
    """Listen on 127.0.0.1; port 0 takes a free one. `folder` keeps what went live; None keeps it in memory only.

    With `app_secret` a wrong appsecret_proof is refused, as for a real app.
    """
    return Sandbox(port, Path(folder) if folder is not None else None, app_secret)
