"""How a request proves that its client has the key's secret: by a signature, or as a bearer token by the secret itself.

Signatures are HMAC-SHA256 with the secret, in lowercase hex. docs/signing.md describes them for clients.

The plain signature covers the exact date string; the full one covers method, target, date and body."""

import hmac
import logging
import secrets
from collections.abc import Callable
from datetime import datetime
from functools import lru_cache

from django.conf import settings

from accounts import encryption
from accounts.models import ApiKey

log = logging.getLogger(__name__)


def sign(secret: str, message: str) -> str:
    """Return the signature as 64 lowercase hex digits. The message of a plain signature is the date string."""
    return hmac.digest(secret.encode(), message.encode(errors="surrogateescape"), "sha256").hex()


def full_signature_message(*, method: str, target: str, date: str, body_sha256: str) -> str:
    """Return the message of a full signature: four lines. `target` is path and query exactly as sent."""
    return f"{method}\n{target}\n{date}\n{body_sha256}"


@lru_cache(maxsize=4)
def _decoy(keys: tuple[str, ...]) -> str:
    """Return a random secret, encrypted with `keys`: it is decrypted in place of a missing key's secret."""
    return encryption.encrypt(secrets.token_urlsafe(32)) if keys else ""


def verify_signature(key: ApiKey | None, *, message: str, signature: str, at: datetime) -> bool:
    """Whether `signature` is `message` signed with the current secret of `key`, or its previous one during an overlap.

    Every call takes the same two decryptions and two comparisons, whether the key is unknown (None), revoked, expired
    or valid, so that the response time discloses nothing.
    """
    return _matches(key, lambda secret: sign(secret, message), signature, at=at)


def verify_secret(key: ApiKey | None, *, secret: str, at: datetime) -> bool:
    """Whether `secret` is the current secret of `key`, or its previous one during an overlap; as `verify_signature`."""
    return _matches(key, lambda stored: stored, secret, at=at)


def _matches(key: ApiKey | None, derive: Callable[[str], str], given: str, *, at: datetime) -> bool:
    """Whether `given` is what `derive` returns for one of the key's secrets, and the key is valid."""
    decoy = _decoy(tuple(settings.ENCRYPTION_KEYS))
    current = key.secret_encrypted if key else decoy
    overlaps = key is not None and key.previous_until is not None and at < key.previous_until
    previous = (key.previous_encrypted if key and overlaps else "") or decoy
    candidates = [_decrypt(encrypted, decoy) for encrypted in (current, previous)]
    sent = given.encode(errors="surrogateescape")
    matches = [hmac.compare_digest(derive(secret).encode(), sent) for secret in candidates]
    return any(matches) and key is not None and key.is_valid_at(at)


def _decrypt(encrypted: str, decoy: str) -> str:
    try:
        return encryption.decrypt(encrypted)
    except encryption.InvalidToken:
        log.error("An API key's secret cannot be decrypted: an old key is missing from DYNAMO_ENCRYPTION_KEYS")  # noqa: TRY400
        return encryption.decrypt(decoy)
