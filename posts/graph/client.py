"""Graph API calls: each returns one JSON object or raises one GraphError.

`get` reads. `post_unpublished` writes what only we can see (staging): repeating it is harmless, so an unclear outcome
is Transient. `post_public` does what others can see: once a byte was sent, a failure that is not an explicit refusal
is Ambiguous. Only GET requests are retried here.
"""

import hashlib
import hmac
import logging
import os
import threading
import time
from collections import deque
from collections.abc import Mapping
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import IO, Any
from urllib.parse import quote, urlsplit

import requests
from django.conf import settings
from django.views.decorators.debug import sensitive_variables
from urllib3.exceptions import HTTPError

from accounts import clock
from posts.graph import http, rate_limits, responses, versions
from posts.graph.account import Account
from posts.graph.errors import (
    Ambiguous,
    ConfigurationError,
    GraphError,
    InvalidRequest,
    ResponseTimeout,
    Throttled,
    Transient,
)

log = logging.getLogger(__name__)
LARGEST = 4 * 1024 * 1024  # bytes of a response
IDLE = 20.0  # seconds after which a kept connection is not reused: a middlebox may have dropped it
UPLOAD = 120.0  # seconds for a call that carries media
UPLOAD_HOSTS = (".facebook.com", ".instagram.com")
_local = threading.local()
_versions: set[str] = set()
SECRET_PARAMS = {"client_secret", "code", "fb_exchange_token", "input_token"}  # of Facebook Login
# The platform's time at the last response, and time.monotonic() then.
_platform_clock: deque[tuple[datetime, float]] = deque(maxlen=1)


def get(
    account: Account, path: str, *, seconds: float | None = None, largest: int = LARGEST, **params: str
) -> dict[str, Any]:
    """GET within `seconds`. Raises Transient on timeouts, connection errors and for more than `largest` bytes."""
    return _call(account, "GET", _url(path), params, seconds=seconds, largest=largest)


def get_without_token(path: str, **params: str) -> dict[str, Any]:
    """GET what needs no access token: the exchange of Facebook Login, whose credentials are in `params`."""
    return _call(Account("APP", "login", ""), "GET", _url(path), params)


def post_unpublished(
    account: Account, path: str, params: Mapping[str, str], files: Mapping[str, tuple[str, bytes, str]] | None = None
) -> dict[str, Any]:
    """POST something that only we can see, with or without files."""
    return _call(account, "POST", _url(path), params, seconds=UPLOAD if files else None, files=files)


def post_public(account: Account, path: str, params: Mapping[str, str]) -> dict[str, Any]:
    """POST something that others will see. Raises Ambiguous when it may have taken effect."""
    return _call(account, "POST", _url(path), params, outward=True)


def delete(account: Account, path: str) -> dict[str, Any]:
    """DELETE. A second call is harmless."""
    return _call(account, "DELETE", _url(path), {})


def upload(account: Account, url: str, file: IO[bytes], size: int) -> dict[str, Any]:
    """Send the bytes of a video to the upload URL that the platform returned.

    Raises RestageRequired when the session cannot go on, InvalidRequest for a final refusal and for other hosts.
    """
    parts = urlsplit(url)
    base = urlsplit(settings.GRAPH_BASE_URL)
    is_upload_host = parts.scheme == "https" and (parts.hostname or "").endswith(UPLOAD_HOSTS)
    if not is_upload_host and (parts.scheme, parts.netloc) != (base.scheme, base.netloc):
        raise InvalidRequest("The platform returned an upload URL that is not its own")
    headers = {"offset": "0", "file_size": str(size), "Content-Type": "application/octet-stream"}
    auth = _Token("OAuth", account.token)
    return _call(account, "POST", url, {}, seconds=UPLOAD, to_upload_host=True, data=file, headers=headers, auth=auth)


def clock_skew() -> timedelta:
    """Return how far the platform's clock was ahead of ours at this thread's last response; 0 when it is unknown."""
    skew: timedelta = getattr(_local, "clock_skew", timedelta(0))
    return skew


def platform_now() -> datetime | None:
    """Return the platform's time, never too late: that of this process's last response plus the time since then.

    None before the first response. Changes of our clock do not affect it.
    """
    if not _platform_clock:
        return None
    platform_time, monotonic_time = _platform_clock[-1]
    return platform_time + timedelta(seconds=time.monotonic() - monotonic_time)


def answered_version() -> str:
    """Return the version that answered this thread's last call, empty when it is unknown."""
    return getattr(_local, "version", "")


def _url(path: str) -> str:
    return f"{settings.GRAPH_BASE_URL.rstrip('/')}/{settings.GRAPH_VERSION}/{quote(path, safe='/_')}"


@sensitive_variables()
def _call(
    account: Account,
    method: str,
    url: str,
    params: Mapping[str, str],
    *,
    outward: bool = False,
    to_upload_host: bool = False,
    seconds: float | None = None,
    largest: int = LARGEST,
    **options: Any,
) -> dict[str, Any]:
    """`outward`: others can see the effect. `options` of `requests`: a POST without `data` sends `params` as a form."""
    _raise_if_blocked(account)
    proof = _appsecret_proof(account)
    options["data" if method == "POST" and "data" not in options else "params"] = {**params, **proof}
    options.setdefault("auth", _Token("Bearer", account.token) if account.token else _no_auth)
    timeout = (float(settings.GRAPH_CONNECT_TIMEOUT), float(settings.GRAPH_READ_TIMEOUT))
    failure: GraphError | None = None
    with http.track_call(seconds or sum(timeout)) as call:
        try:
            with _session().request(
                method, url, timeout=timeout, allow_redirects=False, stream=True, **options
            ) as response:
                status, headers = response.status_code, response.headers
                content = _read_content(response, largest)
        except (requests.RequestException, HTTPError, OSError) as error:
            failure = _graph_error(error, call, outward=outward)
        else:
            if call.late:
                # A response without a length that was cut off looks complete.
                failure = (ResponseTimeout if outward else Transient)("The platform took too long to answer")
        finally:
            _local.used = time.monotonic()
    # Raised here, so that its context does not contain the exception with the URL.
    if failure is not None:
        raise failure
    rate_limits.record_usage(account, headers)
    _check_version(headers)
    _record_clock(headers)
    secrets = (account.token, *proof.values(), *(params[name] for name in SECRET_PARAMS & params.keys()))
    use_case = rate_limits.USE_CASES.get(account.type, "")
    try:
        if to_upload_host:
            answer = responses.parse_upload_response(status, headers, content, secrets=secrets)
        else:
            answer = responses.parse_response(
                status, headers, content, outward=outward, secrets=secrets, use_case=use_case
            )
    except Throttled as error:
        rate_limits.block(account, error.retry_after, code=error.code)
        raise
    except ConfigurationError as error:
        versions.record_problem(str(error))
        raise
    if not to_upload_host:
        versions.record_answer(headers)
    return answer


def _raise_if_blocked(account: Account) -> None:
    """Raise Throttled without a call while the account is blocked: calls while throttled extend the block."""
    until = rate_limits.blocked_until(account)
    if until is not None:
        left = (until - clock.now()).total_seconds()
        raise Throttled("Rate limited by the Graph API; request not sent", retry_after=max(left, 1.0))


def _appsecret_proof(account: Account) -> dict[str, str]:
    if not settings.GRAPH_APP_SECRET or not account.token:
        return {}
    signature = hmac.new(settings.GRAPH_APP_SECRET.encode(), account.token.encode(), hashlib.sha256)
    return {"appsecret_proof": signature.hexdigest()}


def _graph_error(error: Exception, call: http.CallState, *, outward: bool) -> GraphError:
    name = type(error).__name__
    if call.sent and (call.late or isinstance(error, requests.Timeout)):
        return (ResponseTimeout if outward else Transient)(f"The platform took too long to answer ({name})")
    if call.sent:
        return (Ambiguous if outward else Transient)(f"The platform broke off ({name})")
    return Transient(f"The platform could not be reached ({name}); nothing was sent")


def _read_content(response: requests.Response, largest: int) -> bytes:
    """Return the body, or nothing when it has more than `largest` bytes: parse_response treats both as unreadable."""
    content = bytearray()
    for chunk in response.iter_content(1 << 16):
        content += chunk
        if len(content) > largest:
            return b""
    return bytes(content)


def _session() -> requests.Session:
    """Return this thread's session. Connections that were idle for more than IDLE are closed."""
    if getattr(_local, "owner", None) != os.getpid():  # a fork must not share the connections of its parent
        _local.owner, _local.session = os.getpid(), http.session(http.Adapter())
    elif time.monotonic() - _local.used > IDLE:
        _local.session.close()
    # The sandbox on loopback is called directly, the platform through the proxy that the environment names.
    _local.session.trust_env = not settings.SANDBOXED
    session: requests.Session = _local.session
    return session


def _check_version(headers: Mapping[str, str]) -> None:
    version = headers.get("facebook-api-version")
    _local.version = (version or "")[:20]
    if version and version != settings.GRAPH_VERSION and version not in _versions:
        _versions.add(version)
        log.warning("the platform ran version %s instead of %s", version[:20], settings.GRAPH_VERSION)


def _record_clock(headers: Mapping[str, str]) -> None:
    try:
        platform_time = parsedate_to_datetime(headers.get("Date", ""))
        _local.clock_skew = platform_time - clock.now()
    except (TypeError, ValueError, OverflowError):
        _local.clock_skew = timedelta(0)
    else:
        _platform_clock.append((platform_time, time.monotonic()))


def _no_auth(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Send no credentials, not even those of .netrc, which `requests` would use without an `auth`."""
    return request


class _Token(requests.auth.AuthBase):
    """The token as a header: not in URLs, and not replaced by an entry of .netrc."""

    def __init__(self, scheme: str, token: str) -> None:
        self._header = f"{scheme} {token}"

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = self._header
        return request
