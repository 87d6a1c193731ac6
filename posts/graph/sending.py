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
WHOSE = "The receiver's"


class NotTaken(Exception):
    """The receiver did not say that it has it. `silent`: it did not answer at all. The message names no path."""

    def __init__(self, message: str, *, silent: bool) -> None:
        super().__init__(message)
        self.silent = silent


def post(url: str, body: bytes, headers: dict[str, str]) -> None:
    """POST the JSON `body`; any 2xx answer is a yes. Raises NotTaken for everything else, and Unreachable."""
    request = requests.Request("POST", url, data=body, headers=_headers(headers)).prepare()
    parts = urlsplit(request.url or "")
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    if parts.scheme != "https" and not settings.MEDIA_ALLOW_LOOPBACK:
        raise NotTaken("The receiver's address is not https", silent=False)
    request.headers["Host"] = parts.netloc
    until = time.monotonic() + SECONDS
    address, *_ = resolve(host, port, whose=WHOSE)
    with calls.call(max(0.0, until - time.monotonic())) as one, calls.session(Pinned(address)) as session:
        session.trust_env = False
        try:
            answer = session.send(request, timeout=TIMEOUT, allow_redirects=False, stream=True)
            with answer:
                answer.raw.read(ANSWER, decode_content=False)
        except (requests.RequestException, HTTPError, OSError) as error:
            why = f"did not answer within {SECONDS:.0f} s" if one.late else f"did not answer ({type(error).__name__})"
            raise NotTaken(f"{host} {why}", silent=True) from None
    if one.late:
        raise NotTaken(f"{host} did not answer within {SECONDS:.0f} s", silent=True)
    if not 200 <= answer.status_code < 300:
        raise NotTaken(f"{host} answered HTTP {answer.status_code}", silent=False)


def _headers(given: dict[str, str]) -> dict[str, str]:
    fixed = {"Content-Type": "application/json", "User-Agent": "Dynamo", "Accept-Encoding": "identity"}
    return {**fixed, **given}
