"""Encryption keys change, and nothing is lost, whatever happens in between."""

import pytest
from cryptography.fernet import Fernet
from django.core.management import CommandError, call_command

from accounts import encryption
from accounts.models import ApiKey
from posts.models import Channel

pytestmark = pytest.mark.django_db


def test_every_column_that_is_encrypted_is_known():
    known = {f"{model.__name__}.{column}" for model, column in encryption.encrypted_columns()}
    assert {"ApiKey.secret_encrypted", "ApiKey.previous_encrypted", "Channel.token_encrypted"} <= known
    assert "Webhook.secret_encrypted" in known


def test_after_the_rotation_the_old_key_may_go(facebook: Channel, key: ApiKey, settings, capsys):
    token, secret = facebook.token, encryption.decrypt(key.secret_encrypted)
    settings.ENCRYPTION_KEYS = [Fernet.generate_key().decode(), *settings.ENCRYPTION_KEYS]
    assert Channel.objects.get().token == token
    call_command("reencrypt_secrets")
    settings.ENCRYPTION_KEYS = settings.ENCRYPTION_KEYS[:1]
    assert Channel.objects.get().token == token
    assert encryption.decrypt(ApiKey.objects.get(pk=key.pk).secret_encrypted) == secret
    said = capsys.readouterr().out
    assert "posts.Channel.token_encrypted: re-encrypted 1" in said
    assert token not in said


def test_what_no_key_opens_stays_as_it_is_and_is_told(facebook: Channel, settings):
    sealed = facebook.token_encrypted
    settings.ENCRYPTION_KEYS = ["another"]
    with pytest.raises(CommandError, match="1 could not be decrypted"):
        call_command("reencrypt_secrets")
    assert Channel.objects.get().token_encrypted == sealed


def test_what_is_stored_meanwhile_stays(facebook: Channel):
    steps = encryption.reencrypt_column(Channel, "token_encrypted")
    assert list(steps) == [True]
    one = Channel.objects.get()
    assert (one.token, one.token_encrypted == facebook.token_encrypted) == (facebook.token, False)
