"""The responses of `/media/<name>.jpg|png|mp4` and `/stored/<sha256>`, and the platform's fetch of a media URL."""

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

import requests

from dynamo.sandbox import errors
from dynamo.sandbox.errors import Refusal
from dynamo.sandbox.http import Request, Response
from dynamo.sandbox.media_store import content_type
from dynamo.sandbox.sample_media import clip, picture
from dynamo.sandbox.state import SandboxContext

NAME = re.compile(r"/media/([^/]{1,200})\.(jpe?g|png|mp4)")
STORED = re.compile(r"/stored/([0-9a-f]{64})")
TYPES = {"jpg": "image/jpeg", "jpeg": "image/jpeg", "png": "image/png", "mp4": "video/mp4"}
SMALLEST, LARGEST, USUAL = 16, 4000, 1080


def generated(context: SandboxContext, request: Request) -> Response:
    """`?v=` selects other bytes of the same name, `?w=` and `?h=` a size other than 1080 x 1080."""
    match = NAME.fullmatch(request.raw_path)
    if match is None:
        return Response(404, b"no such media\n", "text/plain")
    name, kind = match[1], match[2]
    version = _number(request, "v", context.settings.media_versions.get(f"{name}.{kind}", 1), 0, 10**9)
    if kind == "mp4":
        return Response(200, clip(name, version), TYPES[kind])
    size = (_number(request, "w", USUAL, SMALLEST, LARGEST), _number(request, "h", USUAL, SMALLEST, LARGEST))
    return Response(200, picture(name, version, *size, "PNG" if kind == "png" else "JPEG"), TYPES[kind])


def _number(request: Request, name: str, usual: int, least: int, most: int) -> int:
    given = request.query.get(name, "")
    return min(most, max(least, int(given))) if given.isdecimal() else usual


def stored(context: SandboxContext, request: Request) -> Response:
    match = STORED.fullmatch(request.raw_path)
    data = context.state.media.get(match[1]) if match else None
    if data is None:
        return Response(404, b"no such media\n", "text/plain")
    return Response(200, data, content_type(data), {"Cache-Control": "max-age=86400, immutable"})


FETCH_TIMEOUT = (3, 10)
LARGEST_FETCH = 300 * 1024 * 1024


@dataclass(frozen=True)
class Fetched:
    data: bytes
    declared_type: str


def fetch(url: str) -> Fetched:
    """Fetch a public URL. Raises 9004/2207052 for a failure, -2/2207003 for a timeout."""
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
    session.trust_env = False  # no proxy and no netrc: the media can be on this machine
    session.headers["User-Agent"] = "facebookexternalua"
    return session.get(url, timeout=FETCH_TIMEOUT, stream=True, allow_redirects=False)


def _capped(response: requests.Response) -> list[bytes]:
    chunks, size = [], 0
    for chunk in response.iter_content(1 << 16):
        chunks.append(chunk)
        size += len(chunk)
        if size > LARGEST_FETCH:
            raise errors.media_not_fetched("it is too large")
    return chunks
