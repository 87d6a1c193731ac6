"""Fetching a URL that a client named, without being sent to a place that only this machine can reach.

Every address that the host resolves to must be public, and the connection goes to the very address that was checked,
so that a second look-up cannot answer differently. Redirects are followed by hand and checked again. No proxy, no
cookies, no credentials.
"""

import hashlib
import ipaddress
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any
from urllib.parse import SplitResult, urljoin, urlsplit

import requests
from urllib3.exceptions import HTTPError

from posts.graph import calls
from posts.graph.public import Address, admitted

REDIRECTS = 3
SECONDS = 120.0  # for everything: look-ups, redirects, bytes
TIMEOUT = (3.0, 10.0)


class Unreachable(Exception):
    """The URL gave nothing. `passing` says that it may later; the message names no query."""

    def __init__(self, message: str, *, passing: bool) -> None:
        super().__init__(message)
        self.passing = passing


def fetch(url: str, into: IO[bytes], *, cap: int) -> str:
    """Write what `url` holds into `into` and return its SHA-256 in hex. Raises Unreachable."""
    until = time.monotonic() + SECONDS
    for _ in range(REDIRECTS + 1):
        with _opened(url, until) as (response, one):
            onward = response.headers.get("Location") if 300 <= response.status_code < 400 else None
            if onward is None:
                return _take(response, one, into, cap=cap)
            url = urljoin(url, onward)
    raise Unreachable("The media's URL redirects too often", passing=False)


@contextmanager
def _opened(url: str, until: float) -> Iterator[tuple[requests.Response, calls.Call]]:
    """Send the GET to the first of the host's addresses that answers."""
    request, parts, port = _request(url)
    addresses = resolve(parts.hostname or "", port)
    for last, address in enumerate(addresses, start=1 - len(addresses)):
        with calls.call(max(0.0, until - time.monotonic())) as one, calls.session(Pinned(address)) as session:
            session.trust_env = False
            failed: str = ""
            try:
                response = session.send(request, timeout=TIMEOUT, allow_redirects=False, stream=True)
            except (requests.RequestException, HTTPError, OSError) as error:
                failed = type(error).__name__
            if not failed:
                with response:
                    yield response, one
                return
            if last == 0 or one.sent:
                raise _broken(parts, one, failed)


def _request(url: str) -> tuple[requests.PreparedRequest, SplitResult, int]:
    """Return the GET for `url`, the URL's parts in ASCII, and the port. Raises Unreachable."""
    try:
        request = requests.Request("GET", url, headers={"Accept-Encoding": "identity"}).prepare()
        parts = urlsplit(request.url or "")
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except (requests.RequestException, ValueError):
        request = None
    if request is None or parts.scheme not in {"http", "https"} or not parts.hostname or parts.username is not None:
        raise Unreachable("The media's URL must be a full http or https one, without credentials", passing=False)
    request.headers["Host"] = parts.netloc
    return request, parts, port


def resolve(host: str, port: int, *, whose: str = "The media's") -> list[Address]:
    """Return the host's addresses, all of them public, or loopback where the settings admit it. Raises Unreachable."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise Unreachable(f"{whose} host {host} cannot be found", passing=True) from None
    addresses = list(dict.fromkeys(ipaddress.ip_address(str(one[4][0]).partition("%")[0]) for one in found))
    if not addresses or not all(admitted(address) for address in addresses):
        raise Unreachable(f"{whose} host {host} is not a public one", passing=False)
    return addresses


class Pinned(calls.Adapter):
    """Connects to one address, whatever the URL's host resolves to; Host and the certificate's name stay the URL's."""

    reads = calls.NEVER_AGAIN

    def __init__(self, address: Address) -> None:
        self._address = str(address)
        super().__init__()

    def build_connection_pool_key_attributes(self, request: requests.PreparedRequest, *more: Any) -> Any:
        host, pool = super().build_connection_pool_key_attributes(request, *more)
        if host["scheme"] == "https":
            name = {"server_hostname": host["host"], "assert_hostname": host["host"]}
            return {**host, "host": self._address}, {**pool, **name}
        return {**host, "host": self._address}, pool


def _take(response: requests.Response, one: calls.Call, into: IO[bytes], *, cap: int) -> str:
    parts = urlsplit(response.url)
    if response.status_code != 200:
        passing = response.status_code >= 500 or response.status_code in {408, 425, 429}
        raise Unreachable(f"{_name(parts)} answered HTTP {response.status_code}", passing=passing)
    if response.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise Unreachable(f"{_name(parts)} is compressed, unasked", passing=False)
    hashed, size, failed = hashlib.sha256(), 0, ""
    try:
        for chunk in response.raw.stream(1 << 16, decode_content=False):
            size += len(chunk)
            if size > cap:
                break
            hashed.update(chunk)
            into.write(chunk)
    except (requests.RequestException, HTTPError, OSError) as error:
        failed = type(error).__name__
    if failed or one.late:
        raise _broken(parts, one, failed)
    if size > cap:
        raise Unreachable(f"{_name(parts)} is larger than {cap // 1024**2} MiB", passing=False)
    return hashed.hexdigest()


def _name(parts: SplitResult) -> str:
    return f"The media at {parts.scheme}://{parts.hostname}{parts.path}"


def _broken(parts: SplitResult, one: calls.Call, error: str) -> Unreachable:
    why = f"took longer than {SECONDS:.0f} s" if one.late else f"could not be fetched ({error})"
    return Unreachable(f"{_name(parts)} {why}", passing=True)
