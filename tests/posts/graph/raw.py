"""A server that returns exactly the given bytes."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress


def answer(body: bytes, status: str = "200 OK", *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


class Raw:
    """`script` has one entry per connection: bytes to send at once, or a list of pieces with a pause before each."""

    def __init__(self, *script: bytes | list[bytes], pause: float = 0.1) -> None:
        self.requests: list[bytes] = []
        self._script, self._pause = list(script), pause
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def _serve(self) -> None:
        for step in self._script:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection, suppress(OSError):
                self.requests.append(connection.recv(65536))
                for piece in [step] if isinstance(step, bytes) else step:
                    if not isinstance(step, bytes):
                        time.sleep(self._pause)
                    connection.sendall(piece)

    def close(self) -> None:
        # Closing alone does not wake a thread that waits in accept.
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(5)


@contextmanager
def serving(*script: bytes | list[bytes], pause: float = 0.1) -> Iterator[Raw]:
    server = Raw(*script, pause=pause)
    server._thread.start()
    try:
        yield server
    finally:
        server.close()
