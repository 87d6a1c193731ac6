"""Fetching media as the platform does: by HTTP, without redirects, within a time."""

from dataclasses import dataclass
from urllib.parse import urlsplit

import requests

from dynamo.sandbox import errors
from dynamo.sandbox.errors import Refusal

TIMEOUT = (3, 10)
LARGEST = 300 * 1024 * 1024


@dataclass(frozen=True)
class Fetched:
    data: bytes
    declared_type: str


def fetch(url: str) -> Fetched:
    """Return the bytes behind a public URL. Raises 9004/2207052 when they cannot be had, -2/2207003 when too slow."""
    if urlsplit(url).scheme not in {"http", "https"}:
        raise errors.media_not_fetched("the URI is not http(s)")
    try:
        with requests.Session() as session, _get(session, url) as response:
            if response.status_code != 200:
                raise errors.media_not_fetched(f"it answered {response.status_code}")
            data = b"".join(_capped(response))
            return Fetched(data, response.headers.get("Content-Type", ""))
    except requests.Timeout:
        raise Refusal(
            -2,
            "Media download timed out",
            subcode=2207003,
            title="Timeout",
            user="It takes too long to download the media.",
        ) from None
    except requests.RequestException:
        raise errors.media_not_fetched("it could not be reached") from None


def _get(session: requests.Session, url: str) -> requests.Response:
    session.trust_env = False  # no proxy, no netrc: the media is on this machine as often as not
    session.headers["User-Agent"] = "facebookexternalua"
    return session.get(url, timeout=TIMEOUT, stream=True, allow_redirects=False)


def _capped(response: requests.Response) -> list[bytes]:
    chunks, size = [], 0
    for chunk in response.iter_content(1 << 16):
        chunks.append(chunk)
        size += len(chunk)
        if size > LARGEST:
            raise errors.media_not_fetched("it is too large")
    return chunks
