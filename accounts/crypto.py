"""Encryption at rest for what must be recoverable: API secrets (HMAC needs them) and platform tokens."""

import base64
import hashlib
from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings

__all__ = ["InvalidToken", "decrypt", "encrypt"]


@lru_cache(maxsize=4)
def _fernet(keys: tuple[str, ...]) -> MultiFernet:
    # Any passphrase will do as a key: it is hashed to Fernet's 32 bytes. Operators should give random ones.
    return MultiFernet([Fernet(base64.urlsafe_b64encode(hashlib.sha256(key.encode()).digest())) for key in keys])


def encrypt(plain: str) -> str:
    """Return `plain` encrypted with the first of the configured keys, as ASCII text."""
    return _fernet(tuple(settings.ENCRYPTION_KEYS)).encrypt(plain.encode()).decode("ascii")


def decrypt(sealed: str) -> str:
    """Return what `encrypt` was given. Raises InvalidToken when none of the configured keys fits."""
    return _fernet(tuple(settings.ENCRYPTION_KEYS)).decrypt(sealed.encode("ascii")).decode()
