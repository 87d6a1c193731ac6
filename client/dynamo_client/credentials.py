"""Where the address and the key come from: the environment, else the file that `dynamo login` writes."""

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path

import httpx2

from dynamo_client.auth import BearerAuth, SignatureAuth
from dynamo_client.client import Client
from dynamo_client.exceptions import DynamoError

VARIABLES = ("DYNAMO_API_URL", "DYNAMO_API_KEY", "DYNAMO_API_SECRET")


class NotLoggedIn(DynamoError):
    """There are no credentials."""


@dataclass(frozen=True)
class Credentials:
    url: str
    key_id: str
    secret: str = field(repr=False)
    bearer: bool = False

    def auth(self) -> httpx2.Auth:
        """Return the authentication of requests: a signature, unless `bearer` was chosen."""
        return (BearerAuth if self.bearer else SignatureAuth)(self.key_id, self.secret)


def path() -> Path:
    """Return the file of `dynamo login`."""
    folder = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(folder, "dynamo", "credentials.json")


def load() -> Credentials:
    """Return the credentials of the environment or of the file. Raises NotLoggedIn."""
    url, key_id, secret = (os.environ.get(name, "") for name in VARIABLES)
    if url and key_id and secret:
        return Credentials(url, key_id, secret, bearer=os.environ.get("DYNAMO_API_BEARER") == "1")
    try:
        return Credentials(**json.loads(path().read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        raise NotLoggedIn(f"Run `dynamo login`, or set {', '.join(VARIABLES)}") from None


def connect() -> Client:
    """Return a client with the credentials of the environment, or of `dynamo login`. Raises NotLoggedIn."""
    credentials = load()
    return Client(credentials.url, credentials.auth())


def save(credentials: Credentials) -> Path:
    """Write the file, readable by its owner only, and return its path."""
    target = path()
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    part = target.with_suffix(".part")
    part.unlink(missing_ok=True)
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(asdict(credentials), file)
    part.replace(target)
    return target
