"""Re-encryption with a new key."""

import pytest
from cryptography.fernet import Fernet
from django.core.management import CommandError, call_command

from accounts import encryption
from accounts.models import ApiKey
from posts.models import Channel

pytestmark = pytest.mark.django_db


def test_encrypted_columns_finds_all():
    known = {f"{model.__name__}.{column}" for model, column in encryption.encrypted_columns()}
    assert {"ApiKey.secret_encrypted", "ApiKey.previous_encrypted", "Channel.token_encrypted"} <= known
    assert "Webhook.secret_encrypted" in known


def test_after_reencryption_the_old_key_is_not_needed(facebook: Channel, key: ApiKey, settings, capsys):
    token, secret = facebook.token, encryption.decrypt(key.secret_encrypted)
    settings.ENCRYPTION_KEYS = [Fernet.generate_key().decode(), *settings.ENCRYPTION_KEYS]
    assert Channel.objects.get().token == token
    call_command("reencrypt_secrets")
    settings.ENCRYPTION_KEYS = settings.ENCRYPTION_KEYS[:1]
    assert Channel.objects.get().token == token
    assert encryption.decrypt(ApiKey.objects.get(pk=key.pk).secret_encrypted) == secret
    output = capsys.readouterr().out
    assert "posts.Channel.token_encrypted: re-encrypted 1" in output
    assert token not in output


def test_undecryptable_value_is_kept_and_reported(facebook: Channel, settings):
    ciphertext = facebook.token_encrypted
    settings.ENCRYPTION_KEYS = ["another"]
    with pytest.raises(CommandError, match="1 could not be decrypted"):
        call_command("reencrypt_secrets")
    assert Channel.objects.get().token_encrypted == ciphertext
