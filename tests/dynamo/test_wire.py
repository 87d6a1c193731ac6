"""Requests that gunicorn receives over a socket: cut into pieces, incomplete, chunked or malformed."""

import contextlib
import gzip
import hashlib
import http.client
import json
import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from accounts import clock
from accounts.domain.request_signatures import full_signature_message, sign
from scheduling.models import ScheduledPost
from tests.helpers import SignedClient, stamp
from tests.services.processes import process_group

pytestmark = [pytest.mark.processes, pytest.mark.django_db(transaction=True)]
GET = "GET /v1/organizations HTTP/1.1"
POST = "POST /v1/scheduled-posts HTTP/1.1"
JSON = "Content-Type: application/json"


@pytest.fixture(scope="module")
def web(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of a web with four threads, which all tests of the module use."""
    with process_group(tmp_path_factory.mktemp("wire")) as processes:
        _, url = processes.web(DYNAMO_WEB_WORKERS="1", DYNAMO_WEB_THREADS="4")
        yield int(urlsplit(url).port or 0)


def connected(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=60)


def ask(port: int, request: bytes) -> bytes:
    """Send bytes as they are, and return the answer's, to the end of the connection."""
    with connected(port) as connection:
        answer = b""
        with contextlib.suppress(ConnectionError):
            connection.sendall(request)
            while more := connection.recv(1 << 16):
                answer += more
        return answer


def lines(api: SignedClient, first: str, *more: str, close: bool = True) -> bytes:
    signed = [f"{name}: {value}" for name, value in api.signature().items()]
    ending = ["Connection: close"] if close else []
    return "\r\n".join([first, "Host: 127.0.0.1", *ending, *signed, *more, "", ""]).encode("latin-1")


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1]) if answer else 0


def test_half_a_body_is_refused_and_creates_no_draft(web: int, api: SignedClient) -> None:
    head = lines(api, POST, JSON, "Content-Length: 10")
    for body in (b"", b"{", b"{}"):
        with connected(web) as connection:
            connection.sendall(head + body)
            connection.shutdown(socket.SHUT_WR)
            assert status(connection.recv(1000)) == 400, body
    assert not ScheduledPost.objects.exists()
    assert status(ask(web, head + b"{}        ")) == 201


def test_a_chunked_body_is_refused_and_creates_no_draft(web: int, api: SignedClient) -> None:
    request = lines(api, POST, JSON, "Transfer-Encoding: chunked") + b"2\r\n{}\r\n0\r\n\r\n"
    answer = ask(web, request)
    assert (status(answer), b"\r\nDate: " in answer) == (411, True)
    assert b'{"message":"Send a Content-Length","code":"body.length_required"}' in answer
    with connected(web) as kept:
        kept.sendall(request.replace(b"Connection: close\r\n", b"") + lines(api, "GET /healthz HTTP/1.1"))
        answers = b"".join(iter(lambda: kept.recv(1 << 16), b""))
    assert (status(answers), answers.count(b"HTTP/1.1 200")) == (411, 1)
    assert not ScheduledPost.objects.exists()


def test_requests_in_fragments_arrive_unchanged(web: int, api: SignedClient) -> None:
    body = json.dumps({"brief": "Olá " * 2000}).encode()
    request = lines(api, POST, JSON, f"Content-Length: {len(body)}") + body
    with connected(web) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for at in range(0, len(request), 1500):
            connection.sendall(request[at : at + 1500])
        assert status(connection.recv(1000)) == 201
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", web, timeout=60)) as kept:
        for _ in range(3):
            kept.request("GET", "/v1/organizations", headers=api.signature())
            assert kept.getresponse().read().startswith(b"[")
    pair = lines(api, "GET /healthz HTTP/1.1", close=False) + lines(api, "GET /healthz HTTP/1.1")
    assert ask(web, pair).count(b"HTTP/1.1 200") == 2
    waiting = lines(api, POST, JSON, "Content-Length: 2", "Expect: 100-continue")
    with connected(web) as connection:
        connection.sendall(waiting)
        assert status(connection.recv(25)) == 100
        connection.sendall(b"{}")
        assert b" 201 Created" in b"".join(iter(lambda: connection.recv(1000), b""))

    def in_full(target: str, sent: str) -> int:
        plain = api.signature(stamp(clock.now()))
        full = sign(
            api.secret,
            full_signature_message(
                method="GET", target=target, date=plain["x-date"], body_sha256=hashlib.sha256(b"").hexdigest()
            ),
        )
        given = [f"{name}: {value}" for name, value in {**plain, "x-signature-full": full}.items()]
        request = "\r\n".join([f"GET {sent} HTTP/1.1", "Host: 127.0.0.1", "Connection: close", *given, "", ""])
        return status(ask(web, request.encode()))

    for target in ("/v1/organizations?q=%c3%A9+%20", "/v1/%6Frganizations", "/v1/organizations?"):
        assert in_full(target, target) == 200, target
    assert in_full("/v1/organizations?q=%C3%A9+%20", "/v1/organizations?q=%c3%A9+%20") == 403
    assert in_full("/v1/organizations", "/v1/%6Frganizations") == 403


def test_malformed_request_is_refused(web: int, api: SignedClient) -> None:
    refused = {
        "two lengths": lines(api, GET, "Content-Length: 0", "Content-Length: 5"),
        "length and chunks": lines(api, GET, "Content-Length: 5", "Transfer-Encoding: chunked") + b"0\r\n\r\n",
        "unknown coding": lines(api, GET, "Transfer-Encoding: gzip, chunked, identity") + b"0\r\n\r\n",
        "a folded header": lines(api, GET, "X-A: b", " c"),
        "a blank before the colon": lines(api, GET, "X-A : b"),
        "NUL": lines(api, GET, "X-A: \x00"),
        "a huge header": lines(api, GET, f"X-A: {'a' * 20_000}"),
        "many headers": lines(api, GET, *[f"X-{number}: a" for number in range(200)]),
        "a huge target": lines(api, f"GET /v1/organizations?q={'a' * 9000} HTTP/1.1"),
        "two dates": lines(api, GET, f"x-date: {stamp(clock.now())}"),
        "an underscore": lines(api, GET).replace(b"x-date", b"x_date"),
        "another host": lines(api, GET).replace(b"Host: 127.0.0.1", b"Host: evil.example"),
        "two hosts": lines(api, GET, "Host: 127.0.0.1"),
    }
    found = {name: status(ask(web, request)) for name, request in refused.items()}
    # Where gunicorn closes before it has read everything, the reset can overtake its answer.
    assert {name: code for name, code in found.items() if not 400 <= code < 500 and code != 0} == {}
    assert (found["two dates"], found["an underscore"], found["another host"]) == (403, 403, 400)
    overridden = lines(api, "POST /v1/channels HTTP/1.1", "X-HTTP-Method-Override: GET", "Content-Length: 0")
    assert status(ask(web, overridden)) == 405
    for path in ("/v1/posts/..%2f..%2fadmin", "/v1/../healthz", "/static/..%2f..%2fsettings.py", "//v1/organizations"):
        assert status(ask(web, lines(api, f"GET {path} HTTP/1.1"))) in {400, 404, 422}, path
    squeezed = gzip.compress(b'{"brief": "x"}')  # not decompressed, so a decompression bomb has no effect
    head = lines(api, POST, JSON, "Content-Encoding: gzip", f"Content-Length: {len(squeezed)}")
    assert status(ask(web, head + squeezed)) == 422
    large = lines(api, POST, JSON, f"Content-Length: {3 * 1024**2}")
    assert status(ask(web, large + b" " * 2 * 1024**2)) in {0, 413}
    assert not ScheduledPost.objects.exists()
