"""Requests to URLs that others name: public addresses only, limited in size and in time."""

import gzip
import io
import ipaddress
import socket
import ssl
import time
import tracemalloc
from typing import Any

import pytest

from posts.graph import safe_http
from posts.graph.safe_http import FetchError, WebhookRejected, fetch, post_json
from tests.plugins import network_guard
from tests.posts.graph.raw import answer, serving
from tests.services.webhook_receiver import receiving

IMAGE = answer(b"picture")


@pytest.fixture(autouse=True)
def _loopback_is_public(settings: Any) -> None:
    settings.MEDIA_ALLOW_LOOPBACK = True


def refused(url: str, cap: int = 1000) -> FetchError:
    with pytest.raises(FetchError) as caught:
        fetch(url, io.BytesIO(), cap=cap)
    return caught.value


def redirect(location: bytes) -> bytes:
    return b"HTTP/1.1 302 Found\r\nConnection: close\r\nContent-Length: 0\r\nLocation: " + location + b"\r\n\r\n"


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.1", "224.0.0.1",
        "255.255.255.255", "198.18.0.1", "::1", "::", "fe80::1", "fc00::1", "ff02::1", "::ffff:127.0.0.1",
        "::ffff:10.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a00:1", "2002:7f00:1::", "2001:0:1234::1",
        "::7f00:1", "::ffff:0:7f00:1", "64:ff9b:1::a00:1", "64:ff9b::a9fe:a9fe", "fec0::1", "3fff::1", "4000::1",
        "5f00::1", "169.254.170.2", "100.100.100.200", "192.88.99.1", "192.0.0.8", "fd00:ec2::254",
        "::ffff:192.88.99.1", "64:ff9b::c058:6301", "2002:c058:6301::1", "2002:808:808::1", "2001:0:808:808::1",
        "2001:20::1", "2001:db8::1", "3fff:fff:ffff::1", "feff::1",
    ],
)  # fmt: skip
def test_private_addresses_are_refused(settings: Any, address: str) -> None:
    settings.MEDIA_ALLOW_LOOPBACK = False
    assert not safe_http.is_public_address(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"])
def test_public_addresses_are_allowed(address: str) -> None:
    assert safe_http.is_public_address(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", ["10.0.0.1", "169.254.169.254", "0.0.0.1"])
def test_allow_loopback_allows_nothing_else(address: str) -> None:
    assert not safe_http.is_public_address(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "2130706433", "0x7f000001", "127.1", "[::1]", "[::ffff:7f00:1]"]
)
def test_fetch_spellings_of_loopback_are_refused(settings: Any, monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    settings.MEDIA_ALLOW_LOOPBACK = False
    monkeypatch.setattr(socket, "getaddrinfo", network_guard._getaddrinfo)  # numbers in odd spellings need no look-up
    with serving(IMAGE) as server:
        error = refused(f"http://{host}:{server.url.rsplit(':', 1)[1]}/a.jpg")
    assert (error.passing, server.requests) == (False, [])


def test_fetch_host_with_one_private_address_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [(socket.AF_INET, 1, 6, "", (item, 80)) for item in ("8.8.8.8", "10.0.0.1")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    assert not refused("http://two-faced.example/a.jpg").passing


def test_fetch_connects_to_the_checked_address(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def rebinding(host: str, port: int, *_: Any, **__: Any) -> Any:
        asked.append(host)
        address = "127.0.0.1" if len(asked) == 1 or host == "127.0.0.1" else "10.0.0.1"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    monkeypatch.setattr(socket, "getaddrinfo", rebinding)
    with serving(IMAGE) as server:
        port = server.url.rsplit(":", 1)[1]
        into = io.BytesIO()
        fetch(f"http://rebinding.example:{port}/a.jpg?sig=1", into, cap=1000)
    assert into.getvalue() == b"picture"
    assert asked.count("rebinding.example") == 1
    assert f"Host: rebinding.example:{port}\r\n" in server.requests[0].decode()


def test_fetch_certificate_is_checked_for_the_host_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """The name that TLS asks for is the URL's host, though the connection goes to an address."""
    asked: list[Any] = []

    def wrap(self: ssl.SSLContext, sock: Any, *_: Any, server_hostname: Any = None, **__: Any) -> Any:
        asked.append((server_hostname, self.check_hostname, self.verify_mode))
        raise ssl.SSLError("no further")

    monkeypatch.setattr(ssl.SSLContext, "wrap_socket", wrap)
    resolved = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 443))]
    with serving(IMAGE) as server:
        port = int(server.url.rsplit(":", 1)[1])
        real = socket.getaddrinfo
        monkeypatch.setattr(
            socket, "getaddrinfo", lambda host, *a, **k: resolved if host == "cdn.example" else real(host, *a, **k)
        )
        refused(f"https://cdn.example:{port}/a.jpg")
    assert [name for name, _, _ in asked] == ["cdn.example"]
    assert {mode for _, _, mode in asked} == {ssl.CERT_REQUIRED}


def test_fetch_redirect_target_is_checked() -> None:
    with serving(IMAGE) as server:
        moved = answer(b"", "302 Found", f"Location: {server.url}/b.jpg")
        into = io.BytesIO()
        with serving(moved) as first:
            fetch(f"{first.url}/a.jpg", into, cap=1000)
    assert into.getvalue() == b"picture"
    with serving(answer(b"", "302 Found", "Location: http://169.254.169.254/latest/meta-data")) as trap:
        assert "not a public one" in str(refused(f"{trap.url}/a.jpg"))
    with serving(answer(b"", "302 Found", "Location: file:///etc/passwd")) as trap:
        assert not refused(f"{trap.url}/a.jpg").passing


@pytest.mark.parametrize(
    ("location", "path"),
    [
        ("/fotos/S\u00e3o.jpg".encode(), b"/fotos/S%C3%A3o.jpg"),
        (b"/fotos/S\xe3o.jpg?a=%20&b", b"/fotos/S%E3o.jpg?a=%20&b"),
        (b"/fotos/\0.jpg", b"/fotos/%00.jpg"),
    ],
)
def test_fetch_redirect_that_is_not_ascii_is_followed_m3(location: bytes, path: bytes) -> None:
    with serving(redirect(location), IMAGE) as server:
        fetch(f"{server.url}/a.jpg", io.BytesIO(), cap=1000)
    assert server.requests[1].split(b" ")[1] == path


@pytest.mark.parametrize(
    "location", [b"http://[abc/x", b"http://a:99999/", b"http://127.0.0.1\xe2\x84\x80/", b"file:x"]
)
def test_fetch_redirect_to_a_malformed_url_is_refused_m3(location: bytes) -> None:
    with serving(redirect(location)) as server:
        assert not refused(f"{server.url}/a.jpg").passing


def test_redirect_body_is_not_read() -> None:
    """`requests` would read and decompress all of it."""
    body = gzip.compress(bytes(64 * 1024**2))
    moved = answer(body, "302 Found", "Location: /b.jpg", "Content-Encoding: gzip")
    tracemalloc.start()
    try:
        with serving(moved, IMAGE, moved) as server:
            fetch(f"{server.url}/a.jpg", io.BytesIO(), cap=1000)
            with pytest.raises(WebhookRejected, match="answered HTTP 302"):
                post_json(f"{server.url}/in", b"{}", {})
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 8 * 1024**2


def test_fetch_too_many_redirects_is_refused() -> None:
    with serving(*[answer(b"", "302 Found", "Location: /again")] * 5) as server:
        assert "redirects too often" in str(refused(f"{server.url}/a.jpg"))
    assert len(server.requests) == safe_http.MAX_REDIRECTS + 1


@pytest.mark.parametrize(
    "url",
    [
        "ftp://127.0.0.1/a", "file:///etc/passwd", "http://user:pass@127.0.0.1/a", "http:///a", "//x", "http://[::1",
        "http://h:99999/",
    ],
)  # fmt: skip
def test_fetch_malformed_url_is_refused(url: str) -> None:
    assert not refused(url).passing


@pytest.mark.parametrize(("status", "passing"), [("404 Not Found", False), ("503 Down", True), ("429 Slow", True)])
def test_fetch_error_status_is_raised(status: str, passing: bool) -> None:
    with serving(answer(b"no", status)) as server:
        error = refused(f"{server.url}/a.jpg?sig=hidden")
    assert (error.passing, str(error)) == (passing, f"The server 127.0.0.1 answered {status[:3]}")


def test_fetch_too_large_body_is_refused() -> None:
    endless = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + b"x" * 5000
    with serving(endless) as server:
        assert "larger than" in str(refused(f"{server.url}/a.jpg"))


def test_fetch_compressed_response_is_refused() -> None:
    with serving(answer(b"\x1f\x8b", "200 OK", "Content-Encoding: gzip")) as server:
        assert "Content-Encoding" in str(refused(f"{server.url}/a.jpg"))


def test_fetch_interrupted_body_may_be_retried() -> None:
    with serving(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\nhalf") as server:
        assert refused(f"{server.url}/a.jpg").passing


@pytest.mark.parametrize("beginning", [b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\n\r\n"])
def test_fetch_slow_body_ends_at_the_deadline(monkeypatch: pytest.MonkeyPatch, beginning: bytes) -> None:
    monkeypatch.setattr(safe_http, "FETCH_SECONDS", 0.4)
    with serving([beginning, *[b"X-A: b\r\n"] * 30], pause=0.1) as server:
        started = time.monotonic()
        error = refused(f"{server.url}/a.jpg")
        assert time.monotonic() - started < 1.5
    assert (error.passing, "took longer" in str(error)) == (True, True)


def test_fetch_error_contains_no_query() -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        url = f"http://127.0.0.1:{probe.getsockname()[1]}/a.jpg?sig=hidden"
    error: BaseException | None = refused(url)
    while error is not None:
        assert "hidden" not in repr(error)
        error = error.__context__


def resolving(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    """Let every name stand for these addresses."""
    looked_up = socket.getaddrinfo

    def answers(host: str, port: int, *args: Any, **kwargs: Any) -> Any:
        if host != "receiver.example":
            return looked_up(host, port, *args, **kwargs)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", answers)


def test_post_json_tries_the_next_address(monkeypatch: pytest.MonkeyPatch) -> None:
    with receiving() as receiver:
        port = receiver.url.rsplit(":", 1)[1]
        resolving(monkeypatch, "127.0.0.2", "127.0.0.1")  # no server listens on the first
        post_json(f"http://receiver.example:{port}/in", b"{}", {"X-Dynamo-Event": "1"})
    [(path, headers, body)] = receiver.calls
    assert (path, headers["Host"], headers["X-Dynamo-Event"], body) == ("/in", f"receiver.example:{port}", "1", b"{}")
    assert "Authorization" not in headers


def test_post_json_host_with_one_private_address_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    resolving(monkeypatch, "127.0.0.1", "10.0.0.1")
    with receiving() as receiver, pytest.raises(FetchError, match="The receiver's host"):
        post_json(f"http://receiver.example:{receiver.url.rsplit(':', 1)[1]}/", b"{}", {})
    assert receiver.calls == []


def test_post_json_slow_and_endless_responses_are_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(safe_http, "POST_SECONDS", 0.4)
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n"
    with serving([head, *[b"x"] * 100]) as drip, pytest.raises(WebhookRejected, match=r"within 0\.4 s") as caught:
        post_json(drip.url, b"{}", {})
    assert caught.value.silent
    monkeypatch.setattr(safe_http, "POST_SECONDS", 20)
    with serving([head, b"x" * safe_http.MAX_RESPONSE_BYTES]) as endless:
        post_json(endless.url, b"{}", {})


def test_post_json_after_sending_no_other_address_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    resolving(monkeypatch, "127.0.0.1", "127.0.0.1")
    with serving(b"", answer(b"")) as server, pytest.raises(WebhookRejected, match="ConnectionError"):
        post_json(f"http://receiver.example:{server.url.rsplit(':', 1)[1]}/", b"{}", {})
    assert len(server.requests) == 1


def test_configured_proxy_is_used_and_hosts_are_checked_first_o11(
    monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")  # the environment's is not
    media, refused_by_proxy = "http://127.0.0.2:9/picture", answer(b"", "403 Forbidden")
    with serving(IMAGE, answer(b""), refused_by_proxy) as proxy:
        settings.FETCH_PROXY = proxy.url
        into = io.BytesIO()
        fetch(media, into, cap=1000)
        assert into.getvalue() == b"picture"
        post_json("http://127.0.0.2:9/in", b"{}", {})
        assert refused("http://10.0.0.1/x").passing is False
        with pytest.raises(WebhookRejected):
            post_json("https://127.0.0.2:9/in", b"{}", {})
    lines = [b" ".join(request.split(b" ")[:2]) for request in proxy.requests]
    assert lines == [
        b"GET http://127.0.0.2:9/picture",
        b"POST http://127.0.0.2:9/in",
        b"CONNECT 127.0.0.2:9",
    ]
