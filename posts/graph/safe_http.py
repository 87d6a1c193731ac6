"""HTTP requests to URLs that clients and organizations name, protected against server-side request forgery (SSRF).

Every address that the host resolves to must be public, and the connection goes to the address that was checked, so
that a second look-up cannot return another one. `fetch` follows redirects itself and checks each target; `post_json`
follows none. No cookies, no credentials. Through FETCH_PROXY, where it is set, https goes to the checked address as
well; for plain http the proxy looks the host up itself.
"""

import hashlib
import ipaddress
import socket
import string
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Any
from urllib.parse import SplitResult, quote, urljoin, urlsplit

import requests
from django.conf import settings
from django.utils.http import parse_http_date
from urllib3.exceptions import HTTPError

from posts.graph import http

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
UNICAST = ipaddress.ip_network("2000::/3")  # all routed IPv6; the rest holds old and local ways to embed an IPv4
# Special ranges that not every supported Python knows: protocol assignments (with Teredo), 6to4 and its relays,
# documentation (RFC 6890, 7526, 9637). They serve no media, and embedded IPv4 addresses can be private.
RESERVED = [
    ipaddress.ip_network(text) for text in ("192.0.0.0/24", "192.88.99.0/24", "2001::/23", "2002::/16", "3fff::/20")
]
NAT64 = ipaddress.ip_network("64:ff9b::/96")  # embeds an IPv4 address

MAX_REDIRECTS = 3
FETCH_SECONDS = 120.0  # in all: look-ups, redirects, body
FETCH_TIMEOUT = (3.0, 10.0)  # connect, read
POST_SECONDS = 10.0  # in all: look-up, connection, request, response
POST_TIMEOUT = (3.0, 5.0)
MAX_RETRY_AFTER = 24 * 3600.0  # seconds
MAX_RESPONSE_BYTES = 64 * 1024  # of the response to a POST
POST_HEADERS = {"Content-Type": "application/json", "User-Agent": settings.USER_AGENT, "Accept-Encoding": "identity"}
GET_HEADERS = {"Accept": "image/*,video/*,*/*;q=0.5", "User-Agent": settings.USER_AGENT, "Accept-Encoding": "identity"}
ERRORS = (requests.RequestException, HTTPError, OSError)


class FetchError(Exception):
    """The URL could not be fetched. `passing`: a later try may succeed. The message contains no query string."""

    def __init__(self, message: str, *, passing: bool) -> None:
        super().__init__(message)
        self.passing = passing


@dataclass(frozen=True)
class Fetched:
    """`url` is that of the last redirect, `content_type` the header as it was received."""

    sha256: str
    url: str
    content_type: str


class WebhookRejected(Exception):
    """The receiver did not return 2xx. `silent`: it did not respond. The message contains no path.

    `status` is that of the response, 0 without one; `retry_after` are the seconds of a 429 or 503 with Retry-After.
    """

    def __init__(self, message: str, *, silent: bool, status: int = 0, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.silent, self.status, self.retry_after = silent, status, retry_after


def is_public_address(address: Address) -> bool:
    """Return whether connections are allowed. An embedded IPv4 address must be public as well."""
    if settings.MEDIA_ALLOW_LOOPBACK and address.is_loopback:
        return True
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped:
            return is_public_address(address.ipv4_mapped)
        if address in NAT64:
            return is_public_address(ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF))
        if address not in UNICAST:
            return False
    return address.is_global and not address.is_multicast and not any(address in network for network in RESERVED)


def fetch(url: str, into: IO[bytes], *, cap: int) -> Fetched:
    """Write the content of `url` into `into`; return what was received. Raises FetchError."""
    until = time.monotonic() + FETCH_SECONDS
    for _ in range(MAX_REDIRECTS + 1):
        request, parts = _get_request(url)
        with _send(request, parts, FETCH_TIMEOUT, until, "The media's", _fetch_error) as (response, call):
            location = response.headers.get("Location") if 300 <= response.status_code < 400 else None
            if location is None:
                sha256 = _save_body(response, call, into, cap=cap)
                return Fetched(sha256, url, response.headers.get("Content-Type", ""))
            url = _redirect_target(url, location)
    raise FetchError("The media's URL redirects too often", passing=False)


def post_json(url: str, body: bytes, headers: dict[str, str]) -> None:
    """POST the JSON `body` once. Raises WebhookRejected unless the response is 2xx, FetchError for a refused host."""
    request = requests.Request("POST", url, data=body, headers={**POST_HEADERS, **headers}).prepare()
    parts = urlsplit(request.url or "")
    if parts.scheme != "https" and not settings.MEDIA_ALLOW_LOOPBACK:
        raise WebhookRejected("The receiver's address is not https", silent=False)
    until, failed = time.monotonic() + POST_SECONDS, ""
    with _send(request, parts, POST_TIMEOUT, until, "The receiver's", _webhook_error) as (response, call):
        try:
            response.raw.read(MAX_RESPONSE_BYTES, decode_content=False)
        except ERRORS as error:
            failed = type(error).__name__
        if failed or call.late:
            raise _webhook_error(parts, call, failed)
    if not 200 <= response.status_code < 300:
        status = response.status_code
        wait = parse_retry_after(response.headers.get("Retry-After", "")) if status in {429, 503} else None
        message = f"{parts.hostname} answered HTTP {status}"
        raise WebhookRejected(message, silent=False, status=status, retry_after=wait)


def parse_retry_after(value: str) -> float | None:
    """Return the seconds of a Retry-After header, at most MAX_RETRY_AFTER; None when it is missing or malformed."""
    if value.isascii() and value.strip().isdigit():
        return min(float(value.strip()[:10]), MAX_RETRY_AFTER)
    try:
        until = parse_http_date(value)
    except (ValueError, OverflowError):
        return None
    return min(max(0.0, until - time.time()), MAX_RETRY_AFTER)


def resolve(host: str, port: int, *, owner: str) -> list[Address]:
    """Return the addresses of `host`. Raises FetchError unless all are public; `owner` begins its message."""
    try:
        entries = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise FetchError(f"{owner} host {host} cannot be found", passing=True) from None
    addresses = list(dict.fromkeys(ipaddress.ip_address(str(entry[4][0]).partition("%")[0]) for entry in entries))
    if not addresses or not all(is_public_address(address) for address in addresses):
        raise FetchError(f"{owner} host {host} is not a public one", passing=False)
    return addresses


class PinnedAddressAdapter(http.Adapter):
    """Connects to one address. The Host header and the certificate check use the host name of the URL."""

    reads = http.NEVER_AGAIN

    def __init__(self, address: Address) -> None:
        self._address = str(address)
        super().__init__()

    def build_connection_pool_key_attributes(self, request: requests.PreparedRequest, *more: Any) -> Any:
        host, pool = super().build_connection_pool_key_attributes(request, *more)
        if host["scheme"] == "https":
            name = {"server_hostname": host["host"], "assert_hostname": host["host"]}
            return {**host, "host": self._address}, {**pool, **name}
        return {**host, "host": self._address}, pool


@contextmanager
def _send(
    request: requests.PreparedRequest,
    parts: SplitResult,
    timeout: tuple[float, float],
    until: float,
    owner: str,
    broken: Callable[[SplitResult, http.CallState, str], Exception],
) -> Iterator[tuple[requests.Response, http.CallState]]:
    """Send `request` to the addresses of its host in turn; try the next one only while nothing was sent.

    `broken` makes the exception for a request without a response. It is raised outside the `except` block, so that
    its context does not contain the URL.
    """
    request.headers["Host"] = parts.netloc
    port = parts.port or (443 if parts.scheme == "https" else 80)
    addresses = resolve(parts.hostname or "", port, owner=owner)
    proxies = dict.fromkeys(("http", "https"), settings.FETCH_PROXY) if settings.FETCH_PROXY else {}
    for address in addresses:
        adapter = PinnedAddressAdapter(address)
        with http.track_call(max(0.0, until - time.monotonic())) as call, http.session(adapter) as session:
            session.trust_env = False
            try:
                response = session.send(request, timeout=timeout, allow_redirects=False, stream=True, proxies=proxies)
            except ERRORS as error:
                failed = type(error).__name__
            else:
                with response:
                    yield response, call
                return
        if call.sent or call.late:
            break
    raise broken(parts, call, failed)


def _get_request(url: str) -> tuple[requests.PreparedRequest, SplitResult]:
    """Return the GET request for `url` and the parts of the URL in ASCII. Raises FetchError."""
    try:
        request = requests.Request("GET", url, headers=GET_HEADERS).prepare()
        parts = urlsplit(request.url or "")
        _ = parts.port  # raises ValueError when it is out of range
    except (requests.RequestException, ValueError):
        request = None
    if request is None or parts.scheme not in {"http", "https"} or not parts.hostname or parts.username is not None:
        raise FetchError("The media's URL must be a full http or https one, without credentials", passing=False)
    return request, parts


def _redirect_target(url: str, location: str) -> str:
    """Return the absolute URL of a Location header, whose bytes were decoded as Latin-1. Raises FetchError."""
    encoded = location.encode("latin1")
    try:
        location = encoded.decode().replace("\0", "%00")
    except UnicodeDecodeError:
        location = quote(encoded, safe=string.punctuation)
    try:
        return urljoin(url, location)
    except ValueError:
        raise FetchError("The media's URL redirects to one that is not valid", passing=False) from None


def _save_body(response: requests.Response, call: http.CallState, into: IO[bytes], *, cap: int) -> str:
    parts = urlsplit(response.url)
    if response.status_code != 200:
        passing = response.status_code >= 500 or response.status_code in {408, 425, 429}
        raise FetchError(f"The server {parts.hostname} answered {response.status_code}", passing=passing)
    if response.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise FetchError(f"{_describe(parts)} has an unsupported Content-Encoding", passing=False)
    hashed, size, failed = hashlib.sha256(), 0, ""
    try:
        for chunk in response.raw.stream(1 << 16, decode_content=False):
            size += len(chunk)
            if size > cap:
                break
            hashed.update(chunk)
            into.write(chunk)
    except ERRORS as error:
        failed = type(error).__name__
    if failed or call.late:
        raise _fetch_error(parts, call, failed)
    if size > cap:
        raise FetchError(f"{_describe(parts)} is larger than {cap // 1024**2} MiB", passing=False)
    return hashed.hexdigest()


def _describe(parts: SplitResult) -> str:
    return f"The media at {parts.scheme}://{parts.hostname}{parts.path}"


def _fetch_error(parts: SplitResult, call: http.CallState, error: str) -> FetchError:
    why = f"took longer than {FETCH_SECONDS:.0f} s" if call.late else f"could not be fetched ({error})"
    return FetchError(f"{_describe(parts)} {why}", passing=True)


def _webhook_error(parts: SplitResult, call: http.CallState, error: str) -> WebhookRejected:
    why = f"within {POST_SECONDS:g} s" if call.late else f"({error})"
    return WebhookRejected(f"{parts.hostname} did not answer {why}", silent=True)
