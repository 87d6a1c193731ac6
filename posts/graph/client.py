"""The Graph API by HTTP, thin: one call, one answer or one GraphError.

Three kinds of calls. `get` reads. `prepare` writes what nobody can see (staging): repeating it is harmless, so all that
is unclear is Transient. `write` does what others can see: after the first byte was sent every failure that is not a
plain refusal is Ambiguous. Only reads are ever repeated here.
"""

import hashlib
import hmac
import logging
import threading
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import IO, Any
from urllib.parse import quote, urlsplit

import requests
from django.conf import settings
from urllib3.exceptions import HTTPError

from accounts import clock
from posts.graph import http, rate_limits, responses
from posts.graph.account import Account
from posts.graph.errors import GraphError, InvalidRequest, Throttled, Transient

log = logging.getLogger(__name__)
Files = Mapping[str, tuple[str, bytes, str]]
LARGEST = 4 * 1024 * 1024  # bytes of an answer
IDLE = 20.0  # seconds after which a kept connection is not trusted: something on the way may have forgotten it
UPLOAD = 120.0  # seconds for a call that carries media
UPLOAD_HOSTS = (".facebook.com", ".instagram.com")
_here = threading.local()
_versions: set[str] = set()
_heard: deque[tuple[datetime, float]] = deque(maxlen=1)  # the platform's time at the last answer, and when that was


def get(account: Account, path: str, **params: str) -> dict[str, Any]:
    """Read. Raises Transient when nobody answered."""
    return _call(account, _Request("GET", _url(path), params))


def get_with_deadline(
    account: Account, path: str, params: Mapping[str, str], *, seconds: float, largest: int = LARGEST
) -> dict[str, Any]:
    """Read within `seconds` in all. An answer of more than `largest` bytes reads as unreadable: Transient."""
    return _call(account, _Request("GET", _url(path), params, seconds=seconds, largest=largest))


def post_unpublished(
    account: Account, path: str, params: Mapping[str, str], files: Files | None = None
) -> dict[str, Any]:
    """POST something invisible, with or without files."""
    seconds = UPLOAD if files else None
    return _call(account, _Request("POST", _url(path), params, files, seconds=seconds))


def post_public(account: Account, path: str, params: Mapping[str, str]) -> dict[str, Any]:
    """POST something that others will see. Raises Ambiguous when it may have happened."""
    return _call(account, _Request("POST", _url(path), params, outward=True))


def delete(account: Account, path: str) -> dict[str, Any]:
    """Delete; doing so twice is harmless."""
    return _call(account, _Request("DELETE", _url(path)))


def upload(account: Account, url: str, file: IO[bytes], size: int) -> dict[str, Any]:
    """Send the bytes of a film to the address that the platform gave for them."""
    parts = urlsplit(url)
    ours = urlsplit(settings.GRAPH_BASE_URL)
    theirs = parts.scheme == "https" and (parts.hostname or "").endswith(UPLOAD_HOSTS)
    if not theirs and (parts.scheme, parts.netloc) != (ours.scheme, ours.netloc):
        raise InvalidRequest("The platform named a place for the upload that is not its own")
    headers = {"offset": "0", "file_size": str(size), "Content-Type": "application/octet-stream"}
    request = _Request("POST", url, body=file, headers=headers, scheme="OAuth", seconds=UPLOAD)
    return _call(account, request)


def clock_skew() -> timedelta:
    """Return how far the platform's clock was ahead of ours at this thread's last answer; nothing when it said none."""
    known: timedelta = getattr(_here, "ahead", timedelta(0))
    return known


def platform_now() -> datetime | None:
    """Return what time it is at the platform, never too late: by the last answer to this process and what has passed.

    None before the first answer. Setting our clock does not change it.
    """
    if not _heard:
        return None
    at, when = _heard[-1]
    return at + timedelta(seconds=time.monotonic() - when)


def _url(path: str) -> str:
    return f"{settings.GRAPH_BASE_URL.rstrip('/')}/{settings.GRAPH_VERSION}/{quote(path, safe='/_')}"


@dataclass(frozen=True)
class _Request:
    """What is sent. `body` goes raw, without the parameters' form; `outward`: others can see what it does."""

    method: str
    url: str
    params: Mapping[str, str] = field(default_factory=dict)
    files: Files | None = None
    body: IO[bytes] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    scheme: str = "Bearer"
    seconds: float | None = None
    outward: bool = False
    largest: int = LARGEST


def _call(account: Account, request: _Request) -> dict[str, Any]:
    _keep_away(account)
    proof = _proof(account)
    params = {**request.params, **proof}
    form = request.method == "POST" and request.body is None
    timeout = (float(settings.GRAPH_CONNECT_TIMEOUT), float(settings.GRAPH_READ_TIMEOUT))
    failure: GraphError | None = None
    with http.track_call(request.seconds or sum(timeout)) as one:
        try:
            with _session().request(
                request.method,
                request.url,
                params=None if form else params,
                data=params if form else request.body,
                files=request.files,
                headers=request.headers,
                auth=_Token(request.scheme, account.token),
                timeout=timeout,
                allow_redirects=False,
                stream=True,
            ) as response:
                status, headers, content = response.status_code, response.headers, _content(response, request.largest)
        except (requests.RequestException, HTTPError, OSError) as error:
            failure = _failure(error, one, outward=request.outward)
        else:
            if one.late:
                # An answer without a length that was cut off looks like a whole one.
                failure = responses.timeout_error("The platform took too long to answer", outward=request.outward)
        finally:
            _here.used = time.monotonic()
    # Raised out here, so that no context drags along the exception that names the URL.
    if failure is not None:
        raise failure
    rate_limits.record_usage(account, headers)
    _notice_version(headers)
    _notice_clock(headers)
    secrets = (account.token, *proof.values())
    try:
        return responses.parse_response(status, headers, content, outward=request.outward, secrets=secrets)
    except Throttled as error:
        rate_limits.block(account, error.retry_after, code=error.code)
        raise


def _keep_away(account: Account) -> None:
    """Refuse before the platform does: calls made while throttled make it last longer."""
    until = rate_limits.blocked_until(account)
    if until is not None:
        left = (until - clock.now()).total_seconds()
        raise Throttled("The platform asked for a rest; nothing was sent", retry_after=max(left, 1.0))


def _proof(account: Account) -> dict[str, str]:
    if not settings.GRAPH_APP_SECRET:
        return {}
    made = hmac.new(settings.GRAPH_APP_SECRET.encode(), account.token.encode(), hashlib.sha256)
    return {"appsecret_proof": made.hexdigest()}


def _failure(error: Exception, one: http.CallState, *, outward: bool) -> GraphError:
    name = type(error).__name__
    if one.sent and (one.late or isinstance(error, requests.Timeout)):
        return responses.timeout_error(f"The platform took too long to answer ({name})", outward=outward)
    if one.sent:
        return responses.ambiguous_error(f"The platform broke off ({name})", outward=outward)
    return Transient(f"The platform could not be reached ({name}); nothing was sent")


def _content(response: requests.Response, largest: int) -> bytes:
    """Return the body; one that is larger than it should be reads as empty, that is as unreadable."""
    content = bytearray()
    for chunk in response.iter_content(1 << 16):
        content += chunk
        if len(content) > largest:
            return b""
    return bytes(content)


def _session() -> requests.Session:
    """Return this thread's session, with fresh connections when the last call was a while ago."""
    if getattr(_here, "owner", None) != http.thread_key():
        _here.owner, _here.session = http.thread_key(), http.session(http.Adapter())
    elif time.monotonic() - _here.used > IDLE:
        _here.session.close()
    # A sandbox on loopback is reached directly; the platform through whatever proxy the environment names.
    _here.session.trust_env = not settings.SANDBOXED
    session: requests.Session = _here.session
    return session


def _notice_version(headers: Mapping[str, str]) -> None:
    ran = headers.get("facebook-api-version")
    if ran and ran != settings.GRAPH_VERSION and ran not in _versions:
        _versions.add(ran)
        log.warning("the platform ran version %s instead of %s", ran[:20], settings.GRAPH_VERSION)


def _notice_clock(headers: Mapping[str, str]) -> None:
    try:
        there = parsedate_to_datetime(headers.get("Date", ""))
        _here.ahead = there - clock.now()
    except (TypeError, ValueError, OverflowError):
        _here.ahead = timedelta(0)
    else:
        _heard.append((there, time.monotonic()))


class _Token(requests.auth.AuthBase):
    """The token as a header: not in URLs, and not replaced by what a .netrc says."""

    def __init__(self, scheme: str, token: str) -> None:
        self._header = f"{scheme} {token}"

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = self._header
        return request
