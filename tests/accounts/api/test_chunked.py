"""Chunked bodies, at the door where they come in."""

import json
from io import BytesIO
from typing import Any

import pytest
from django.test import RequestFactory
from django.test.client import ClientHandler

from accounts.api.chunked import measured

pytestmark = pytest.mark.usefixtures("probe")


def call(api: Any, body: bytes, *, terminated: bool) -> tuple[int, Any]:
    """Call the WSGI application as a server does that takes bodies in chunks."""
    headers = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in api.signature().items()}
    environ = RequestFactory().post("/v1/echo", content_type="application/json").environ
    environ |= headers | {"HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input": BytesIO(body)}
    environ["wsgi.input_terminated"] = terminated
    environ.pop("CONTENT_LENGTH", None)
    handler = ClientHandler()
    response: Any = measured(lambda given, _start: handler(given))(environ, print)
    return response.status_code, json.loads(response.content)


def test_a_chunked_body_is_read(api: Any) -> None:
    assert call(api, b'{"lines": {}, "count": 3}', terminated=True) == (
        200,
        {"status": "DRAFT", "count": 3, "lines": {}},
    )


def test_a_chunked_body_has_the_same_limit(api: Any) -> None:
    status, body = call(api, b" " * (1024 * 1024) + b"{}", terminated=True)
    assert (status, body) == (413, {"message": "The body is larger than 1 MiB"})


def test_a_server_that_does_not_tell_the_end_gets_a_refusal_and_not_an_empty_object(api: Any) -> None:
    assert call(api, b'{"lines": {}}', terminated=False) == (
        411,
        {"message": "Send a Content-Length"},
    )
