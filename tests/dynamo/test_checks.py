"""Production refuses to start with unsafe settings; anything else starts."""

import os
import secrets
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import call_command

from accounts.models import KeyCheck
from dynamo import checks

SAFE = {
    "DYNAMO_PRODUCTION": "1",
    "DYNAMO_ALLOWED_HOSTS": "dynamo.example",
    "DYNAMO_SECRET_KEY": secrets.token_urlsafe(50),
    "DYNAMO_ENCRYPTION_KEYS": secrets.token_urlsafe(32),
    "DYNAMO_AUDIT_KEYS": secrets.token_urlsafe(32),
    "GRAPH_APP_ID": "100000000000001",
    "GRAPH_APP_SECRET": secrets.token_hex(16),
    "DATABASE_URL": "postgresql://dynamo@db.example/dynamo",
    "REDIS_URL": "redis://redis.example/0",
}

KEY = secrets.token_urlsafe(32)


def start(folder: Path, **changed: str | None) -> tuple[int, str]:
    """Do what the start commands do first, in production with some settings changed; None takes one away."""
    given = {**{name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}, **SAFE, **changed}
    environment = {name: value for name, value in given.items() if value is not None}
    environment |= {"DYNAMO_VAR": str(folder), "DJANGO_SETTINGS_MODULE": "dynamo.settings"}
    script = "from dynamo.checks import refuse_unsafe_start; refuse_unsafe_start()"
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=False)
    return done.returncode, done.stderr


def test_production_with_safe_settings_starts(tmp_path: Path) -> None:
    assert start(tmp_path)[0] == 0


def test_production_without_a_public_address_starts_with_a_warning(tmp_path: Path) -> None:
    status, output = start(tmp_path, DYNAMO_PUBLIC_URL="https://192.168.1.4")
    assert (status, "(dynamo.W001)" in output, "DYNAMO_PUBLIC_URL" in output) == (0, True, True)


def test_production_without_an_app_id_starts_with_a_warning(tmp_path: Path) -> None:
    status, output = start(tmp_path, GRAPH_APP_ID=None)
    assert (status, "(dynamo.W002)" in output, "GRAPH_APP_ID" in output) == (0, True, True)


def test_checks_outside_production_find_nothing(tmp_path: Path) -> None:
    assert start(tmp_path, **dict.fromkeys(SAFE))[0] == 0


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"DYNAMO_SECRET_KEY": None}, "dynamo.E001"),
        ({"DYNAMO_ENCRYPTION_KEYS": None}, "dynamo.E001"),
        ({"DYNAMO_AUDIT_KEYS": None}, "dynamo.E001"),
        ({"DYNAMO_DEBUG": "1"}, "dynamo.E002"),
        ({"DATABASE_URL": None}, "dynamo.E003"),
        ({"REDIS_URL": None}, "dynamo.E004"),
        ({"GRAPH_BASE_URL": "http://127.0.0.1:8001"}, "dynamo.E005"),
        ({"DYNAMO_MEDIA_ALLOW_LOOPBACK": "1"}, "dynamo.E006"),
        ({"GRAPH_APP_SECRET": None}, "dynamo.E007"),
        ({"DYNAMO_ENQUEUE_HORIZON": "3000"}, "dynamo.E008"),
        ({"DYNAMO_ALLOWED_HOSTS": "dynamo.example,*"}, "dynamo.E009"),
        ({"GRAPH_BASE_URL": "http://graph.facebook.com"}, "dynamo.E010"),
        ({"DYNAMO_SECRET_KEY": "k" * 50}, "dynamo.E011"),
        ({"DYNAMO_ENCRYPTION_KEYS": "k"}, "dynamo.E011"),
        ({"DYNAMO_ENCRYPTION_KEYS": f"{KEY},old"}, "dynamo.E011"),
        ({"DYNAMO_AUDIT_KEYS": KEY[:31]}, "dynamo.E011"),
        ({"DYNAMO_ENCRYPTION_KEYS": KEY, "DYNAMO_AUDIT_KEYS": f"{SAFE['DYNAMO_AUDIT_KEYS']},{KEY}"}, "dynamo.E012"),
        ({"DYNAMO_SECRET_KEY": KEY, "DYNAMO_AUDIT_KEYS": KEY}, "dynamo.E012"),
        ({"GRAPH_APP_SECRET": KEY, "DYNAMO_ENCRYPTION_KEYS": KEY}, "dynamo.E012"),
        ({"DYNAMO_ADMIN_URL": "http://dynamo.example"}, "dynamo.E013"),
    ],
)
def test_production_with_an_unsafe_setting_does_not_start_a21(
    tmp_path: Path, changed: dict[str, str | None], code: str
) -> None:
    status, output = start(tmp_path, **changed)
    assert status == 1
    assert f"({code})" in output


def test_sandbox_is_not_reported_as_a_setting_that_is_not_set_o11(tmp_path: Path) -> None:
    _, output = start(tmp_path, GRAPH_BASE_URL="http://127.0.0.1:8001")
    assert "DYNAMO_MEDIA_ALLOW_LOOPBACK" not in output


@pytest.mark.django_db(transaction=True)
def test_encryption_keys_that_do_not_decrypt_the_database_refuse_to_start(settings) -> None:
    ours, other = list(settings.ENCRYPTION_KEYS), secrets.token_urlsafe(32)
    assert checks._key_problem() == ""
    settings.ENCRYPTION_KEYS = [other]
    assert "DYNAMO_ENCRYPTION_KEYS" in checks._key_problem()
    with pytest.raises(SystemExit):
        checks.refuse_unsafe_start()
    settings.ENCRYPTION_KEYS = [other, *ours]
    assert checks._key_problem() == ""
    call_command("reencrypt_secrets")
    settings.ENCRYPTION_KEYS = [other]
    assert checks._key_problem() == ""


@pytest.mark.django_db(transaction=True)
def test_wrong_key_never_becomes_the_known_one(settings, key) -> None:
    settings.ENCRYPTION_KEYS = [secrets.token_urlsafe(32)]
    assert "DYNAMO_ENCRYPTION_KEYS" in checks._key_problem()
    assert not KeyCheck.objects.exists()
