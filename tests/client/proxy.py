"""A proxy on loopback before the web server, which loses or replaces responses as a test orders."""

import http.client
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Answer:
    """A response in place of the server's, which does not see the request."""

    status: int
    body: Any = field(default_factory=lambda: {"message": "Of the proxy"})
    headers: dict[str, str] = field(default_factory=dict)


LOSE = "lose"  # the server handles the request, and its response is lost
BREAK = "break"  # the response breaks off after half of its body


class Proxy:
    """`requests` holds (method, path, headers) of each attempt, `bodies` its body. `faults` are used up in turn."""

    def __init__(self, target: str) -> None:
        self.requests: list[tuple[str, str, dict[str, str]]] = []
        self.bodies: list[bytes] = []
        self.faults: list[str | Answer] = []
        proxy, host = self, urlsplit(target).netloc

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_request(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                proxy.bodies.append(body)
                proxy.requests.append((self.command, self.path, {k.lower(): v for k, v in self.headers.items()}))
                self.close_connection = True
                fault = proxy.faults.pop(0) if proxy.faults else None
                if isinstance(fault, Answer):
                    self.respond(fault.status, fault.headers, json.dumps(fault.body).encode())
                    return
                upstream = http.client.HTTPConnection(host, timeout=30)
                upstream.request(self.command, self.path, body, dict(self.headers))
                answer = upstream.getresponse()
                content = answer.read()
                upstream.close()
                if fault != LOSE:
                    self.respond(answer.status, dict(answer.getheaders()), content, cut=fault == BREAK)

            do_GET = do_POST = do_PATCH = do_DELETE = handle_request  # noqa: N815  http.server's names

            def respond(self, status: int, headers: dict[str, str], content: bytes, *, cut: bool = False) -> None:
                self.send_response_only(status)
                for name, value in headers.items():
                    if name.lower() not in {"content-length", "connection"}:
                        self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.send_header("Connection", "close")
                self.end_headers()
                self.wfile.write(content[: len(content) // 2] if cut else content)

            def log_message(self, *_: Any) -> None:
                """Log nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)


@contextmanager
def proxy_to(target: str) -> Iterator[Proxy]:
    proxy = Proxy(target)
    try:
        yield proxy
    finally:
        proxy.close()
