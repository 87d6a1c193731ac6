"""The HTTP/1.1 server on 127.0.0.1, with persistent connections and a thread for each. Tests start a `Sandbox`."""

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

from dynamo.sandbox import control_api, handler, login_dialog, media, ui
from dynamo.sandbox.http import Request, Response, json_response
from dynamo.sandbox.state import HangUp, SandboxContext, now

LARGEST_BODY = 72 * 1024 * 1024
SITE: dict[str, Callable[[SandboxContext, Request], Response]] = {
    "/media/": handler.handle_media,
    "/live/": ui.single,
    "/stored/": media.stored,
    "/page.": ui.file,
    "/__": control_api.handle,
}


class Handler(BaseHTTPRequestHandler):
    """Reads a request, and writes headers and body of the response in one write."""

    protocol_version = "HTTP/1.1"
    server_version = "dynamo-sandbox"
    sys_version = ""
    wbufsize = -1  # one write for each response
    disable_nagle_algorithm = True
    server: "Listener"

    def date_time_string(self, timestamp: float | None = None) -> str:
        """Return the Date header by the clock that dates the posts."""
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
        except HangUp as hang_up:
            self.close_connection = True
            if hang_up.reset:
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def _respond(self, request: Request) -> Response:
        context = self.server.context
        if request.raw_path == "/" and request.method in {"GET", "HEAD"} and "ids" not in request.query:
            return ui.overview(context, request)
        if login_dialog.PATH.fullmatch(request.raw_path):
            return login_dialog.handle(context, request)
        for prefix, respond in SITE.items():
            if request.raw_path.startswith(prefix):
                return respond(context, request)
        return handler.handle(context, request)

    def _body(self) -> bytes | None:
        """Return the body; None after a 413 for one that is too large or has an invalid length."""
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            return self._chunks()
        length = self.headers.get("Content-Length", "0")
        if not length.isdecimal() or int(length) > LARGEST_BODY:
            self.close_connection = True
            self._write(json_response({"error": {"message": "too large", "type": "OAuthException", "code": 1}}, 413))
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

    do_GET = do_HEAD = do_POST = do_DELETE = do_PUT = do_PATCH = _serve  # noqa: N815  the standard library's names

    def handle_expect_100(self) -> bool:
        """Flush the interim response, for which the client waits."""
        going_on = super().handle_expect_100()
        self.wfile.flush()
        return going_on

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the standard library's name
        """Log nothing: a request line can contain a token, and /__requests shows the calls."""


class Listener(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 1024

    def __init__(self, port: int, context: SandboxContext) -> None:
        self.context = context
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
        # After an ordered reset there must be no orderly shutdown before the reset.
        if request.fileno() >= 0 and request.getsockopt(socket.SOL_SOCKET, socket.SO_LINGER, 8)[:4] != b"\0" * 4:
            request.close()
            return
        super().shutdown_request(request)

    def close_all(self) -> None:
        """Close persistent connections, so that there is no response after `close`."""
        with self._guard:
            kept = list(self._open)
        for connection in kept:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore clients that disconnect; print any other error."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class Sandbox:
    """A running sandbox on 127.0.0.1; port 0 selects a free port. `url` has no trailing slash.

    `folder` stores the nodes; with None they are in memory only. `app`: app_id, app_secret and redirect_uris of the
    settings. With `app_secret` a wrong appsecret_proof is refused.
    """

    def __init__(self, *, port: int = 0, folder: Path | None = None, **app: Any) -> None:
        self.context = SandboxContext(folder, **app)
        self._listener = Listener(port, self.context)
        self.port: int = self._listener.server_address[1]
        self.url = self.context.url = f"http://127.0.0.1:{self.port}"
        self._thread = threading.Thread(
            target=self._listener.serve_forever, kwargs={"poll_interval": 0.05}, name="sandbox", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Stop without delay: end sleeping calls and persistent connections, and close the journal."""
        self._listener.shutdown()
        self.context.end_sleeping_calls()
        self._listener.close_all()
        self._listener.server_close()
        self._thread.join()
        with self.context.state.lock:
            self.context.state.journal.close()
