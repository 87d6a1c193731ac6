"""Request signing: HMAC-SHA256 with the key's secret, in lowercase hex. docs/signing.md has it for clients.

The plain signature is over the exact date string. The full one is over method, target, date and body as well."""

import hashlib
import hmac
import logging
import secrets
from datetime import datetime
from functools import lru_cache

from django.conf import settings

from accounts import encryption
from accounts.models import ApiKey

log = logging.getLogger(__name__)


def sign(secret: str, message: str) -> str:
    """Return the signature of `message` under `secret`: 64 lowercase hex digits. A plain one's message is the date."""
    return hmac.digest(secret.encode(), message.encode(errors="surrogateescape"), "sha256").hex()


def full_signature_message(*, method: str, target: str, date: str, body: bytes) -> str:
    """Return the message of a full signature: four lines, of which no header can hold the breaks.

    `target` is path and query exactly as they were sent.
    """
    return "\n".join([method, target, date, hashlib.sha256(body).hexdigest()])


@lru_cache(maxsize=4)
def _decoy(keys: tuple[str, ...]) -> str:
    """Return a random secret, encrypted with `keys`: it is decrypted in place of a missing key's secret."""
    return encryption.encrypt(secrets.token_urlsafe(32)) if keys else ""


def verify_signature(key: ApiKey | None, *, message: str, signature: str, at: datetime) -> bool:
    """Whether `signature` is `message` signed with the current secret of `key`, or its previous one during an overlap.

    Every call takes the same two decryptions and two comparisons, whether the key is unknown (None), revoked, expired
    or in use, so that the response time discloses nothing.
    """
    decoy = _decoy(tuple(settings.ENCRYPTION_KEYS))
    current = key.secret_encrypted if key else decoy
    overlaps = key is not None and key.previous_until is not None and at < key.previous_until
    sealed = (current, (key.previous_encrypted if key and overlaps else "") or decoy)
    opened = [_open(item, decoy) for item in sealed]
    usable = key is not None and key.is_valid_at(at)
    return _matches(opened, message, signature.encode()) and usable


def _matches(candidates: list[str], message: str, given: bytes) -> bool:
    good = [hmac.compare_digest(sign(secret, message).encode(), given) for secret in candidates]
    return any(good)


def _open(sealed: str, decoy: str) -> str:
    try:
        return encryption.decrypt(sealed)
    except encryption.InvalidToken:
        log.error("An API key's secret cannot be decrypted: an old key is missing from DYNAMO_ENCRYPTION_KEYS")  # noqa: TRY400
        return encryption.decrypt(decoy)
