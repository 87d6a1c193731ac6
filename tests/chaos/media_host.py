"""A hostile media host: no two requests get the same picture, whatever they have in common.

What a page, a worker and a platform would fetch from it differs, by agent, time, range and redirect. Half of the
addresses redirect first, to one that is different each time.
"""

import hashlib
import io
import itertools
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from PIL import Image

SIDE = 400  # pixels


class MediaHost:
    """Serves until `close`. `served`: the SHA-256 of every picture that was sent, in order."""

    def __init__(self) -> None:
        self.served: list[str] = []
        self._numbers = itertools.count(1)
        host = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                number = next(host._numbers)
                if number % 2 and "again" not in self.path:
                    self.send_response(302)
                    self.send_header("Location", f"{self.path}?again={number}")
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                    return
                agent = self.headers.get("User-Agent", "") + self.headers.get("Range", "")
                data = picture(number, agent)
                host.served.append(hashlib.sha256(data).hexdigest())
                self.send_response(200)
                self.send_header("Content-Type", "image/jpeg")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the overridden signature
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def picture(number: int, agent: str) -> bytes:
    """Return a JPEG whose pixels depend on the number of the request and on who asks."""
    seed = hashlib.sha256(f"{number} {agent}".encode()).digest()
    image = Image.new("RGB", (SIDE, SIDE), (seed[0], seed[1], seed[2]))
    for place in range(8):
        colour = (seed[place + 3], seed[place + 11], seed[place + 19])
        image.paste(colour, (place * 50, seed[place], place * 50 + 50, seed[place] + 140))
    out = io.BytesIO()
    image.save(out, "JPEG", quality=88)
    return out.getvalue()
