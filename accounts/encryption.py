"""Encryption keys change: what is stored is encrypted anew with the first of them."""

import base64
import hashlib
from collections.abc import Iterator
from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.apps import apps
from django.conf import settings
from django.db.models import Model

SUFFIX = "_encrypted"
PAGE = 500


def encrypted_columns() -> list[tuple[type[Model], str]]:
    """Return every column of the product that holds something encrypted: those whose name says so."""
    models = sorted(apps.get_models(), key=lambda model: model._meta.label)
    return [
        (model, field.name) for model in models for field in model._meta.local_fields if field.name.endswith(SUFFIX)
    ]


def reencrypt_column(model: type[Model], column: str) -> Iterator[bool]:
    """Encrypt each row's column anew; yield for each whether that worked: False when no configured key opens it.

    By compare-and-set: what somebody stores meanwhile is encrypted with the first key already, and stays. Broken off
    anywhere, it can be done again.
    """
    last = None
    while True:
        rows = model._default_manager.exclude(**{column: ""}).order_by("pk")
        page = list((rows.filter(pk__gt=last) if last is not None else rows).values_list("pk", column)[:PAGE])
        for pk, sealed in page:
            try:
                plain = decrypt(sealed)
            except InvalidToken:
                yield False
                continue
            model._default_manager.filter(pk=pk, **{column: sealed}).update(**{column: encrypt(plain)})
            yield True
        if len(page) < PAGE:
            return
        last = page[-1][0]


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
