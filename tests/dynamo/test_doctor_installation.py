"""`manage.py doctor` without a section: what an operator can have wrong is found, with its remedy."""

import io
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

from accounts import clock
from accounts.models import ApiKey
from dynamo import doctor
from scheduling.domain import health, sweep
from scheduling.models import WorkerHeartbeat
from tests.services.web_server import WebServer

pytestmark = pytest.mark.django_db
POSTGRESQL = connection.vendor == "postgresql"


def levels(section: str, **options: str) -> dict[str, str]:
    """Return the level of each finding; each that is not ok has a remedy."""
    findings = doctor.examine(section, **options)
    assert all(finding.fix for finding in findings if finding.level in {"warn", "fail"})
    return {finding.name: finding.level for finding in findings}


def test_every_section_is_examined_and_secrets_are_not_shown(key: ApiKey, sandbox: Any, settings: Any) -> None:
    output = io.StringIO()
    with pytest.raises(CommandError):  # no worker runs, and there is no Meta app
        call_command("doctor", "--json", stdout=output)
    found = json.loads(output.getvalue())
    assert list(found) == list(doctor.SECTIONS)
    names = [finding["name"] for findings in found.values() for finding in findings]
    assert all(findings for findings in found.values())
    assert not [name for name in names if name.endswith(".failed")], output.getvalue()
    for secret in (settings.SECRET_KEY, *settings.ENCRYPTION_KEYS, *settings.AUDIT_KEYS):
        assert secret not in output.getvalue()


def test_one_section_alone() -> None:
    output = io.StringIO()
    call_command("doctor", "--only", "cache", stdout=output)
    assert output.getvalue() == "cache\n  ok    The cache returns what is stored in it.\n"


def test_section_that_raises_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> Any:
        raise RuntimeError
        yield

    monkeypatch.setitem(doctor.SECTIONS, "cache", broken)
    assert levels("cache") == {"cache.failed": "fail"}


def test_misspelt_variable_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DYNAMO_SWEEP_INTERVALL", "2")
    assert levels("settings")["unknown.DYNAMO_SWEEP_INTERVALL"] == "warn"
    assert "unknown.DYNAMO_VAR" not in levels("settings")


@pytest.mark.parametrize("name", ["DYNAMO_SETUP_ORGANIZATION", "DYNAMO_SETUP_PASSWORD_FILE", "S3_REGION"])
def test_variable_that_only_some_processes_read_is_no_finding(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "x")
    assert f"unknown.{name}" not in levels("settings")


def test_unsafe_settings_of_production_are_found(settings: Any) -> None:
    settings.PRODUCTION = settings.DEBUG = True
    assert levels("settings")["dynamo.E002"] == "fail"


def test_keys_that_open_nothing_are_found(key: ApiKey, make_waiting: Any, settings: Any) -> None:
    make_waiting()
    assert set(levels("keys").values()) == {"ok"}
    settings.ENCRYPTION_KEYS, settings.AUDIT_KEYS = ["another"], ["another"]
    found = levels("keys")
    assert (found["encryption.accounts.apikey.secret_encrypted"], found["audit"]) == ("fail", "fail")


def test_migrations_that_differ_are_found() -> None:
    assert levels("migrations") == {"migrations": "ok"}
    recorder = MigrationRecorder(connection)
    recorder.record_applied("scheduling", "9999_of_a_newer_version")
    assert levels("migrations") == {"migrations": "fail"}
    recorder.record_unapplied("scheduling", "9999_of_a_newer_version")
    recorder.record_unapplied("scheduling", "0012_lean_indexes")
    assert levels("migrations") == {"migrations": "fail"}


@pytest.mark.skipif(not POSTGRESQL, reason="SQLite has no server")
def test_database_is_described_and_read_only_is_found() -> None:
    found = levels("database")
    assert (found["database"], found["database.pooler"]) == ("ok", "ok")
    assert found["database.replication"] == "fail"  # the server of the tests has synchronous_commit off
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL transaction_read_only = on")
    assert levels("database")["database.read_only"] == "fail"
    assert health.READ_ONLY in health.check_health().problems
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL synchronous_commit = on")
    assert levels("database")["database.replication"] == "info"


def test_broker_and_cache_that_do_not_answer_are_found(settings: Any) -> None:
    assert (levels("broker")["broker"], levels("cache")) == ("ok", {"cache": "ok"})
    settings.CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": "redis://127.0.0.1:1/0",
            "OPTIONS": {"socket_timeout": 1, "socket_connect_timeout": 1},
        }
    }
    assert levels("cache") == {"cache": "fail"}
    assert not health.check_health().cache


def test_storage_is_tried_and_left_empty(settings: Any, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path
    assert levels("storage") == {"storage": "ok"}
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]
    settings.MEDIA_ROOT = "/dev/full"
    assert levels("storage") == {"storage": "fail"}


def test_email_is_tried_and_sent_on_request(settings: Any, mailoutbox: list[Any]) -> None:
    assert levels("email") == {"email": "warn"}
    settings.EMAIL_HOST = "mail.example"
    assert (levels("email"), mailoutbox) == ({"email": "ok"}, [])
    assert levels("email", send_test="ana@casa.example") == {"email": "ok"}
    assert [message.to for message in mailoutbox] == [["ana@casa.example"]]
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    assert levels("email") == {"email": "fail"}


def test_workers_that_do_not_run_are_found() -> None:
    assert levels("workers") == {"workers.0": "fail"}
    sweep.sweep("w1@here")
    assert levels("workers") == {"workers": "ok"}
    WorkerHeartbeat.objects.filter(worker="queue:media").update(seen_at=clock.now() - health.HEARTBEATS_KEPT / 2)
    assert levels("workers") == {"workers.0": "fail"}


def test_addresses_are_compared_and_requested(public_server: WebServer, settings: Any) -> None:
    settings.PUBLIC_URL, settings.MEDIA_ALLOW_LOOPBACK = public_server.url, True
    settings.ADMIN_URL = "https://dynamo.example"
    found = levels("address")
    assert (found["address.admin_url"], found["address.reached"]) == ("fail", "ok")
    settings.PUBLIC_URL = "http://127.0.0.1:1"
    assert levels("address")["address.reached"] == "warn"
    settings.MEDIA_ALLOW_LOOPBACK = settings.SANDBOXED = False
    assert levels("address")["address.public"] == "warn"


def test_files_with_secrets_that_others_can_read_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = tmp_path / "key"
    secret.write_text("x")
    secret.chmod(0o600)
    monkeypatch.setenv("DYNAMO_SECRET_KEY_FILE", str(secret))
    assert levels("files")["permissions"] == "ok"
    secret.chmod(0o644)
    assert levels("files")["permissions.key"] == "fail"


@pytest.mark.skipif(not POSTGRESQL, reason="SQLite has no clock")
@pytest.mark.parametrize(("seconds", "level"), [(0, "ok"), (3, "warn"), (60, "fail")])
def test_clock_that_differs_is_found(seconds: float, level: str) -> None:
    with time_machine.travel(clock.now() + timedelta(seconds=seconds), tick=True):
        assert levels("clock")["clock.database"] == level
