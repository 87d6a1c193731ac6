"""Encryption of stored secrets with the first of ENCRYPTION_KEYS, and re-encryption when the keys change."""

import base64
import hashlib
from collections.abc import Iterator
from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.apps import apps
from django.conf import settings
from django.db.models import Model
from django.views.decorators.debug import sensitive_variables

__all__ = ["InvalidToken", "check_keys", "decrypt", "encrypt", "encrypted_columns", "reencrypt_column"]


@lru_cache(maxsize=4)
def _fernet(keys: tuple[str, ...]) -> MultiFernet:
    # Any passphrase works as a key, because it is hashed to Fernet's 32 bytes. Operators should use random ones.
    return MultiFernet([Fernet(base64.urlsafe_b64encode(hashlib.sha256(key.encode()).digest())) for key in keys])


@sensitive_variables("plaintext")
def encrypt(plaintext: str) -> str:
    return _fernet(tuple(settings.ENCRYPTION_KEYS)).encrypt(plaintext.encode()).decode("ascii")


def decrypt(ciphertext: str) -> str:
    """Raises InvalidToken when none of ENCRYPTION_KEYS fits."""
    return _fernet(tuple(settings.ENCRYPTION_KEYS)).decrypt(ciphertext.encode("ascii")).decode()


def check_keys() -> None:
    """Raise InvalidToken when ENCRYPTION_KEYS do not open what this database stores; store the known value if missing.

    Before it is stored, the newest API secret must open, so that a wrong key never becomes the known one.
    """
    from accounts.models import ApiKey, KeyCheck

    known = KeyCheck.objects.values_list("value_encrypted", flat=True).first()
    if known is not None:
        decrypt(known)
        return
    newest = ApiKey.objects.order_by("-created_at").values_list("secret_encrypted", flat=True).first()
    if newest:
        decrypt(newest)
    KeyCheck.objects.bulk_create([KeyCheck(value_encrypted=encrypt("dynamo"))], ignore_conflicts=True)


def encrypted_columns() -> list[tuple[type[Model], str]]:
    """Return all columns whose name ends in `_encrypted`, of all apps."""
    models = sorted(apps.get_models(), key=lambda model: model._meta.label)
    return [
        (model, field.name)
        for model in models
        for field in model._meta.local_fields
        if field.name.endswith("_encrypted")
    ]


def reencrypt_column(model: type[Model], column: str) -> Iterator[bool]:
    """Re-encrypt the column of each row; yield for each row whether that worked: False when no key decrypts it.

    The update compares the old value, so that a concurrent write wins; it uses the first key already. It can be
    interrupted and repeated.
    """
    for pk, ciphertext in model._default_manager.exclude(**{column: ""}).values_list("pk", column):
        try:
            plaintext = decrypt(ciphertext)
        except InvalidToken:
            yield False
        else:
            model._default_manager.filter(pk=pk, **{column: ciphertext}).update(**{column: encrypt(plaintext)})
            yield True
