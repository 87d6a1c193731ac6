"""Django's WSGI application on loopback, in threads of this process: the platform fetches signed media URLs from it."""

import threading
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Handle a request, then close the database connections of its thread, which ends."""
        from django.db import connections

        try:
            super().process_request_thread(request, client_address)
        finally:
            connections.close_all()


class _QuietHandler(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the overridden signature
        pass


class WebServer:
    """Serves the application until `close`. The application is loaded at the first request.

    Not by `get_wsgi_application`: it configures logging again, which removes the handler of `caplog` during a test.
    """

    def __init__(self) -> None:
        self._application: Any = None
        self._server = make_server("127.0.0.1", 0, self._respond, _Server, _QuietHandler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _respond(self, environ: dict[str, Any], start_response: Any) -> Any:
        if self._application is None:
            from django.core.handlers.wsgi import WSGIHandler

            self._application = WSGIHandler()
        return self._application(environ, start_response)
