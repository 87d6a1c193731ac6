"""Authentication of requests: a signature, or the key's id and secret as a Bearer token.

docs/signing.md in the server's repository defines the signatures.
"""

import hashlib
import hmac
from collections.abc import Generator, Iterable
from datetime import UTC, datetime

import httpx2


def sign(secret: str, message: str) -> str:
    """Return the HMAC-SHA256 of `message` under `secret` as 64 lowercase hex digits."""
    return hmac.digest(secret.encode(), message.encode(), "sha256").hex()


def full_signature_message(*, method: str, target: str, date: str, body: Iterable[bytes]) -> str:
    """Return the message of `x-signature-full`. `target` is path and query exactly as in the request line."""
    hashed = hashlib.sha256()
    for chunk in body:
        hashed.update(chunk)
    return f"{method}\n{target}\n{date}\n{hashed.hexdigest()}"


class SignatureAuth(httpx2.Auth):
    """Sign every request, each attempt with the present time. The clock may be 60 seconds off the server's.

    `full` adds `x-signature-full`, which covers method, path, query and body; organizations can require it. The body is
    then read twice, so it cannot be a generator or an open file, only bytes, JSON, a form or `files`.
    """

    def __init__(self, key_id: str, secret: str, *, full: bool = True) -> None:
        self.key_id, self.full = key_id, full
        self._secret = secret

    def __repr__(self) -> str:
        return f"SignatureAuth({self.key_id!r})"

    def auth_flow(self, request: httpx2.Request) -> Generator[httpx2.Request, httpx2.Response, None]:
        """Set the headers of one attempt."""
        date = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        request.headers["x-api-key"] = self.key_id
        request.headers["x-date"] = date
        request.headers["x-signature"] = sign(self._secret, date)
        if self.full:
            target = request.url.raw_path.decode("ascii")
            body = request.stream
            # In httpx2 a body of bytes, JSON, a form or `files` is both; one that is read only once is one of them.
            if not isinstance(body, httpx2.SyncByteStream) or not isinstance(body, httpx2.AsyncByteStream):
                raise TypeError("A body that can only be read once cannot be signed")
            message = full_signature_message(method=request.method, target=target, date=date, body=body)
            request.headers["x-signature-full"] = sign(self._secret, message)
        yield request


class BearerAuth(httpx2.Auth):
    """Send the key's id and secret with every request. The server refuses this without TLS, and for other keys."""

    def __init__(self, key_id: str, secret: str) -> None:
        self.key_id = key_id
        self._secret = secret

    def __repr__(self) -> str:
        return f"BearerAuth({self.key_id!r})"

    def auth_flow(self, request: httpx2.Request) -> Generator[httpx2.Request, httpx2.Response, None]:
        """Set the header of one attempt."""
        request.headers["authorization"] = f"Bearer {self.key_id}.{self._secret}"
        yield request
