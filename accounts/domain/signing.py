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


def sign(secret: str, message: str) -> str:
    """Return the signature of `message` under `secret`: 64 lowercase hex digits. A plain one's message is the date."""
    return hmac.new(secret.encode(), message.encode(errors="surrogateescape"), hashlib.sha256).hexdigest()


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


def genuine(key: ApiKey | None, *, message: str, signature: str, at: datetime) -> bool:
    """Whether `signature` is `message` signed with the current secret of `key`, or its previous one during an overlap.

    An unknown key (None), a revoked and an expired one cost the same two decryptions and two comparisons as a good
    one does, so that the time of the answer tells nothing.
    """
    decoy = _decoy(tuple(settings.ENCRYPTION_KEYS))
    current = key.secret_encrypted if key else decoy
    overlaps = key is not None and key.previous_until is not None and at < key.previous_until
    previous = (key.previous_encrypted if key and overlaps else "") or decoy
    given = signature.encode()
    matches = False
    for sealed in (current, previous):
        matches |= hmac.compare_digest(sign(_open(sealed, decoy), message).encode(), given)
    return matches and key is not None and key.usable_at(at)


def _open(sealed: str, decoy: str) -> str:
    try:
        return crypto.decrypt(sealed)
    except crypto.InvalidToken:
        log.error("An API key's secret cannot be decrypted: an old key is missing from DYNAMO_ENCRYPTION_KEYS")  # noqa: TRY400
        return crypto.decrypt(decoy)
