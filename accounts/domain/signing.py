"""Request signing: HMAC-SHA256 with the key's secret, in lowercase hex. docs/signing.md has it for clients.

The plain signature is over the exact date string. The full one is over method, target, date and body as well."""

import hashlib
import hmac
import logging
import secrets
from datetime import datetime
from functools import lru_cache

from django.conf import settings

from accounts import crypto
from accounts.models import ApiKey

log = logging.getLogger(__name__)
LONGEST = 41  # characters of an id, and one more: an id that is longer than any is an id that nobody has


def sign(secret: str, message: str) -> str:
    """Return the signature of `message` under `secret`: 64 lowercase hex digits. A plain one's message is the date."""
    return hmac.digest(secret.encode(), message.encode(errors="surrogateescape"), "sha256").hex()


def whole(*, method: str, target: str, date: str, body: bytes) -> str:
    """Return the message of a full signature: four lines, of which no header can hold the breaks.

    `target` is path and query exactly as they were sent.
    """
    return "\n".join([method, target, date, hashlib.sha256(body).hexdigest()])


@lru_cache(maxsize=4)
def _decoy(keys: tuple[str, ...]) -> str:
    """Return a sealed secret that nobody knows, for the work that must be done when there is no key.

    `keys` are the encryption keys that it is sealed with, so that it never outlives them.
    """
    return crypto.encrypt(secrets.token_urlsafe(32)) if keys else ""


def genuine(key: ApiKey | None, *, claimed: str, message: str, signature: str, at: datetime) -> bool:
    """Whether `signature` is `message` signed with the current secret of `key`, or its previous one during an overlap.

    `claimed` is the id that the caller sent. An unknown key (None), a revoked and an expired one cost the same two
    decryptions, the first time, and two comparisons as a good one does, so that the time of the answer tells nothing.
    """
    decoy = _decoy(tuple(settings.ENCRYPTION_KEYS))
    current = key.secret_encrypted if key else decoy
    overlaps = key is not None and key.previous_until is not None and at < key.previous_until
    previous = (key.previous_encrypted if key and overlaps else "") or decoy
    given = signature.encode()
    matches = False
    for place, sealed in enumerate((current, previous)):
        secret = _open((claimed[:LONGEST], place), sealed, tuple(settings.ENCRYPTION_KEYS))
        matches |= hmac.compare_digest(sign(secret, message).encode(), given)
    return matches and key is not None and key.usable_at(at)


@lru_cache(maxsize=2048)
def _open(_asked: tuple[str, int], sealed: str, keys: tuple[str, ...]) -> str:
    """Return the secret, which a process remembers by the id that was sent and which of its two it is.

    So an id that nobody has takes as long the first time, and as little from then on, as one that somebody has.
    """
    try:
        return crypto.decrypt(sealed)
    except crypto.InvalidToken:
        log.error("An API key's secret cannot be decrypted: an old key is missing from DYNAMO_ENCRYPTION_KEYS")  # noqa: TRY400
        return crypto.decrypt(_decoy(keys))
