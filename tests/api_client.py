"""How tests call the API: signed, in process, by the paths that clients use."""

import hashlib
import hmac
import json as jsonlib
from datetime import datetime
from typing import Any

from django.test import Client

from accounts import clock
from accounts.models import ApiKey

MISSING = object()


def stamp(instant: datetime) -> str:
    """Return `instant` as the contract writes times."""
    return instant.strftime("%Y-%m-%dT%H:%M:%S.") + f"{instant.microsecond // 1000:03d}Z"


class SignedClient:
    """A client that holds one key pair. Paths are given without /v1; answers are Django's test responses."""

    def __init__(self, key: ApiKey) -> None:
        self.key = key
        self.secret: str = key.secret  # type: ignore[attr-defined]  the fixture keeps it there
        self.client = Client()

    def signature(self, date: str | None = None) -> dict[str, str]:
        """Return the three headers. Signed here anew, so that the server's signing is tested against it."""
        date = stamp(clock.now()) if date is None else date
        signed = hmac.new(self.secret.encode(), date.encode(), hashlib.sha256).hexdigest()
        return {"x-api-key": self.key.pk, "x-date": date, "x-signature": signed}

    def call(
        self,
        method: str,
        path: str,
        json: Any = MISSING,
        *,
        body: bytes | None = None,
        content_type: str | None = None,
        headers: dict[str, str] | None = None,
        query: dict[str, Any] | None = None,
    ) -> Any:
        """Send one request. `json` is serialised as it is, NaN and lone surrogates too; `body` goes raw."""
        if json is not MISSING:
            body = jsonlib.dumps(json).encode()
            content_type = content_type or "application/json"
        return self.client.generic(
            method.upper(),
            f"/v1{path}",
            data=body or b"",
            content_type=content_type if content_type is not None else "application/json" if body else "",
            headers={**self.signature(), **(headers or {})},
            **({"query_params": query} if query is not None else {}),
        )

    def get(self, path: str, **given: Any) -> Any:
        return self.call("GET", path, **given)

    def post(self, path: str, json: Any = MISSING, **given: Any) -> Any:
        return self.call("POST", path, json, **given)

    def patch(self, path: str, json: Any = MISSING, **given: Any) -> Any:
        return self.call("PATCH", path, json, **given)

    def delete(self, path: str, **given: Any) -> Any:
        return self.call("DELETE", path, **given)
