"""Telling a receiver that an organization named, under the same guard as fetching what a client named.

Public addresses only, the very address that was checked, no redirect followed, no proxy, no cookies; one POST, sent
once, with a hard end, and hardly any of the answer read.
"""

import time
from urllib.parse import urlsplit

import requests
from django.conf import settings
from urllib3.exceptions import HTTPError

from posts.graph import calls
from posts.graph.reaching import Pinned, resolve

SECONDS = 10.0  # for everything: look-up, connecting, sending, answer
TIMEOUT = (3.0, 5.0)
ANSWER = 64 * 1024  # bytes
HEADERS = {"Content-Type": "application/json", "User-Agent": "Dynamo", "Accept-Encoding": "identity"}


class NotTaken(Exception):
    """The receiver did not say that it has it. `silent`: it did not answer at all. The message names no path."""

    def __init__(self, message: str, *, silent: bool) -> None:
        super().__init__(message)
        self.silent = silent


def post(url: str, body: bytes, headers: dict[str, str]) -> None:
    """POST the JSON `body`; any 2xx answer is a yes. Raises NotTaken for everything else, and Unreachable.

    Another of the host's addresses is tried only while nothing has been sent.
    """
    request = requests.Request("POST", url, data=body, headers={**HEADERS, **headers}).prepare()
    parts = urlsplit(request.url or "")
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    if parts.scheme != "https" and not settings.MEDIA_ALLOW_LOOPBACK:
        raise NotTaken("The receiver's address is not https", silent=False)
    request.headers["Host"] = parts.netloc
    until = time.monotonic() + SECONDS
    addresses = resolve(host, port, whose="The receiver's")
    for left, address in zip(range(len(addresses) - 1, -1, -1), addresses, strict=True):
        with calls.call(max(0.0, until - time.monotonic())) as one, calls.session(Pinned(address)) as session:
            status, failed = _send(session, request)
            if one.late:
                raise NotTaken(f"{host} did not answer within {SECONDS:g} s", silent=True)
            if failed and (one.sent or not left):
                raise NotTaken(f"{host} did not answer ({failed})", silent=True)
        if not failed:
            break
    if not 200 <= status < 300:
        raise NotTaken(f"{host} answered HTTP {status}", silent=False)


def _send(session: requests.Session, request: requests.PreparedRequest) -> tuple[int, str]:
    """Return the status of the answer, or the name of the error."""
    session.trust_env = False
    try:
        with session.send(request, timeout=TIMEOUT, allow_redirects=False, stream=True) as answer:
            answer.raw.read(ANSWER, decode_content=False)
            return answer.status_code, ""
    except (requests.RequestException, HTTPError, OSError) as error:
        return 0, type(error).__name__
